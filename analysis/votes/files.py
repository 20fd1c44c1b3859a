"""Tables of text from CSV and Parquet files of millions of rows: only the columns asked for, words
that repeat stored once, and whatever is wrong refused by its line (of a Parquet file: its row).

Polars reads a row with too few fields as if the rest were empty, and names no line where a file
cannot be read; a pass over the bytes beforehand finds such rows.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numba
import numpy as np
import polars as pl
from numpy.typing import NDArray

from methods.errors import InputError

PARQUET = ".parquet"
# What a damaged or foreign Parquet file makes Polars raise; a panic is no Exception.
UNREADABLE = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError)
BLOCK = 1 << 24
NEW_LINE, RETURN, QUOTE = ord("\n"), ord("\r"), ord('"')
# Where a byte stands: at the start of a field, in a bare one, in a quoted one, after a quote there.
START, BARE, QUOTED, CLOSED = range(4)
# What `_pass` keeps: where it stands, lines ended, those before the row, separators and bytes of
# the row, blank lines, line ends inside quotes, and the line of the first bad row (its fields then
# instead of separators, 0 for a NUL byte).
STATE, LINE, BEGUN, FIELDS, SIZE, BLANK, BROKEN, BAD = range(8)


def columns(path: Path) -> list[str]:
    """Names of a file's columns. Raises InputError."""
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    if path.suffix.lower() == PARQUET:
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


def at(path: Path, *numbers: int) -> str:
    """A file and one or two of its lines, as numbered in `line`, in words."""
    many = "s" if len(numbers) > 1 else ""
    return f"{path} {_unit(path)}{many} {' and '.join(map(str, numbers))}"


def as_many(path: Path, rows: int) -> str:
    """That there are more rows like the one named, in words; "" where there are not."""
    return f" ({rows:,} such {_unit(path)}s)" if rows > 1 else ""


def _unit(path: Path) -> str:
    return "row" if path.suffix.lower() == PARQUET else "line"


def read(path: Path, names: Sequence[str], repeated: Iterable[str]) -> pl.DataFrame:
    """Columns `names` as text without missing values, and `line` (the header is 1; of a Parquet
    file the first row is); `repeated`: those with few different words, read as categories. Raises
    InputError."""
    kinds = {name: pl.Categorical if name in set(repeated) else pl.String for name in names}
    if path.suffix.lower() == PARQUET:
        return _read_parquet(path, kinds)
    try:
        blank, breaks = _check(path, len(columns(path)))
        lazy = pl.scan_csv(
            path, separator=_separator(_header(path)), infer_schema=False, schema_overrides=kinds
        )
        found = _without_blanks(lazy.select(names).collect(engine="streaming"), blank)
        return _with_lines(found, path) if breaks else found
    except pl.exceptions.PolarsError as error:
        raise InputError(f"{path}{_encoding(path) or ': ' + _first_line(error)}") from error


def _read_parquet(path: Path, kinds: Mapping[str, type[pl.DataType]]) -> pl.DataFrame:
    schema = _schema(path)
    for name in kinds:
        if schema[name].is_nested() or schema[name] in (pl.Binary, pl.Object):
            raise InputError(
                f"{path}: column {name!r} is of type {schema[name]}; save it as text or numbers"
            )
    chosen = pl.scan_parquet(path).select(
        pl.col(name).cast(pl.String).cast(kind) for name, kind in kinds.items()
    )
    try:
        table = chosen.collect(engine="streaming").with_row_index("line", offset=1)
    except UNREADABLE as error:
        raise InputError(f"{path}: {_first_line(error)}") from error
    return table.with_columns(pl.exclude("line").fill_null(""))


def _schema(path: Path) -> dict[str, pl.DataType]:
    try:
        return dict(pl.read_parquet_schema(path))
    except UNREADABLE as error:
        raise InputError(f"{path}: {_first_line(error)}") from error


