"""Published tables of results, to stand beside a run's own: results/published/*.csv."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from methods.errors import InputError

FOLDER = Path(__file__).resolve().parents[2] / "results" / "published"
SOURCES = "SOURCES.csv"


@dataclass(frozen=True)
class PublishedTable:
    """values[method, resolution][metric]: the text as printed; remarks[method, resolution]: what
    to know of that row. remark: what to know of the whole table."""

    title: str
    source: str
    remark: str
    methods: list[str]
    values: dict[tuple[str, int], dict[str, str]]
    remarks: dict[tuple[str, int], str]


def for_protocol(protocol: str, folder: Path = FOLDER) -> list[PublishedTable]:
    """The published tables that were made with a protocol (on other photographs than the run's).

    Raises InputError, naming the file, when one that SOURCES.csv lists cannot be read."""
    listing = folder / SOURCES
    if not listing.exists():
        return []
    return [
        _read(folder / row["file"], row) for row in _rows(listing) if row["protocol"] == protocol
    ]


def _read(path: Path, about: dict[str, str]) -> PublishedTable:
    values, remarks = {}, {}
    for row in _rows(path):
        place = row["method"], int(row["resolution"])
        remark = row.pop("remark", "")
        if remark:
            remarks[place] = remark
        values[place] = {
            key: text for key, text in row.items() if key not in {"method", "resolution"}
        }
    methods = list(dict.fromkeys(method for method, _ in values))
    return PublishedTable(
        about["title"], about["source"], about["remark"], methods, values, remarks
    )


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; restore it or its line in {SOURCES}") from None
