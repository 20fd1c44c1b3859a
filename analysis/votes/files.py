"""Read selected columns of CSV and Parquet files of millions of rows as text.

Polars reads a CSV row with too few fields as if the others were empty, and reports errors without
their line. Therefore fields are counted first, by Python's reader unless the file is regular.
"""

from __future__ import annotations

import csv
import io
import itertools
from array import array
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from analysis.votes.layout import Layout, csv_reason, find, undecodable_line
from analysis.votes.names import composed, one_line
from methods.errors import InputError

_Types = Mapping[str, type[pl.DataType]]
# What Polars raises for damaged Parquet files; its PanicException is not derived from Exception.
_UNREADABLE = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError)
_WORKBOOK = (
    "a spreadsheet, not a text file; save its sheet as CSV (in Excel: File, Save As, CSV UTF-8) "
    "and give that file"
)
_OTHER_FORMATS = dict.fromkeys((".xlsx", ".xlsm", ".xls", ".xlsb", ".ods"), _WORKBOOK) | {
    ".json": "JSON, not CSV; export it as CSV and give that file"
}
# How files begin that a spreadsheet program writes, whatever their suffix: ZIP, and OLE.
_ARCHIVES = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")


# A file, or a table of Python, all text.
Source = Path | pl.DataFrame
# What messages call the latter.
DATA_FRAME = Path("DataFrame")


@dataclass(frozen=True)
class Heading:
    """The names of a file's columns."""

    path: Path
    names: tuple[str, ...]  # "" for a column without a name
    layout: Layout | None  # None for Parquet and for tables of Python
    frame: pl.DataFrame | None = None  # a table of Python

    def position(self, name: str, remedy: str = "keep one") -> int:
        """Return the position of a column; raise InputError if others have the same name."""
        same = self.names.count(name)
        if same > 1:
            where = f"{self.path} line {self.layout.line}" if self.layout else self.path
            raise InputError(f"{where}: {same} columns are called {one_line(name)!r}; {remedy}")
        return self.names.index(name)


def heading(source: Source, known: Collection[str], separator: str | None = None) -> Heading:
    """Read the names of a file's columns; raise InputError if its heading cannot be used.

    Parameters
    ----------
    known
        Names of columns that may be in the file, by which to recognise its separator.
    separator
        The separator of a CSV file, if it is known.
    """
    if isinstance(source, pl.DataFrame):
        names = tuple(composed(name) for name in source.columns)
        return Heading(DATA_FRAME, names, None, source)
    path = source
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    if remedy := _OTHER_FORMATS.get(path.suffix.lower()):
        raise InputError(f"{path}: {remedy}")
    if _is_parquet(path):
        if separator:
            raise InputError(f"{path}: --separator is for CSV files, this is Parquet")
        return Heading(path, tuple(composed(name) for name in _schema(path)), None)
    with path.open("rb") as file:
        if file.read(4) in _ARCHIVES:
            raise InputError(f"{path}: {_WORKBOOK}")
    layout = find(path, known, separator)
    return Heading(path, layout.names, layout)


def read(
    heading: Heading, columns: Mapping[str, int], repeated: Collection[str] = ()
) -> pl.DataFrame:
    """Read columns of a CSV or Parquet file, or of a table of Python, as text.

    Missing values are empty. `line` is the first line of a row (from 1), its number in a Parquet
    file (from 1) or its position in a table of Python (from 0); blank lines are skipped.

    Parameters
    ----------
    columns
        The name that each column gets, and its position in the file.
    repeated
        Those of the new names whose columns become categories.

    Raises
    ------
    InputError
        If the file cannot be read, if possible with the line.
    """
    path, layout = heading.path, heading.layout
    if heading.frame is not None:
        theirs = heading.frame.columns
        kept = heading.frame.select(
            pl.col(theirs[place]).alias(name) for name, place in columns.items()
        )
        kept = kept.cast(dict.fromkeys(set(repeated) & columns.keys(), pl.Categorical))
        return kept.with_row_index("line")
    types = {name: pl.Categorical if name in repeated else pl.String for name in columns}
    lines = array("L")
    try:
        if layout is None:
            rows = _scan_parquet(path, columns, types)
        else:
            lines, width = _check_rows(layout)
            rows = _scan_csv(layout, columns, types, lines, width)
        table = rows.collect(engine="streaming")
        table = table.with_row_index("line", offset=layout.body if layout else 1)
        if lines:
            table = table.with_columns(line=pl.Series(np.array(lines, np.uint32)))
            table = table.filter(pl.col("line") > 0)
    except _UNREADABLE as error:
        undecodable = undecodable_line(path) if layout else ""
        raise InputError(undecodable or f"{path}: {_first_line(error)}") from error
    return table.with_columns(pl.exclude("line").fill_null(""))


