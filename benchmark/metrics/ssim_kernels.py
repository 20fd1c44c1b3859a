"""The compiled loops of SSIM: single-threaded and in a fixed order, so that results are bit-exact.

They are in one file because numba does not notice a change of a function that is called from
another file; constants are arguments because numba stores globals in its cache.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from methods.compiled import compiled

Bytes: TypeAlias = NDArray[np.uint8]
Flags: TypeAlias = NDArray[np.bool_]
Values: TypeAlias = NDArray[np.float64]


@compiled()
def sum_losses(
    x: Bytes,  # (rows + 2 r, 3 (columns + 2 r)): a box with a margin of the window's radius r
    y: Bytes,
    hole: Flags,  # (rows, 3 columns)
    first: int,  # of the box's rows first ... last - 1 the window lies inside the image
    last: int,
    half: Values,  # (r + 1), weights from the centre outwards; the window is their outer product
    count: float,  # sum of the window's weights
    correction: float,  # factor of variances and covariance, n / (n - 1) for the sample covariance
    c1: float,
    c2: float,
) -> Values:
    """Return column sums of 1 - SSIM over the rows first ... last - 1, and over the hole.

    Channels lie side by side. The centre's weight is halved as it is added as a pair with itself.
    """
    rows, size = hole.shape
    radius = half.size - 1
    # Weighted sums of x, y, x^2 + y^2 and x y: down the rows, then also across them.
    down = np.empty((4, x.shape[1]))
    totals = np.empty((4, size))
    sums = np.zeros((2, size))
    for i in range(rows):
        down[:] = 0
        for k in range(radius + 1):
            above, below = i + radius - k, i + radius + k
            _add_pair(down, half[k], x[above], y[above], x[below], y[below])
        totals[:] = 0
        for quantity in range(4):
            for k in range(radius + 1):
                left, right = 3 * (radius - k), 3 * (radius + k)
                values = down[quantity]
                _add_shifted(totals[quantity], half[k], values[left:], values[right:])
        _add_losses(sums, totals, count, correction, first <= i < last, hole[i], c1, c2)
    return sums


# numba's default check for zero divisors prevents vectorisation; these divisors are positive.
@compiled(error_model="numpy")
def _add_losses(
    sums: Values,
    totals: Values,
    count: float,
    correction: float,
    whole: bool,
    hole: Flags,
    c1: float,
    c2: float,
) -> None:
    # For x = y numerator and denominator are rounded alike in each step: the loss is exactly 0.
    share = 1 / (count * count)
    spread = share * correction
    weight = 1.0 if whole else 0.0
    for j in range(hole.size):
        x, y = totals[0, j], totals[1, j]
        squares, product = x * x + y * y, x * y
        variances = (count * totals[2, j] - squares) * spread
        covariance = (count * totals[3, j] - product) * spread
        loss = 1 - (2 * product * share + c1) * (2 * covariance + c2) / (
            (squares * share + c1) * (variances + c2)
        )
        sums[0, j] += loss * weight
        sums[1, j] += loss * hole[j]


@compiled()
def _add_pair(down: Values, weight: float, x0: Bytes, y0: Bytes, x1: Bytes, y1: Bytes) -> None:
    for j in range(down.shape[1]):
        a, b, c, d = float(x0[j]), float(y0[j]), float(x1[j]), float(y1[j])
        down[0, j] += weight * (a + c)
        down[1, j] += weight * (b + d)
        down[2, j] += weight * ((a * a + b * b) + (c * c + d * d))
        down[3, j] += weight * (a * b + c * d)


@compiled()
def _add_shifted(out: Values, weight: float, left: Values, right: Values) -> None:
    for j in range(out.size):
        out[j] += weight * (left[j] + right[j])
