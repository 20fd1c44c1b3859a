"""Rows of the small CSV files of a run folder, refused by their line where they are broken."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from analysis.errors import InputError

REMEDY = "give the benchmark's command again, which writes it anew"


def rows(path: Path, needed: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """Each row by column, and the line that it ends on (the header is 1).

    Raises InputError where a column of `needed` is missing, where a row has fewer or more fields
    than the header, and where it is no UTF-8 text or no CSV; OSError."""
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        try:
            header = next(reader, [])
            for name in needed:
                if name not in header:
                    raise InputError(f"{path} line 1: no column {name!r}; {REMEDY}")
            for cells in reader:
                if cells:
                    yield reader.line_num, _row(path, reader.line_num, header, cells)
        except UnicodeDecodeError as error:
            reason = f"not UTF-8 (byte {error.object[error.start]:#x})"
            raise InputError(f"{path}: {reason}; {REMEDY}") from None
        except csv.Error as error:
            raise InputError(f"{path} line {reader.line_num}: {error}; {REMEDY}") from None


def _row(path: Path, line: int, header: list[str], cells: list[str]) -> dict[str, str]:
    if len(cells) != len(header):
        count = f"{len(cells)} field{'s' if len(cells) > 1 else ''}"
        raise InputError(f"{path} line {line}: {count}, the header has {len(header)}; {REMEDY}")
    return dict(zip(header, cells, strict=True))
