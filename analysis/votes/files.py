"""Read selected columns of CSV and Parquet files of millions of rows as text.

Every column becomes one of categories, so that each different text is stored and understood once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import DTypeLike, NDArray

from analysis.votes import csv_rows, parquet
from analysis.votes.layout import Layout, find
from analysis.votes.names import composed, one_line, recoded
from methods.errors import InputError

_WORKBOOK = (
    "a spreadsheet, not a text file; save its sheet as CSV (in Excel: File, Save As, CSV UTF-8) "
    "and give that file"
)
_PACKED = "compressed; unpack it and give the CSV file in it"
_OTHER_FORMATS = {
    **dict.fromkeys((".xlsx", ".xlsm", ".xls", ".xlsb", ".ods"), _WORKBOOK),
    **dict.fromkeys((".zip", ".gz", ".bz2", ".xz", ".zst", ".7z"), _PACKED),
    ".json": "JSON, not CSV; export it as CSV and give that file",
}
# How files begin that a spreadsheet program writes, whatever their suffix: ZIP, and OLE.
_ARCHIVES = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")


# A file, or a table of Python.
Source: TypeAlias = "Path | pd.DataFrame"
# What messages call the latter.
DATA_FRAME = Path("DataFrame")


@dataclass(frozen=True)
class Heading:
    """The names of a file's columns."""

    path: Path
    names: tuple[str, ...]  # "" for a column without a name
    layout: Layout | None  # None for Parquet and for tables of Python
    frame: pd.DataFrame | None = None  # a table of Python

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
    if isinstance(source, pd.DataFrame):
        names = tuple(composed(str(name)) for name in source.columns)
        return Heading(DATA_FRAME, names, None, source)
    path = source
    if not path.is_file():
        raise InputError(f"{path}: {'a folder, not a' if path.is_dir() else 'no such'} file")
    if remedy := _OTHER_FORMATS.get(path.suffix.lower()):
        raise InputError(f"{path}: {remedy}")
    if _is_parquet(path):
        if separator:
            raise InputError(f"{path}: --separator is for CSV files, this is Parquet")
        return Heading(path, tuple(map(composed, parquet.names(path))), None)
    with path.open("rb") as file:
        if file.read(4) in _ARCHIVES:
            raise InputError(f"{path}: {_WORKBOOK}")
    layout = find(path, known, separator)
    return Heading(path, layout.names, layout)


def read(heading: Heading, columns: Mapping[str, int]) -> pd.DataFrame:
    """Read columns of a CSV or Parquet file, or of a table of Python, as categories of text.

    Missing values are empty. The index is the first line of a row (from 1), its number in a Parquet
    file (from 1) or its position in a table of Python (from 0); blank lines are skipped.

    Raises InputError if the file cannot be read, if possible with the line.

    Parameters
    ----------
    columns
        The name that each column gets, and its position in the file.
    """
    places = sorted(set(columns.values()))
    if heading.frame is not None:
        table = _as_text(heading.frame.iloc[:, places], 0)
    elif heading.layout is None:
        table = _as_text(parquet.texts(heading.path, places), 1)
    else:
        table = csv_rows.texts(heading.layout, places)
    table = table.iloc[:, [places.index(place) for place in columns.values()]]
    return table.set_axis(list(columns), axis=1)


def valued(column: pd.Series, value: Callable[[str], Any], kind: DTypeLike) -> NDArray[Any]:
    """Return the value of each text of a column of categories, (N,), found once for each."""
    return np.array([value(text) for text in column.cat.categories], kind)[column.cat.codes]


def numbered(column: pd.Series) -> tuple[NDArray[np.int32], list[str]]:
    """Return the position of each value among the sorted distinct values, (N,), and these."""
    names = sorted(column.unique())
    return column.cat.set_categories(names).cat.codes.to_numpy(np.int32), names


def alike(*columns: pd.Series) -> list[pd.Series]:
    """Give columns of categories the same ones, so that they can be compared and joined."""
    names = sorted(set().union(*(column.cat.categories for column in columns)))
    return [column.cat.set_categories(names) for column in columns]


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


def _as_text(frame: pd.DataFrame, first: int) -> pd.DataFrame:
    """Return a table as text, its rows numbered from `first`."""
    texts = {i: _text(frame.iloc[:, i]).array for i in range(frame.shape[1])}
    return pd.DataFrame(texts, pd.RangeIndex(first, first + len(frame)))


def _text(column: pd.Series) -> pd.Series:
    # Columns of objects may have values that are equal but differ as text, as 1 and True.
    mixed = column.dtype == object
    try:
        column = (column.map(_cell) if mixed else column).astype("category")
    except UnicodeEncodeError as error:
        text = error.object[:40]
        raise InputError(
            f"{DATA_FRAME}: column {column.name!r} holds {text!r}, which is not Unicode; read its "
            "file in the encoding that it has"
        ) from None
    texts = recoded(column.cat.as_unordered(), _cell)
    if not texts.hasnans:
        return texts
    return texts.cat.set_categories([*{*texts.cat.categories, ""}]).fillna("")


def _cell(value: Any) -> str:
    if not pd.api.types.is_scalar(value) or isinstance(value, bytes):
        raise InputError(f"{DATA_FRAME}: a cell holds {value!r}; one name or number is needed")
    if pd.isna(value):
        return ""
    # Whole numbers become floats where others of the column are missing.
    is_whole = isinstance(value, float) and value.is_integer()
    return str(int(value)) if is_whole else str(value)
