"""Published tables of results (results/published), to show beside the results of a run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from analysis.runs.csv_files import csv_rows
from methods.base import Resolution
from methods.errors import InputError

_SOURCES = "SOURCES.csv"
_REMEDY = f"restore it or its line in {_SOURCES}"
_CHECKOUT = Path(__file__).resolve().parents[2] / "results" / "published"
# In an installed suite the tables are data of this package.
_PACKAGED = Path(__file__).parents[1] / "published_tables"
FOLDER = _CHECKOUT if (_CHECKOUT / _SOURCES).exists() else _PACKAGED


@dataclass(frozen=True)
class PublishedTable:
    """One table, as printed, with remarks on all of it and on single rows."""

    title: str
    source: str
    remark: str
    methods: list[str]
    # Keyed by method and resolution; values then by metric.
    values: dict[tuple[str, Resolution], dict[str, str]]
    remarks: dict[tuple[str, Resolution], str]


def for_protocol(protocol: str) -> list[PublishedTable]:
    """Return the published tables that were made with a protocol, on other photographs."""
    if not (FOLDER / _SOURCES).exists():
        return []
    sources = _rows(FOLDER / _SOURCES, "file", "protocol", "title", "source", "remark")
    return [_read(source) for source in sources if source["protocol"] == protocol]


def _read(source: dict[str, str]) -> PublishedTable:
    values: dict[tuple[str, Resolution], dict[str, str]] = {}
    remarks: dict[tuple[str, Resolution], str] = {}
    for row in _rows(FOLDER / source["file"], "method", "resolution"):
        key = row.pop("method"), int(row.pop("resolution"))
        if remark := row.pop("remark", ""):
            remarks[key] = remark
        values[key] = row
    methods = list(dict.fromkeys(method for method, _ in values))
    return PublishedTable(
        source["title"], source["source"], source["remark"], methods, values, remarks
    )


def _rows(path: Path, *needed: str) -> list[dict[str, str]]:
    try:
        return [row for _, row in csv_rows(path, needed, _REMEDY)]
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; {_REMEDY}") from None