def _without_blanks(table: pl.DataFrame, blank: int) -> pl.DataFrame:
    """Blank lines are no rows; rows whose fields are all empty are, and will be refused."""
    table = table.with_row_index("line", offset=2)
    if blank:
        empty = pl.all_horizontal(pl.exclude("line").is_null())
        if table.select(empty.sum()).item() == blank:
            table = table.filter(~empty)
    return table.with_columns(pl.exclude("line").fill_null(""))


def _with_lines(table: pl.DataFrame, path: Path) -> pl.DataFrame:
    """Lines counted as an editor does, in a file some of whose fields go over several."""
    starts, before = [], 0
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, delimiter=_separator(_header(path)))
        for row in reader:
            if row:
                starts.append(before + 1)
            before = reader.line_num
    return table.with_columns(line=pl.Series(starts[1:], dtype=pl.UInt32))


def _header(path: Path) -> str:
    with path.open("rb") as file:
        line = file.readline()
    try:
        return line.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}{_not_utf8(1, line, error)}") from None


def _separator(header: str) -> str:
    return max(",;\t", key=header.count)


def _check(path: Path, fields: int) -> tuple[int, bool]:
    """The number of blank lines, and whether a field goes over several. Raises InputError for a row
    with other than `fields` fields."""
    kept = np.zeros(BAD + 1, np.int64)
    separator = ord(_separator(_header(path)))
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            _pass(np.frombuffer(block, np.uint8), separator, fields, kept)
            if kept[BAD]:
                break
        else:
            if kept[STATE] == QUOTED:
                line = kept[BEGUN] + 1
                raise InputError(f"{path} line {line}: a quote is opened here and never closed")
            if kept[SIZE]:
                _pass(np.array([NEW_LINE], np.uint8), separator, fields, kept)
    line, found = kept[BAD], kept[FIELDS]
    if line and not found:
        raise InputError(f"{path} line {line}: a NUL byte; save it as UTF-8 CSV")
    if line:
        count = f"{found} field{'s' if found > 1 else ''}"
        raise InputError(f"{path} line {line}: {count}, the header has {fields}")
    return int(kept[BLANK]), bool(kept[BROKEN])


@numba.njit(cache=True)  # type: ignore[misc,untyped-decorator]
def _pass(block: NDArray[np.uint8], separator: int, fields: int, kept: NDArray[np.int64]) -> None:
    """Count the fields of each row (RFC 4180), on from `kept`; stop at the first bad one."""
    # Locals, not the array: ten times as fast.
    state, line, begun, found, size, blank, broken = kept[:7]
    bad = 0
    for byte in block:
        if byte > QUOTE and byte != separator:
            # Nearly all bytes: of words.
            size += 1
            if state != QUOTED:
                state = BARE
        elif byte == 0:
            bad, found = line + 1, 0
            break
        elif state == QUOTED:
            line += byte == NEW_LINE
            broken += byte == NEW_LINE
            if byte == QUOTE:
                state = CLOSED
        elif byte == NEW_LINE:
            line += 1
            blank += size == 0
            if size and found + 1 != fields:
                bad, found = begun + 1, found + 1
                break
            begun, found, size, state = line, 0, 0, START
        elif byte == separator:
            found, size, state = found + 1, size + 1, START
        elif byte == QUOTE and state in (START, CLOSED):
            size, state = size + 1, QUOTED
        elif byte != RETURN:
            size, state = size + 1, BARE
    kept[:] = state, line, begun, found, size, blank, broken, bad


def _encoding(path: Path) -> str:
    """Where a file is not UTF-8."""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                return _not_utf8(number, line, error)
    return ""


def _not_utf8(number: int, line: bytes, error: UnicodeDecodeError) -> str:
    return f" line {number}: not UTF-8 (byte {line[error.start]:#x}); save it as UTF-8"


def _first_line(error: BaseException) -> str:
    """An error may have no words."""
    return (str(error) or type(error).__name__).splitlines()[0]
