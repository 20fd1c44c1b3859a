"""The rows of the bench: printed and saved one by one."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from methods.files import write_atomically


@dataclass(frozen=True, kw_only=True)
class Row:
    """One measurement. Seconds are those of one case; memory is in MB (2**20 bytes)."""

    part: str
    what: str
    precision: str = ""
    px: int | None = None
    at_a_time: int | None = None
    status: str = "ok"
    cold_s: float | None = None
    warm_s: float | None = None
    cases_per_s: float | None = None
    busy_share: float | None = None
    memory_mb: float | None = None
    max_difference: float | None = None
    tolerance: float | None = None
    psnr_to_cpu_db: float | None = None
    psnr_change_db: float | None = None
    note: str = ""


# Column -> its heading, width and format.
COLUMNS = {
    "part": ("part", -8, ""),
    "what": ("what", -26, ""),
    "precision": ("precision", -9, ""),
    "px": ("px", 5, ""),
    "at_a_time": ("n", 2, ""),
    "status": ("status", -13, ""),
    "cold_s": ("cold s", 8, ".3f"),
    "warm_s": ("warm s", 8, ".3f"),
    "cases_per_s": ("cases/s", 8, ".2f"),
    "busy_share": ("busy", 5, ".0%"),
    "memory_mb": ("MB", 7, ".0f"),
    "max_difference": ("max diff", 8, ".1e"),
    "tolerance": ("allowed", 8, ".0e"),
    "psnr_to_cpu_db": ("dB to CPU", 9, ".1f"),
    "psnr_change_db": ("dB change", 9, "+.3f"),
    "note": ("note", -1, ""),
}


class Table:
    """Prints rows and writes them to rows.csv and bench.json in a folder."""

    def __init__(self, folder: Path, header: Mapping[str, Any]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._header = dict(header)
        self.rows: list[Row] = []
        for name, value in header.items():
            print(f"{name}: {value}")
        print(_line({name: heading for name, (heading, _, _) in COLUMNS.items()}), flush=True)

    def add(self, row: Row) -> None:
        """Print and save a row."""
        self.rows.append(row)
        print(_line({name: _cell(getattr(row, name), COLUMNS[name][2]) for name in COLUMNS}))
        self.save()

    def save(self, **more: Any) -> None:
        """Write all rows, and `more` about the whole bench."""
        self._header |= more
        rows = [asdict(row) for row in self.rows]
        text = json.dumps({**self._header, "rows": rows}, indent=1, default=str) + "\n"
        write_atomically(self._folder / "bench.json", text)
        with (self._folder / "rows.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, [field.name for field in fields(Row)])
            writer.writeheader()
            writer.writerows(rows)


def _cell(value: Any, form: str) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and math.isinf(value):
        return "equal"
    return format(value, form) if form else str(value)


def _line(cells: Mapping[str, str]) -> str:
    padded = []
    for name, (_, width, _) in COLUMNS.items():
        cell = cells[name]
        padded.append(cell.ljust(-width) if width < 0 else cell.rjust(width))
    return " ".join(padded).rstrip()
