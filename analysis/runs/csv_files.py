"""CSV files of a run folder, whose faults are told with their line."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path

from methods.errors import InputError

REMEDY = "give the benchmark's command again, which writes it anew"


def csv_rows(
    path: Path, needed: Iterable[str], remedy: str = REMEDY
) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield each row of a CSV file, by column, with the number of its last line.

    Raises InputError, with the line and a remedy, if a needed column is missing, a row has more or
    fewer fields than the header, or the file is not CSV in UTF-8.
    """
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        try:
            header = next(reader, [])
            for name in needed:
                if name not in header:
                    raise InputError(f"{path} line 1: no column {name!r}; {remedy}")
            for cells in filter(None, reader):
                if len(cells) != len(header):
                    fields = f"{len(cells)} field{'s' if len(cells) > 1 else ''}"
                    raise csv.Error(f"{fields}, the header has {len(header)}")
                yield reader.line_num, dict(zip(header, cells, strict=True))
        except UnicodeDecodeError as error:
            byte = error.object[error.start]
            raise InputError(f"{path}: not UTF-8 (byte {byte:#x}); {remedy}") from None
        except csv.Error as error:
            raise InputError(f"{path} line {reader.line_num}: {error}; {remedy}") from None
