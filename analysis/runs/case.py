"""Rows of scores.csv, which of them have no value of a metric that others have, and why."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from methods.base import Resolution
from methods.shown_text import counted

# Images or reasons that a sentence names one by one.
MOST_NAMED = 5


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


def not_finite(
    pictures: Mapping[tuple[Resolution, str], list[Case]], metric: str
) -> dict[str, list[Case]]:
    """Return by image the finished cases whose value of a metric is not finite, or lacking though
    another method has one."""
    found: dict[str, list[Case]] = {}
    for (_, image), rivals in pictures.items():
        values = [case.values.get(metric) for case in rivals]
        lacking = math.nan if any(value is not None for value in values) else 0.0
        for case, value in zip(rivals, values, strict=True):
            if case.status == "ok" and not math.isfinite(lacking if value is None else value):
                found.setdefault(image, []).append(case)
    return found


def reasons(missing: Sequence[Case]) -> str:
    """Say how many cases have no result for which reason; alike are those but for image and size.

    Of many reasons it has some, of each status at least one.
    """
    alike: dict[tuple[str, str], list[Case]] = {}
    for case in missing:
        text = case.error
        # Looked for first: compiling an expression for each of thousands of cases takes seconds.
        for own in (case.image, str(case.resolution)):
            if own in text:
                text = re.sub(rf"(?<!\w){re.escape(own)}(?!\w)", "", text)
        alike.setdefault((case.status, text), []).append(case)
    first: dict[str, tuple[str, str]] = {}
    for kind in alike:
        first.setdefault(kind[0], kind)
    kinds = sorted(alike, key=lambda kind: first[kind[0]] != kind)
    shown = kinds[: max(MOST_NAMED, len(first))]
    told = [
        f"{len(alike[kind]) if len(kinds) > 1 else ''} {kind[0]}: {alike[kind][0].error}".strip()
        for kind in shown
    ]
    if more := len(kinds) - len(shown):
        told.append(f"{counted(more, 'more reason')} in scores.csv")
    return "; ".join(told)
