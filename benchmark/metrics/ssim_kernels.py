"""The loops of SSIM, compiled: one thread and a fixed order, so that every run gives the same bits.

One file, because numba does not compile again when a function called from another file has
changed. Arrays and constants are arguments, because numba bakes globals into its cache.

Both kernels take the changed box with a margin of the window's radius on all sides, as rows of
values: x, y uint8 (rows + 2 radius, 3 (columns + 2 radius)); hole: bool (rows, 3 columns); rows
first ... last - 1 of the box have their window inside the image. Both return float64
(2, 3 columns): for each column of values the sum of 1 - SSIM over rows first ... last - 1, and
over the hole.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numba import njit
from numpy.typing import NDArray

Bytes: TypeAlias = NDArray[np.uint8]
Flags: TypeAlias = NDArray[np.bool_]
Values: TypeAlias = NDArray[np.float64]


@njit(nogil=True, cache=True)
def gaussian_losses(
    x: Bytes, y: Bytes, hole: Flags, first: int, last: int, half: Values, c1: float, c2: float
) -> Values:
    """half: weights of the window from its centre outwards, float64 (radius + 1), the centre's
    halved since the centre is added as a pair with itself."""
    rows, size = hole.shape
    radius = half.size - 1
    # Of x, y, x^2 + y^2 and x y: the weighted sums down the rows, then those also across them.
    down = np.empty((4, x.shape[1]))
    means = np.empty((4, size))
    sums = np.zeros((2, size))
    for i in range(rows):
        down[:] = 0
        for k in range(radius + 1):
            above, below = i + radius - k, i + radius + k
            _add_pair(down, half[k], x[above], y[above], x[below], y[below])
        means[:] = 0
        for quantity in range(4):
            for k in range(radius + 1):
                left, right = 3 * (radius - k), 3 * (radius + k)
                values = down[quantity]
                _add_shifted(means[quantity], half[k], values[left:], values[right:])
        _add_losses(sums, means, 1.0, 1.0, first <= i < last, hole[i], c1, c2)
    return sums


@njit(nogil=True, cache=True)
def uniform_losses(
    x: Bytes, y: Bytes, hole: Flags, first: int, last: int, side: int, c1: float, c2: float
) -> Values:
    """side: of the window, in pixels. Sample covariance: normalised by side^2 - 1."""
    rows, size = hole.shape
    count = float(side * side)
    # The sums are whole numbers below 2^53: taking away what leaves the window is exact.
    down = np.zeros((4, x.shape[1]))
    running = np.zeros((4, x.shape[1] + 3))
    means = np.empty((4, size))
    sums = np.zeros((2, size))
    for i in range(side - 1):
        _add_row(down, 1.0, x[i], y[i])
    for i in range(rows):
        _add_row(down, 1.0, x[i + side - 1], y[i + side - 1])
        _run(running, down)
        for quantity in range(4):
            _subtract(means[quantity], running[quantity, 3 * side :], running[quantity])
        _add_losses(sums, means, count, count / (count - 1), first <= i < last, hole[i], c1, c2)
        _add_row(down, -1.0, x[i], y[i])
    return sums


# By default numba checks divisors for 0, and with that check the loop is not vectorised. None is 0.
@njit(nogil=True, cache=True, error_model="numpy")
def _add_losses(
    sums: Values,
    totals: Values,
    count: float,
    normalisation: float,
    whole: bool,
    hole: Flags,
    c1: float,
    c2: float,
) -> None:
    """Add one row of 1 - SSIM to the sums. totals: `count` times the means of x, y, x^2 + y^2
    and x y; normalisation: of the covariance. Where x = y each step of the numerator and of the
    denominator rounds alike, so that 1 - SSIM is 0 exactly."""
    share = 1 / (count * count)
    spread = share * normalisation
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


@njit(nogil=True, cache=True)
def _add_pair(down: Values, weight: float, x0: Bytes, y0: Bytes, x1: Bytes, y1: Bytes) -> None:
    for j in range(down.shape[1]):
        a, b, c, d = float(x0[j]), float(y0[j]), float(x1[j]), float(y1[j])
        down[0, j] += weight * (a + c)
        down[1, j] += weight * (b + d)
        down[2, j] += weight * ((a * a + b * b) + (c * c + d * d))
        down[3, j] += weight * (a * b + c * d)


@njit(nogil=True, cache=True)
def _add_shifted(out: Values, weight: float, left: Values, right: Values) -> None:
    for j in range(out.size):
        out[j] += weight * (left[j] + right[j])


@njit(nogil=True, cache=True)
def _add_row(down: Values, sign: float, x: Bytes, y: Bytes) -> None:
    for j in range(down.shape[1]):
        a, b = float(x[j]), float(y[j])
        down[0, j] += sign * a
        down[1, j] += sign * b
        down[2, j] += sign * (a * a + b * b)
        down[3, j] += sign * (a * b)


@njit(nogil=True, cache=True)
def _run(running: Values, down: Values) -> None:
    """Running sums along a row, one for each channel; the first pixel of `running` stays 0."""
    for quantity in range(4):
        red = green = blue = 0.0
        for j in range(0, down.shape[1], 3):
            red += down[quantity, j]
            green += down[quantity, j + 1]
            blue += down[quantity, j + 2]
            running[quantity, j + 3] = red
            running[quantity, j + 4] = green
            running[quantity, j + 5] = blue


@njit(nogil=True, cache=True)
def _subtract(out: Values, later: Values, earlier: Values) -> None:
    for j in range(out.size):
        out[j] = later[j] - earlier[j]
