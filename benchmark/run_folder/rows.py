"""Rows of scores.csv, one per case."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path

from methods.base import Resolution
from methods.files import replacing
from methods.shown_text import message_text

# Identifies a case in a run folder: method label, resolution, image name.
Slot = tuple[str, Resolution, str]

_FIRST_METRICS = ("l1", "psnr", "ssim")
_BEFORE_METRICS = ("method", "resolution", "image", "status")
_AFTER_METRICS = (
    "hole_share",
    "known_pixels_changed",
    "scored_as_given",
    "hole_left_black",
    "peak_cuda_memory_mb",
    "seconds",
    "peak_memory_mb",
    "error",
)


@dataclass(frozen=True, slots=True)
class Row:
    """The result of one case."""

    method: str
    resolution: Resolution
    image: str
    # ok, skipped, failed, timeout or out_of_memory.
    status: str
    scores: dict[str, float] = field(default_factory=dict)
    known_pixels_changed: int | None = None
    # Time that the method's `fill` took.
    seconds: float | None = None
    # In units of 2**20 bytes, like that of CUDA.
    peak_memory_mb: float | None = None
    peak_cuda_memory_mb: float | None = None
    error: str = ""
    # Whether changed known pixels were not restored (external results).
    scored_as_given: bool = False
    # Whether the method returned the hole as it got it.
    hole_left_black: bool = False

    def __post_init__(self) -> None:
        # What programs print, also that of earlier versions in a journal, may steer terminals.
        object.__setattr__(self, "error", message_text(self.error))

    @property
    def slot(self) -> Slot:
        return self.method, self.resolution, self.image


def write_scores(
    path: Path,
    rows: Iterable[Row],
    metrics: list[str],
    hole_shares: Mapping[str, Mapping[str, float]] | None = None,
) -> None:
    """Write scores.csv, sorted by method, resolution and image.

    Unknown values are empty. Scores are the shortest text that reads back to the same float.

    Parameters
    ----------
    metrics
        Metric columns; l1, psnr and ssim are always written, before all others.
    hole_shares
        Image name -> resolution -> share of the image that is hole.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    columns = [*_FIRST_METRICS, *(name for name in metrics if name not in _FIRST_METRICS)]
    with replacing(path) as (part,), part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*_BEFORE_METRICS, *columns, *_AFTER_METRICS])
        for row in sorted(rows, key=attrgetter("slot")):
            share = (hole_shares or {}).get(row.image, {}).get(str(row.resolution))
            writer.writerow(_cells(row, columns, share))


def _cells(row: Row, columns: list[str], hole_share: float | None) -> list[object]:
    return [
        *(*row.slot, row.status),
        *map(row.scores.get, columns),
        hole_share,
        row.known_pixels_changed,
        int(row.scored_as_given) if row.status == "ok" else None,
        int(row.hole_left_black) if row.status == "ok" else None,
        _rounded(row.peak_cuda_memory_mb, 1),
        _rounded(row.seconds, 3),
        _rounded(row.peak_memory_mb, 1),
        row.error,
    ]


def _rounded(value: float | None, decimals: int) -> str | None:
    return None if value is None else f"{value:.{decimals}f}"
