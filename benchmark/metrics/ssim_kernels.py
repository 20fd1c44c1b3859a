"""The loops of SSIM, compiled. One thread, fixed order: the same bits on every run.

Arrays and constants are arguments, since numba bakes globals into its cache.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numba import njit

Array: TypeAlias = np.ndarray
C1 = (0.01 * 255) ** 2
C2 = (0.03 * 255) ** 2


def changed_box(first: Array, second: Array) -> tuple[int, int, int, int] | None:
    """Smallest box with all differences of two (rows, columns) integer arrays: first row, last
    row, first column, last column; None if there is none."""
    top, bottom, left, right = _changed_box(first, second)
    return None if bottom < 0 else (top, bottom, left, right)


def gaussian_deficit(x: Array, y: Array, weigh: Array, weights: Array) -> tuple[float, float]:
    """Sums of 1 - SSIM over (pixels counted for the whole image, for the hole).

    x, y: uint8 (rows + 2r, 3 (columns + 2r)), the patches with their margins; weigh: uint8
    (rows, columns), bit 0 whole, bit 1 hole; weights: float64 (r + 1), half of the window."""
    return _gaussian(x, y, weigh, weights, C1, C2)


def uniform_deficit(x: Array, y: Array, weigh: Array, radius: int) -> tuple[float, float]:
    """As `gaussian_deficit`, for a uniform window of side 2 radius + 1 and sample covariance."""
    return _uniform(x, y, weigh, radius, C1, C2)


@njit(cache=True, nogil=True)
def _changed_box(a: Array, b: Array) -> tuple[int, int, int, int]:
    rows, columns = a.shape
    top, bottom, left, right = rows, -1, columns, -1
    for i in range(rows):
        different = False
        for j in range(left):
            if a[i, j] != b[i, j]:
                left = j
                different = True
                break
        for j in range(columns - 1, right, -1):
            if a[i, j] != b[i, j]:
                right = j
                different = True
                break
        if not different:
            for j in range(left, right + 1):
                if a[i, j] != b[i, j]:
                    different = True
                    break
        if different:
            top = min(top, i)
            bottom = i
    return top, bottom, left, right


@njit(cache=True, nogil=True)
def _deficit(ux: float, uy: float, both: float, cross: float, c1: float, c2: float) -> float:
    """1 - SSIM from the means of x, y, x^2 + y^2 and x y and the constants, scaled covariance
    already in `both` (var x + var y) and `cross` (covariance)."""
    numerator = (2 * ux * uy + c1) * (2 * cross + c2)
    return 1 - numerator / ((ux * ux + uy * uy + c1) * (both + c2))


@njit(cache=True, nogil=True)
def _gaussian(
    x: Array, y: Array, weigh: Array, weights: Array, c1: float, c2: float
) -> tuple[float, float]:
    rows, columns = weigh.shape
    radius = weights.size - 1
    span = x.shape[1]
    inner = 3 * columns
    down = np.empty((4, span))
    across = np.empty((4, inner))
    whole = hole = 0.0
    for i in range(rows):
        centre = i + radius
        w = weights[0]
        for j in range(span):
            p, q = float(x[centre, j]), float(y[centre, j])
            down[0, j] = w * p
            down[1, j] = w * q
            down[2, j] = w * (p * p + q * q)
            down[3, j] = w * (p * q)
        for k in range(1, radius + 1):
            w = weights[k]
            for j in range(span):
                p, q = float(x[centre - k, j]), float(y[centre - k, j])
                s, t = float(x[centre + k, j]), float(y[centre + k, j])
                down[0, j] += w * (p + s)
                down[1, j] += w * (q + t)
                down[2, j] += w * (p * p + q * q + s * s + t * t)
                down[3, j] += w * (p * q + s * t)
        for m in range(4):
            shift = 3 * radius
            for j in range(inner):
                across[m, j] = weights[0] * down[m, j + shift]
            for k in range(1, radius + 1):
                w = weights[k]
                lower, upper = shift - 3 * k, shift + 3 * k
                for j in range(inner):
                    across[m, j] += w * (down[m, j + lower] + down[m, j + upper])
        whole_row = hole_row = 0.0
        for j in range(inner):
            ux, uy = across[0, j], across[1, j]
            both = across[2, j] - ux * ux - uy * uy
            loss = _deficit(ux, uy, both, across[3, j] - ux * uy, c1, c2)
            flags = weigh[i, j // 3]
            whole_row += loss * (flags & 1)
            hole_row += loss * (flags >> 1)
        whole += whole_row
        hole += hole_row
    return whole, hole


@njit(cache=True, nogil=True)
def _uniform(
    x: Array, y: Array, weigh: Array, radius: int, c1: float, c2: float
) -> tuple[float, float]:
    rows, columns = weigh.shape
    side = 2 * radius + 1
    span = x.shape[1]
    count = side * side
    sample = count / (count - 1.0)
    # Sums down each column in whole numbers: adding a row and taking one off again is exact.
    sums = np.zeros((4, span), np.int64)
    whole = hole = 0.0
    for i in range(rows + side - 1):
        for j in range(span):
            p, q = np.int64(x[i, j]), np.int64(y[i, j])
            sums[0, j] += p
            sums[1, j] += q
            sums[2, j] += p * p + q * q
            sums[3, j] += p * q
        if i < side - 1:
            continue
        top = i - side + 1
        whole_row = hole_row = 0.0
        for c in range(3):
            sx = sy = sb = sc = np.int64(0)
            for k in range(side - 1):
                sx += sums[0, 3 * k + c]
                sy += sums[1, 3 * k + c]
                sb += sums[2, 3 * k + c]
                sc += sums[3, 3 * k + c]
            for j in range(columns):
                new = 3 * (j + side - 1) + c
                old = 3 * j + c
                sx += sums[0, new]
                sy += sums[1, new]
                sb += sums[2, new]
                sc += sums[3, new]
                ux, uy = sx / count, sy / count
                both = sample * (sb / count - ux * ux - uy * uy)
                loss = _deficit(ux, uy, both, sample * (sc / count - ux * uy), c1, c2)
                flags = weigh[top, j]
                whole_row += loss * (flags & 1)
                hole_row += loss * (flags >> 1)
                sx -= sums[0, old]
                sy -= sums[1, old]
                sb -= sums[2, old]
                sc -= sums[3, old]
        for j in range(span):
            p, q = np.int64(x[top, j]), np.int64(y[top, j])
            sums[0, j] -= p
            sums[1, j] -= q
            sums[2, j] -= p * p + q * q
            sums[3, j] -= p * q
        whole += whole_row
        hole += hole_row
    return whole, hole
