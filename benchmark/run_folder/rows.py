"""Rows of scores.csv: one per case, kept in little memory, written in one fixed order."""

from __future__ import annotations

import csv
import pickle
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field, fields
from operator import attrgetter
from pathlib import Path
from typing import Any, TextIO

from methods.files import replacing

# A case's place: method, resolution, image.
Slot = tuple[str, int, str]


@dataclass(frozen=True, slots=True)
class Row:
    """One case as it stands in scores.csv. status: ok, skipped, failed, timeout or
    out_of_memory; seconds of the method alone; memory in MB (2**20 bytes)."""

    method: str
    resolution: int
    image: str
    status: str
    scores: dict[str, float] = field(default_factory=dict)
    known_pixels_changed: int | None = None
    seconds: float | None = None
    peak_memory_mb: float | None = None
    peak_cuda_memory_mb: float | None = None
    error: str = ""
    # Whether changed known pixels were left as they came (results made elsewhere).
    scored_as_given: bool = False

    @property
    def slot(self) -> Slot:
        return self.method, self.resolution, self.image


# All of a row but its slot, in the order in which Row takes it.
content_of = attrgetter(*(item.name for item in fields(Row)[3:]))


class PackedSlots(MutableMapping[Slot, tuple[Any, ...]]):
    """Tuples by slot, sorted by slot. Packed and grouped they take a third of the memory that a
    dict of them would: a run may have a million cases."""

    def __init__(self) -> None:
        self._groups: dict[tuple[str, int], dict[str, bytes]] = {}

    def __getitem__(self, slot: Slot) -> tuple[Any, ...]:
        return pickle.loads(self._groups[slot[:2]][slot[2]])

    def __setitem__(self, slot: Slot, values: tuple[Any, ...]) -> None:
        self._groups.setdefault(slot[:2], {})[slot[2]] = pickle.dumps(values)

    def __delitem__(self, slot: Slot) -> None:
        del self._groups[slot[:2]][slot[2]]

    def __iter__(self) -> Iterator[Slot]:
        for method, resolution in sorted(self._groups):
            for image in sorted(self._groups[method, resolution]):
                yield method, resolution, image

    def __len__(self) -> int:
        return sum(map(len, self._groups.values()))


class Rows(Mapping[Slot, Row]):
    """Rows by slot, in the order of scores.csv: by method, resolution and image."""

    def __init__(self, rows: Iterable[Row] = ()) -> None:
        self._packed = PackedSlots()
        for row in rows:
            self[row.slot] = row

    def __getitem__(self, slot: Slot) -> Row:
        return Row(*slot, *self._packed[slot])

    def __setitem__(self, slot: Slot, row: Row) -> None:
        self._packed[slot] = content_of(row)

    def __iter__(self) -> Iterator[Slot]:
        return iter(self._packed)

    def __len__(self) -> int:
        return len(self._packed)


_BEFORE = ("method", "resolution", "image", "status")
_AFTER = (
    "known_pixels_changed",
    "scored_as_given",
    "peak_cuda_memory_mb",
    "seconds",
    "peak_memory_mb",
    "error",
)


def write_scores(path: Path, rows: Rows, metrics: list[str]) -> None:
    """Write scores.csv, a row per case. Raises OSError.

    metrics: columns after l1, psnr and ssim. Empty = not measured; floats are the shortest text
    that reads back to the same number."""
    with replacing(path) as (part,), part.open("w", encoding="utf-8", newline="") as file:
        _write_rows(file, rows.values(), metrics)


def _write_rows(text: TextIO, rows: Iterable[Row], metrics: list[str]) -> None:
    extra = [name for name in metrics if name not in {"l1", "psnr", "ssim"}]
    columns = ["l1", "psnr", "ssim", *extra]
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*_BEFORE, *columns, *_AFTER])
    writer.writerows(_cells(row, columns) for row in rows)


def _cells(row: Row, columns: list[str]) -> list[object]:
    """The csv module writes None as an empty cell, a float as the shortest text that reads back."""
    return [
        *(*row.slot, row.status),
        *map(row.scores.get, columns),
        row.known_pixels_changed,
        int(row.scored_as_given) if row.status == "ok" else None,
        _rounded(row.peak_cuda_memory_mb, 1),
        _rounded(row.seconds, 3),
        _rounded(row.peak_memory_mb, 1),
        row.error,
    ]


def _rounded(value: float | None, decimals: int) -> str | None:
    return None if value is None else f"{value:.{decimals}f}"
