"""Directions along which the likelihood never falls, found as longest paths.

`existence` states the conditions on a direction (d, s, h). For given s and h each is a lower bound
of a difference d_i - d_j, and such bounds can be met together unless those around some closed walk
of methods sum to more than 0. Directions have any length: s is 0, or 1, which takes ties; beside
s = 0, h is 1 or -1; beside s = 1, closed walks bound h until one that remains is met or none is.

References
----------
T. H. Cormen, C. E. Leiserson, R. L. Rivest, C. Stein, Introduction to Algorithms, MIT Press, 2009,
sections 24.4 (difference constraints) and 25.2 (Floyd and Warshall's algorithm).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analysis.bradley_terry.counts import Array, parts

_Bools = NDArray[np.bool_]
# Sums around closed walks of K methods are whole numbers over at most 2 K, far above rounding.
_POSITIVE, _ROUNDING = 1e-6, 1e-9


def has_direction(outcomes: _Bools, order: bool) -> _Bools:
    """Return whether s or h of some direction is not 0, (n,).

    `outcomes` says which occurred in each data set, (n, 3, K, K): the left one won, the right one,
    a tie; indexed [left method, right method]. h may differ from 0 if there is an `order`.
    """
    found = np.zeros(len(outcomes), bool)
    k = outcomes.shape[-1]
    for part in parts(len(outcomes), 8 * k**2):
        found[part.start : part.stop] = _has_direction(outcomes[part.start : part.stop], order)
    return found


def _has_direction(outcomes: _Bools, order: bool) -> _Bools:
    found = np.zeros(len(outcomes), bool)
    for side in (1.0, -1.0) if order else ():
        left = np.flatnonzero(~found)
        found[left] = _closed_walk(outcomes[left], 0.0, np.full(len(left), side))[0] <= 0
    left = np.flatnonzero(~found & outcomes[:, 2].any(axis=(-1, -2)))
    if order:
        found[left] = _with_some_side(outcomes[left])
    else:
        found[left] = _closed_walk(outcomes[left], 1.0, np.zeros(len(left)))[0] <= 0
    return found


def _with_some_side(outcomes: _Bools) -> _Bools:
    """Return whether there is a direction with s = 1 and any h, by Newton's method for h."""
    n = len(outcomes)
    found = np.zeros(n, bool)
    side, low, high = np.zeros(n), np.full(n, -np.inf), np.full(n, np.inf)
    left = np.arange(n)
    while len(left):
        total, slope = _closed_walk(outcomes[left], 1.0, side[left])
        found[left[total <= 0]] = True
        bounding = (total > 0) & (slope != 0)
        left, total, slope = left[bounding], total[bounding], slope[bounding]
        # Where this walk sums to 0.
        side[left] -= total / slope
        high[left[slope > 0]] = np.minimum(high, side)[left[slope > 0]]
        low[left[slope < 0]] = np.maximum(low, side)[left[slope < 0]]
        left = left[low[left] <= high[left] + _ROUNDING]
    return found


def _closed_walk(outcomes: _Bools, s: float, h: Array) -> tuple[Array, Array]:
    """Return the sum of bounds around some closed walk, (n,), and its derivative by h.

    Where no walk sums to more than 0, the sum is 0.
    """
    longest, slope = _bounds(outcomes, s, h)
    total, derivative = np.zeros(len(h)), np.zeros(len(h))
    left = np.arange(len(h))
    for through in range(longest.shape[-1]):
        path = longest[:, :, through, None] + longest[:, through, None, :]
        longer = path > longest
        np.copyto(longest, path, where=longer)
        path = slope[:, :, through, None] + slope[:, through, None, :]
        np.copyto(slope, path, where=longer)
        around = np.diagonal(longest, axis1=-2, axis2=-1)
        positive, first = around.max(axis=-1) > _POSITIVE, around.argmax(axis=-1)
        if positive.any():
            places = np.flatnonzero(positive)
            total[left[places]] = around[places, first[places]]
            derivative[left[places]] = slope[places, first[places], first[places]]
            left, longest, slope = left[~positive], longest[~positive], slope[~positive]
    return total, derivative


def _bounds(outcomes: _Bools, s: float, h: Array) -> tuple[Array, Array]:
    """Return lower bounds of d_i - d_j, (n, K, K), minus infinity without one; and derivatives."""
    won_left, won_right, tie = outcomes[:, 0], outcomes[:, 1], outcomes[:, 2]
    side = h[:, None, None]
    bound = np.where(np.eye(outcomes.shape[-1], dtype=bool), 0, -np.inf) + 0 * side
    slope = np.zeros_like(bound)
    for occurred, size, sign in (
        (won_left, 2 * s, -1),
        (won_right.swapaxes(-1, -2), 2 * s, 1),
        (tie, -2 * s, -1),
        (tie.swapaxes(-1, -2), -2 * s, 1),
    ):
        tighter = occurred & (size + sign * side > bound)
        np.copyto(bound, size + sign * side, where=tighter)
        np.copyto(slope, float(sign), where=tighter)
    return bound, slope
