"""For each pixel of a hole the known place that looks most like it: a nearest-neighbour field.

C. Barnes, E. Shechtman, A. Finkelstein, D. B. Goldman, PatchMatch: A Randomized Correspondence
Algorithm for Structural Image Editing, SIGGRAPH 2009, with a price for neighbours that are not
copied together. The loops use one thread, whole numbers and a generator of their own, so that a
field is the same everywhere. They are in one file because numba does not notice a change of a
function that is called from another file; constants are arguments because numba stores globals in
its cache.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from methods.base import Image, Mask
from methods.compiled import compiled

# Patches are 2 * RADIUS + 1 pixels wide.
RADIUS = 2
# Passes of the search and of the price for incoherence, in alternating directions.
SEARCHES, PULLS = 6, 4
# For each of four neighbours that comes from elsewhere, in grey levels squared.
PRICE = 200

Index: TypeAlias = NDArray[np.int32]
Distances: TypeAlias = NDArray[np.int64]


class Field(NamedTuple):
    """Where each pixel was found.

    rows, columns: int32 (h, w), the place, -1 for pixels that were not looked for; distance:
    float32 (h, w), mean squared difference of both patches, in grey levels squared.
    """

    rows: Index
    columns: Index
    distance: NDArray[np.float32]


def match(
    image: Image, wanted: Mask, unusable: Mask, seed: int, price: float = PRICE
) -> Field | None:
    """Find a place for each pixel whose patch there is similar.

    Parameters
    ----------
    image
        uint8 (h, w, 3), complete; beyond its border patches repeat it. With a fourth channel, a
        place that has less there than the pixel is farther by the difference squared.
    wanted
        bool (h, w), the pixels to find places for.
    unusable
        bool (h, w), pixels that no patch of a place may touch. Where patches are too wide to avoid
        them, smaller ones are compared.
    seed
        Of the random search, 0 or more.
    price
        For each of a pixel's four neighbours that has another offset, in grey levels squared.

    Returns
    -------
    Field or None
        None if nothing is wanted or no pixel is usable.
    """
    radius, usable = usable_places(unusable)
    if not usable.any() or not wanted.any():
        return None
    padded = cv2.copyMakeBorder(image, radius, radius, radius, radius, cv2.BORDER_REPLICATE)
    places = np.argwhere(usable).astype(np.int32, order="C")
    values = 3 * (2 * radius + 1) ** 2
    rows, columns, distances = _search(padded, wanted, usable, places, radius, SEARCHES, seed)
    _pull(padded, usable, rows, columns, distances, radius, PULLS, round(price * values))
    return Field(rows, columns, (distances / values).astype(np.float32))


def usable_places(unusable: Mask) -> tuple[int, Mask]:
    """Return the largest radius, up to `RADIUS`, at which some patch touches no unusable pixel, and
    the centres of those patches."""
    for radius in range(RADIUS, 0, -1):
        patch = np.ones((2 * radius + 1, 2 * radius + 1), np.uint8)
        usable = cv2.dilate(unusable.view(np.uint8), patch) == 0
        if usable.any():
            return radius, usable
    return 0, ~unusable


@compiled()
def _search(
    image: Image,  # with a margin of `radius`
    wanted: Mask,
    usable: Mask,
    places: Index,  # (n, 2), of the usable pixels
    radius: int,
    rounds: int,
    seed: int,
) -> tuple[Index, Index, Distances]:
    """Start from random places, then try the neighbours' and random ones around the best."""
    height, width = wanted.shape
    rows = np.full((height, width), -1, np.int32)
    columns = np.full((height, width), -1, np.int32)
    best = np.full((height, width), np.iinfo(np.int64).max, np.int64)
    ys, xs = np.nonzero(wanted)
    state = _next(np.uint64(seed))
    for k in range(ys.size):
        state = _next(state)
        row, column = places[_below(state, places.shape[0])]
        _try(image, ys[k], xs[k], row, column, usable, radius, rows, columns, best)
    for turn in range(rounds):
        step = 1 if turn % 2 == 0 else -1
        for k in np.arange(ys.size)[::step]:
            y, x = ys[k], xs[k]
            for down, right in ((step, 0), (0, step)):
                row, column = _continued(rows, columns, y - down, x - right, down, right)
                _try(image, y, x, row, column, usable, radius, rows, columns, best)
            reach = max(height, width)
            while reach >= 1:
                state = _next(state)
                row = rows[y, x] - reach + _below(state, 2 * reach + 1)
                state = _next(state)
                column = columns[y, x] - reach + _below(state, 2 * reach + 1)
                _try(image, y, x, row, column, usable, radius, rows, columns, best)
                reach //= 2
    return rows, columns, best


