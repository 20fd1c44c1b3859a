"""Tones of copied texture: all copies joined at their differences, as in Poisson image editing, and
drawn a little towards a membrane.

P. Perez, M. Gangnet, A. Blake, Poisson Image Editing, SIGGRAPH 2003. The compiled loop uses one
thread and a fixed order, so that results are bit-exact.
"""

from __future__ import annotations

from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from methods.architectures.two_stage_input import LEAST_KNOWN
from methods.base import Image, Mask
from methods.compiled import compiled
from methods.texture.field import Field, Index

Floats: TypeAlias = NDArray[np.float32]

STEPS = ((1, 0), (-1, 0), (0, 1), (0, -1))
# Pixels over which the tones of the rim and of other copies fade into those of the first guess.
REACH = 16
# Iterations for each pixel of the hole's extent: the error is then below a grey level.
SWEEPS = 2
# The membrane is computed from means of CELL x CELL pixels. What is coarser than BLUR pixels (the
# standard deviation of a Gaussian) is moved by SHARE of the way.
CELL, BLUR, SHARE = 8, 2.0, 0.2


def joined(image: Image, hole: Mask, field: Field) -> Floats:
    """Return the image with the hole filled by the copies that a field describes.

    The difference of a hole pixel to each of its neighbours is that at its place, or the mean of
    that and the one at the neighbour's place; known pixels are the boundary. Thus tones continue
    across the rim and between copies. Farther than `REACH` from both they are those of the first
    guess, so that a rim that fits nothing does not tint the whole hole.

    Parameters
    ----------
    image
        uint8 (h, w, 3), complete: the hole holds a first guess.
    hole
        bool (h, w), True = hole.
    field
        Of the image; must cover the hole.

    Returns
    -------
    ndarray
        float32 (h, w, 3); values may lie beyond 0-255.
    """
    places = np.argwhere(hole).astype(np.int32, order="C")
    values = image.astype(np.float32)
    if not len(places):
        return values
    rows, columns = places.T
    differences = _differences(values, rows, columns, field)
    keep = np.float32(1 / REACH**2)
    _solve(values, places, differences + keep * values[rows, columns], keep)
    return values


def calmed(values: Floats, hole: Mask) -> Floats:
    """Return values whose coarse tones in the hole are nearer to those that its rim suggests.

    What is copied has the right texture but its shadows and lights somewhere else; the less of
    them, the smaller the expected error.

    Parameters
    ----------
    values
        float32 (h, w, 3).
    hole
        bool (h, w), True = hole.
    """
    where = hole[..., None]
    wrong = np.where(where, membrane(values, hole) - values, 0)
    coarse = cv2.GaussianBlur(wrong, (0, 0), BLUR, borderType=cv2.BORDER_REFLECT)
    return np.where(where, values + np.float32(SHARE) * coarse, values)


def membrane(values: Floats, hole: Mask) -> Floats:
    """Return the harmonic continuation of the means of the known pixels, float32 (h, w, 3)."""
    height, width = hole.shape
    size = max(1, width // CELL), max(1, height // CELL)
    known = (~hole).astype(np.float32)
    share = cv2.resize(known, size, interpolation=cv2.INTER_AREA)[..., None]
    total = cv2.resize(values * known[..., None], size, interpolation=cv2.INTER_AREA)
    missing = share[..., 0] < LEAST_KNOWN
    cells = total / np.maximum(share, LEAST_KNOWN)
    if missing.all() or not missing.any():
        return cv2.resize(cells, (width, height), interpolation=cv2.INTER_LINEAR)
    cells[missing] = cells[~missing].mean(axis=0)
    places = np.argwhere(missing).astype(np.int32, order="C")
    _solve(cells, places, np.zeros((len(places), 3), np.float32), np.float32(0))
    return cv2.resize(cells, (width, height), interpolation=cv2.INTER_LINEAR)


def _solve(values: Floats, places: Index, sums: Floats, keep: np.float32) -> None:
    """Replace pixels by those whose differences to their neighbours, and `keep` times their own
    value, sum up to the given ones, float32 (n, 3)."""
    extent = 2 + int(np.ptp(places, axis=0).max())
    # The best over-relaxation of Laplace's equation on a square of this size.
    relaxation = np.float32(2 / (1 + np.pi / extent))
    _relax(values, places, sums, keep, relaxation, SWEEPS * extent)


def _differences(values: Floats, rows: Index, columns: Index, field: Field) -> Floats:
    """Return the wanted sum of differences of each hole pixel to its neighbours, float32 (n, 3)."""
    height, width = field.rows.shape
    row, column = field.rows[rows, columns], field.columns[rows, columns]
    total = np.zeros((rows.size, 3), np.float32)

    def at(y: Index, x: Index) -> Floats:
        return values[y.clip(0, height - 1), x.clip(0, width - 1)]

    for down, right in STEPS:
        y, x = rows + down, columns + right
        own = values[row, column] - at(row + down, column + right)
        inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
        y, x = y.clip(0, height - 1), x.clip(0, width - 1)
        other_row, other_column = field.rows[y, x], field.columns[y, x]
        other = at(other_row - down, other_column - right) - at(other_row, other_column)
        both = np.where((other_row >= 0)[:, None], (own + other) / 2, own)
        total += np.where(inside[:, None], both, 0)
    return total


@compiled()
def _relax(
    values: Floats,
    places: Index,  # (n, 2), of the hole's pixels
    sums: Floats,  # (n, 3)
    keep: np.float32,
    relaxation: np.float32,
    sweeps: int,
) -> None:
    """Solve for the hole's pixels by successive over-relaxation."""
    height, width = values.shape[:2]
    for _ in range(sweeps):
        for k in range(places.shape[0]):
            y, x = places[k]
            count = (y > 0) + (y < height - 1) + (x > 0) + (x < width - 1)
            for c in range(3):
                total = sums[k, c]
                if y > 0:
                    total += values[y - 1, x, c]
                if y < height - 1:
                    total += values[y + 1, x, c]
                if x > 0:
                    total += values[y, x - 1, c]
                if x < width - 1:
                    total += values[y, x + 1, c]
                mean = total / (np.float32(count) + keep)
                values[y, x, c] += relaxation * (mean - values[y, x, c])