def _scan_csv(
    layout: Layout, columns: Mapping[str, int], types: _Types, lines: array[int], width: int
) -> pl.LazyFrame:
    """Return the rows below the heading; `width` is the number of fields in the first of them."""
    if not width:
        return pl.LazyFrame(schema=dict(types))
    # Polars takes the number of columns from the first row that it reads, which must not be blank.
    blank = next((i for i, line in enumerate(lines) if line), 0)
    del lines[:blank]
    names = [f"field {i}" for i in range(width)]
    rows = pl.scan_csv(
        layout.text,
        separator=layout.separator,
        has_header=False,
        skip_lines=layout.body - 1 + blank,
        new_columns=names,
        infer_schema=False,
        schema_overrides={names[place]: types[name] for name, place in columns.items()},
        truncate_ragged_lines=True,
    )
    return rows.select(pl.col(names[place]).alias(name) for name, place in columns.items())


def numbered(column: pl.Series) -> tuple[NDArray[np.int32], list[str]]:
    """Return the position of each value among the sorted distinct values, (N,), and these."""
    column = column.cast(pl.Categorical)
    present = column.unique()
    names = present.cast(pl.String).to_list()
    order = sorted(range(len(names)), key=names.__getitem__)
    codes = present.to_physical().to_numpy()
    places = np.zeros(int(codes.max()) + 1 if len(codes) else 0, np.int32)
    places[codes[order]] = np.arange(len(order))
    return places[column.to_physical().to_numpy()], [names[i] for i in order]


def in_lines(path: Path, *numbers: int) -> str:
    """Return a file with one or two of its line numbers, for an error message."""
    if path == DATA_FRAME:
        return " and ".join(f"{path}.iloc[{number}]" for number in numbers)
    plural = "s" if len(numbers) > 1 else ""
    return f"{path} {_line_or_row(path)}{plural} {' and '.join(map(str, numbers))}"


def in_more_lines(path: Path, rows: int) -> str:
    """Return how many rows have the same error; "" for one."""
    return f" ({rows:,} such {_line_or_row(path)}s)" if rows > 1 else ""


def _line_or_row(path: Path) -> str:
    return "row" if _is_parquet(path) or path == DATA_FRAME else "line"


def _is_parquet(path: Path) -> bool:
    return path.suffix.lower() == ".parquet"


def _scan_parquet(path: Path, columns: Mapping[str, int], types: _Types) -> pl.LazyFrame:
    schema = _schema(path)
    theirs = list(schema)
    for place in columns.values():
        kind = schema[theirs[place]]
        if kind.is_nested() or kind in (pl.Binary, pl.Object):
            raise InputError(
                f"{path}: column {theirs[place]!r} is of type {kind}; save it as text or numbers"
            )
    return pl.scan_parquet(path).select(
        pl.col(theirs[place]).cast(pl.String).cast(types[name]).alias(name)
        for name, place in columns.items()
    )


def _schema(path: Path) -> dict[str, pl.DataType]:
    try:
        return dict(pl.read_parquet_schema(path))
    except _UNREADABLE as error:
        raise InputError(f"{path}: {_first_line(error)}") from error


def _check_rows(layout: Layout) -> tuple[array[int], int]:
    """Return the first line of each row, 0 for a blank line, and the fields of the first row.

    There are no lines if every line after the heading is a row, without quotes, of as many fields
    as the heading has. Raises InputError for a row that lacks fields or has fields outside the
    columns.
    """
    if _is_regular(layout):
        return array("L"), len(layout.names)
    path, fields = layout.path, len(layout.names)
    starts = array("L")
    width = 0
    line = layout.body
    try:
        with io.TextIOWrapper(layout.open(), encoding="utf-8-sig", newline="\n") as file:
            rows = itertools.islice(file, layout.body - 1, None)
            reader = csv.reader(rows, delimiter=layout.separator, strict=True)
            for row in reader:
                blank = not row or (len(row) == 1 and not row[0].strip())
                if not blank and (len(row) < layout.needed or any(row[fields:])):
                    count = f"{len(row)} field{'s' if len(row) > 1 else ''}"
                    raise InputError(f"{path} line {line}: {count}, the header has {fields}")
                starts.append(0 if blank else line)
                width = width or (0 if blank else len(row))
                line = layout.body + reader.line_num
    except UnicodeDecodeError:
        raise InputError(undecodable_line(path)) from None
    except csv.Error as error:
        raise InputError(f"{path} line {line}: {csv_reason(error)}") from None
    return (starts if width else array("L")), width


def _is_regular(layout: Layout) -> bool:
    needed = len(layout.names) - 1
    separator = layout.separator.encode()
    number = 0
    with layout.open() as file:
        for line in itertools.islice(file, layout.body - 1, None):
            number += 1
            if line.count(separator) != needed or b'"' in line:
                return False
    return number > 0


def _first_line(error: BaseException) -> str:
    """Return the first line of an error message, or the error's name if it has none."""
    return (str(error) or type(error).__name__).splitlines()[0]
