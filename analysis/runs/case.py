"""Rows of scores.csv, and which of them have no value of a metric that others have."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from methods.base import Resolution


@dataclass(frozen=True)
class Case:
    """One row of scores.csv; `values` holds every numeric column that is not empty."""

    method: str
    resolution: Resolution
    image: str
    status: str
    values: dict[str, float]
    error: str

    @property
    def scored_as_given(self) -> bool:
        """Whether changed known pixels were not put back before scoring."""
        return self.values.get("scored_as_given", 0) > 0


def by_picture(cases: Iterable[Case]) -> dict[tuple[Resolution, str], list[Case]]:
    """Return the cases of each resolution and image."""
    found: dict[tuple[Resolution, str], list[Case]] = {}
    for case in cases:
        found.setdefault((case.resolution, case.image), []).append(case)
    return found


def not_finite(cases: Sequence[Case], metric: str) -> dict[str, list[Case]]:
    """Return by image the finished cases whose value of a metric is not finite, or lacking though
    another method has one."""
    found: dict[str, list[Case]] = {}
    for (_, image), rivals in by_picture(cases).items():
        values = [case.values.get(metric) for case in rivals]
        lacking = math.nan if any(value is not None for value in values) else 0.0
        for case, value in zip(rivals, values, strict=True):
            if case.status == "ok" and not math.isfinite(lacking if value is None else value):
                found.setdefault(image, []).append(case)
    return found
