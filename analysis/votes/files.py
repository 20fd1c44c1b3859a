"""Read selected columns of CSV and Parquet files of millions of rows as text.

Polars reads a CSV row with too few fields as if the others were empty, and reports errors without
their line. Therefore rows are counted first, by Python's reader unless the file is regular.
"""

from __future__ import annotations

import csv
import io
from array import array
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from methods.errors import InputError

_Types = Mapping[str, type[pl.DataType]]
# What Polars raises for damaged Parquet files; its PanicException is not derived from Exception.
_UNREADABLE = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError)


def columns(path: Path) -> list[str]:
    """Return the names of a file's columns; raise InputError if its header cannot be used."""
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    if _is_parquet(path):
        return list(_schema(path))
    if path.stat().st_size == 0:
        raise InputError(f"{path}: the file is empty")
    header = _header(path)
    if "\r" in header.rstrip("\r\n"):
        raise InputError(f"{path} line 1: lines end with CR alone; save it with LF line ends")
    if "\0" in header:
        raise InputError(f"{path} line 1: a NUL byte; save it as UTF-8 CSV")
    names = next(csv.reader(io.StringIO(header), delimiter=_separator(header)), [])
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"{path} line 1: {names.count(name)} columns are called {name!r}")
    return names


def read(path: Path, names: Sequence[str], repeated: Iterable[str]) -> pl.DataFrame:
    """Read columns of a CSV (comma, semicolon or tab; UTF-8) or Parquet file as text.

    Missing values are empty; columns in `repeated` become categories. `line` is the first line of
    a row (the header is line 1), or its number in a Parquet file (from 1); blank lines are
    skipped. Raises InputError, if possible with the line, if the file cannot be read.
    """
    types = {name: pl.Categorical if name in set(repeated) else pl.String for name in names}
    is_parquet = _is_parquet(path)
    rows, lines = (_scan_parquet if is_parquet else _scan_csv)(path, types)
    try:
        table = rows.collect(engine="streaming").with_row_index(
            "line", offset=1 if is_parquet else 2
        )
        if lines:
            table = table.with_columns(line=pl.Series(np.array(lines, np.uint32)))
            table = table.filter(pl.col("line") > 0)
    except _UNREADABLE as error:
        undecodable = "" if is_parquet else _undecodable_line(path)
        raise InputError(undecodable or f"{path}: {_first_line(error)}") from error
    return table.with_columns(pl.exclude("line").fill_null(""))


def _scan_csv(path: Path, types: _Types) -> tuple[pl.LazyFrame, array[int]]:
    """Return the rows, and the first line of each unless there is one row a line."""
    separator = _separator(_header(path))
    fields = len(columns(path))
    regular = _is_regular(path, separator, fields)
    lines = array("L") if regular else _check_rows(path, separator, fields)
    rows = pl.scan_csv(path, separator=separator, infer_schema=False, schema_overrides=types)
    return rows.select(list(types)), lines


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


def stripped(column: pl.Series) -> pl.Series:
    """Remove spaces around the values of a column of categories."""
    words = column.unique().cast(pl.String)
    if (words == words.str.strip_chars()).all():
        return column
    return column.cast(pl.String).str.strip_chars().cast(pl.Categorical)


def in_lines(path: Path, *numbers: int) -> str:
    """Return a file with one or two of its line numbers, for an error message."""
    plural = "s" if len(numbers) > 1 else ""
    return f"{path} {_line_or_row(path)}{plural} {' and '.join(map(str, numbers))}"


def in_more_lines(path: Path, rows: int) -> str:
    """Return how many rows have the same error; "" for one."""
    return f" ({rows:,} such {_line_or_row(path)}s)" if rows > 1 else ""


def _line_or_row(path: Path) -> str:
    return "row" if _is_parquet(path) else "line"


def _is_parquet(path: Path) -> bool:
    return path.suffix.lower() == ".parquet"


def _scan_parquet(path: Path, types: _Types) -> tuple[pl.LazyFrame, array[int]]:
    schema = _schema(path)
    for name in types:
        if schema[name].is_nested() or schema[name] in (pl.Binary, pl.Object):
            raise InputError(
                f"{path}: column {name!r} is of type {schema[name]}; save it as text or numbers"
            )
    return pl.scan_parquet(path).select(
        pl.col(name).cast(pl.String).cast(kind) for name, kind in types.items()
    ), array("L")


def _schema(path: Path) -> dict[str, pl.DataType]:
    try:
        return dict(pl.read_parquet_schema(path))
    except _UNREADABLE as error:
        raise InputError(f"{path}: {_first_line(error)}") from error


def _header(path: Path) -> str:
    with path.open("rb") as file:
        line = file.readline()
    try:
        return line.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(_undecodable_line(path)) from None


def _separator(header: str) -> str:
    return max(",;\t", key=header.count)


def _is_regular(path: Path, separator: str, fields: int) -> bool:
    """Return whether every line is a row with as many fields as the header, without quotes."""
    needed = fields - 1
    comma = separator.encode()
    with path.open("rb") as file:
        return all(line.count(comma) == needed and b'"' not in line for line in file)


def _check_rows(path: Path, separator: str, fields: int) -> array[int]:
    """Return the first line of each row after the header, 0 for a blank line.

    Raises InputError for a row that has not as many fields as the header.
    """
    starts = array("L")
    line = 1
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter=separator, strict=True)
            for row in reader:
                if row and len(row) != fields:
                    count = f"{len(row)} field{'s' if len(row) > 1 else ''}"
                    raise InputError(f"{path} line {line}: {count}, the header has {fields}")
                starts.append(line if row else 0)
                line = reader.line_num + 1
    except UnicodeDecodeError:
        raise InputError(_undecodable_line(path)) from None
    except csv.Error as error:
        unclosed = "unexpected end" in str(error) or "field limit" in str(error)
        reason = "a quote is opened here and never closed" if unclosed else error
        raise InputError(f"{path} line {line}: {reason}") from None
    return starts[1:]


def _undecodable_line(path: Path) -> str:
    """Return an error message with the first line that is not UTF-8, "" if there is none."""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                line.decode()
            except UnicodeDecodeError as error:
                byte = f"{line[error.start]:#x}"
                return f"{path} line {number}: not UTF-8 (byte {byte}); save it as UTF-8"
    return ""


def _first_line(error: BaseException) -> str:
    """Return the first line of an error message, or the error's name if it has none."""
    return (str(error) or type(error).__name__).splitlines()[0]
