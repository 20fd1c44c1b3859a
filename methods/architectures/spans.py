"""Boxes of pixels as one span along each axis."""

from __future__ import annotations

from math import ceil
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Span(NamedTuple):
    """The pixels start ... stop - 1 along one axis."""

    start: int
    stop: int

    def clipped(self, size: int) -> Span:
        return Span(max(0, self.start), min(size, self.stop))

    def union(self, other: Span) -> Span:
        return Span(min(self.start, other.start), max(self.stop, other.stop))

    def grown(self, by: int) -> Span:
        return Span(self.start - by, self.stop + by)

    def shifted(self, by: int) -> Span:
        return Span(self.start + by, self.stop + by)

    def doubled(self) -> Span:
        """Return the same place at twice the resolution."""
        return Span(2 * self.start, 2 * self.stop)

    def reduced(self, factor: int) -> Span:
        """Return the cells of `factor` pixels that the span touches."""
        return Span(self.start // factor, -(-self.stop // factor))

    def cut(self, longest: int) -> list[Span]:
        """Return spans of about the same length, at most `longest`, one after the other."""
        length = self.stop - self.start
        step = ceil(length / ceil(length / longest))
        return [Span(i, min(i + step, self.stop)) for i in range(self.start, self.stop, step)]


def hole_spans(mask: NDArray[np.bool_]) -> tuple[Span, Span]:
    """Return rows and columns of the smallest box around a hole; bool (H, W), not empty."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return Span(int(rows[0]), int(rows[-1]) + 1), Span(int(columns[0]), int(columns[-1]) + 1)