@compiled()
def _pull(
    image: Image,
    usable: Mask,
    rows: Index,
    columns: Index,
    best: Distances,
    radius: int,
    rounds: int,
    price: int,
) -> None:
    """Take a neighbour's offset where that costs less: distance plus the price of each break."""
    height, width = rows.shape
    ys, xs = np.nonzero(rows >= 0)
    for turn in range(rounds):
        step = 1 if turn % 2 == 0 else -1
        for k in np.arange(ys.size)[::step]:
            y, x = ys[k], xs[k]
            cost = best[y, x] + price * _breaks(rows, columns, y, x, rows[y, x], columns[y, x])
            for down, right in ((1, 0), (-1, 0), (0, 1), (0, -1)):
                row, column = _continued(rows, columns, y - down, x - right, down, right)
                if not (0 <= row < height and 0 <= column < width and usable[row, column]):
                    continue
                breaks = price * _breaks(rows, columns, y, x, row, column)
                most = cost - breaks
                distance = _distance(image, y, x, row, column, radius, most)
                if distance < most:
                    cost = distance + breaks
                    best[y, x], rows[y, x], columns[y, x] = distance, row, column


@compiled()
def _try(
    image: Image,
    y: int,
    x: int,
    row: int,
    column: int,
    usable: Mask,
    radius: int,
    rows: Index,
    columns: Index,
    best: Distances,
) -> None:
    """Take a place if it is usable and better than the best so far."""
    height, width = usable.shape
    if 0 <= row < height and 0 <= column < width and usable[row, column]:
        distance = _distance(image, y, x, row, column, radius, best[y, x])
        if distance < best[y, x]:
            best[y, x], rows[y, x], columns[y, x] = distance, row, column


@compiled()
def _continued(
    rows: Index, columns: Index, y: int, x: int, down: int, right: int
) -> tuple[int, int]:
    """Return the place a step beyond that of a pixel, or (-1, -1) if the pixel has none."""
    if 0 <= y < rows.shape[0] and 0 <= x < rows.shape[1] and rows[y, x] >= 0:
        return rows[y, x] + down, columns[y, x] + right
    return -1, -1


@compiled()
def _breaks(rows: Index, columns: Index, y: int, x: int, row: int, column: int) -> int:
    """Count the neighbours with a place that is not beside this one."""
    count = 0
    for down, right in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        there = _continued(rows, columns, y + down, x + right, -down, -right)
        if there != (-1, -1) and there != (row, column):
            count += 1
    return count


@compiled()
def _distance(image: Image, y: int, x: int, row: int, column: int, radius: int, most: int) -> int:
    """Return the sum of squared differences of two patches, or any number from `most` up."""
    total = 0
    for i in range(2 * radius + 1):
        for j in range(2 * radius + 1):
            for c in range(3):
                difference = np.int64(image[y + i, x + j, c]) - image[row + i, column + j, c]
                total += difference * difference
            if image.shape[2] == 4:
                lacking = np.int64(image[y + i, x + j, 3]) - image[row + i, column + j, 3]
                total += max(lacking, 0) ** 2
        if total >= most:
            break
    return total


@compiled()
def _next(state: Any) -> Any:
    """Advance Knuth's linear congruential generator of 64 bits."""
    return state * np.uint64(6364136223846793005) + np.uint64(1442695040888963407)


@compiled()
def _below(state: Any, limit: int) -> Any:
    """Return a number from 0 to limit - 1 from the upper bits, which are the random ones."""
    return np.int64(state >> np.uint64(33)) % limit
