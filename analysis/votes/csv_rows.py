"""Read columns of CSV files of millions of rows as text, with the line of every row and error.

pandas reads regular files, Python's reader all others: pandas reads a row with too few fields as
if the others were empty, and its errors have no line.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Iterator, Sequence

import pandas as pd
from pandas.api.types import union_categoricals

from analysis.votes.layout import Layout, csv_reason, undecodable_line
from methods.errors import InputError

# Rows that are read at once: texts of their own, before they become categories.
_CHUNK = 2**16
# Bytes that are looked through at once.
_BLOCK = 2**20


def texts(layout: Layout, places: Sequence[int]) -> pd.DataFrame:
    """Return the columns at some places as categories of text, by place; the index is the lines.

    Raises InputError if the text is not UTF-8, a quote is not closed, or a row lacks fields or has
    fields outside the columns.
    """
    chunks = _by_pandas(layout, places) if _is_regular(layout) else _by_python(layout, places)
    try:
        parts = [chunk.astype("category") for chunk in chunks]
    except UnicodeDecodeError:
        raise InputError(undecodable_line(layout.path, layout.text)) from None
    if not parts:
        return pd.DataFrame(columns=places, dtype="category")
    columns = {place: union_categoricals([part[place] for part in parts]) for place in places}
    return pd.DataFrame(columns, parts[0].index.append([part.index for part in parts[1:]]))


def _is_regular(layout: Layout) -> bool:
    """Return whether every line is a row of as many fields as the heading, without quotes, and
    none is blank."""
    needed, separator = len(layout.names) - 1, layout.separator.encode()
    blank = re.compile(rb"(?m)^[ \r" + re.escape(separator) + rb"]+$")
    with layout.open() as file:
        blocks = iter(lambda: file.readlines(_BLOCK), [])
        # pandas takes no separator of several bytes, and ends a text at a NUL byte.
        return len(separator) == 1 <= needed and all(
            {line.count(separator) for line in lines} == {needed}
            and not any(odd in (block := b"".join(lines)) for odd in (b'"', b"\0"))
            and not blank.search(block)
            for lines in itertools.chain([file.readlines(_BLOCK)], blocks)
        )


def _by_pandas(layout: Layout, places: Sequence[int]) -> Iterator[pd.DataFrame]:
    last = len(layout.names) - 1
    with layout.open() as file:
        # As objects: pandas takes categories of 1 and 01 for numbers.
        for chunk in pd.read_csv(
            file,
            sep=layout.separator,
            header=None,
            names=range(len(layout.names)),
            usecols=places,
            dtype=object,
            na_filter=False,
            quoting=csv.QUOTE_NONE,
            lineterminator="\n",
            skip_blank_lines=False,
            chunksize=_CHUNK,
        ):
            if last in chunk:
                chunk[last] = chunk[last].str.removesuffix("\r")
            yield chunk.set_axis(chunk.index + layout.body)


def _by_python(layout: Layout, places: Sequence[int]) -> Iterator[pd.DataFrame]:
    rows = _rows(layout)
    while True:
        lines: list[int] = []
        # Rows are not kept: millions of lists keep the garbage collector busy.
        columns: dict[int, list[str]] = {place: [] for place in places}
        for line, row in itertools.islice(rows, _CHUNK):
            lines.append(line)
            for place, column in columns.items():
                column.append(row[place])
        if not lines:
            return
        yield pd.DataFrame(columns, lines, dtype=object)


def _rows(layout: Layout) -> Iterator[tuple[int, list[str]]]:
    """Yield the first line of each row that is not blank, and its fields."""
    path, fields, needed = layout.path, len(layout.names), layout.needed
    line = layout.body
    try:
        with io.TextIOWrapper(layout.open(), encoding="utf-8", newline="\n") as file:
            reader = csv.reader(file, delimiter=layout.separator, strict=True)
            for row in reader:
                if any(field.strip() for field in row):
                    if len(row) < needed or any(row[fields:]):
                        count = f"{len(row)} field{'s' if len(row) > 1 else ''}"
                        raise InputError(f"{path} line {line}: {count}, the header has {fields}")
                    if len(row) < fields:
                        row += [""] * (fields - len(row))
                    yield line, row
                line = layout.body + reader.line_num
    except csv.Error as error:
        raise InputError(f"{path} line {line}: {csv_reason(error)}") from None
