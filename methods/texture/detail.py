"""Detail at full resolution, copied from where each pixel of the small result was found.

As in HiFill (Z. Yi et al., Contextual Residual Aggregation for Ultra High-Resolution Image
Inpainting, CVPR 2020), detail is the difference between the photograph and its reduced and enlarged
version; there attention says where to take it, here a field. The loops are in one file, in one
thread and in a fixed order, so that results are bit-exact.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from methods.architectures.spans import hole_spans
from methods.base import Image, Mask
from methods.compiled import compiled
from methods.texture.field import Field, Index

# Standard deviations of the weights of neighbouring offsets: of the distance in small pixels, and
# of the difference between both patches in grey levels.
NEAR, ALIKE = 1.5, 20.0
# Weight of the worst match, so that it still counts where there is no other.
LEAST = 1e-3
# Share of the contrast lost by averaging that is restored, as an exponent.
RESTORED = 0.7

Floats: TypeAlias = NDArray[np.float32]


class Taps(NamedTuple):
    """Bilinear enlargement along one axis: the pixels `first` and `second`, int32 (size), and the
    weight of the second, float32 (size)."""

    first: Index
    second: Index
    share: Floats


def fill(image: Image, mask: Mask, small: Floats, field: Field) -> Image:
    """Return the image with its hole filled by the enlarged small result and matched detail.

    For each pixel of the hole, each of the 3 x 3 small pixels around it proposes its offset, to a
    pixel whose detail is added. Offsets are weighted by nearness and similarity. The mean of detail
    from several places has less contrast than each, which is partly restored: with weights w of
    unrelated details it has sqrt(sum of w^2) of it.

    Parameters
    ----------
    image
        uint8 (H, W, 3); the hole is not read.
    mask
        bool (H, W), True = hole.
    small
        float32 (h, w, 3), 0-255: the known pixels reduced, the hole filled.
    field
        Of `small`; must cover each small pixel that a hole pixel has among those 3 x 3.

    Returns
    -------
    ndarray
        uint8 (H, W, 3). Where no offset leads to a known pixel there is no detail.
    """
    height, width = mask.shape
    likeness = np.exp(field.distance / np.float32(-2 * ALIKE**2)) + np.float32(LEAST)
    rows, columns = hole_spans(mask)
    result = image.copy()
    _fill(
        result,
        image,
        mask,
        (*rows, *columns),
        np.clip(small, 0, 255),
        field.rows,
        field.columns,
        likeness.astype(np.float32),
        _taps(height, small.shape[0]),
        _taps(width, small.shape[1]),
        NEAR,
        RESTORED,
    )
    return result


def squares(image: Image, small: Image, unusable: Mask) -> Floats:
    """Return the mean squared detail of the full pixels in each small one.

    Parameters
    ----------
    image
        uint8 (H, W, 3).
    small
        uint8 (h, w, 3): the image reduced, complete.
    unusable
        bool (h, w), small pixels to leave out.

    Returns
    -------
    ndarray
        float32 (h, w, 3), in grey levels squared; 0 where unusable.
    """
    taps = (_taps(full, part) for full, part in zip(image.shape[:2], unusable.shape, strict=True))
    result = np.zeros(small.shape, np.float32)
    _squares(result, image, small.astype(np.float32), unusable, *taps)
    return result


def _taps(size: int, small_size: int) -> Taps:
    """Return the taps of OpenCV's INTER_LINEAR."""
    place = (np.arange(size) + 0.5) * small_size / size - 0.5
    place = place.clip(0, small_size - 1)
    first = np.floor(place).astype(np.int32)
    second = np.minimum(first + 1, small_size - 1, dtype=np.int32)
    return Taps(first, second, (place - first).astype(np.float32))


@compiled()
def _squares(
    result: Floats, image: Image, small: Floats, unusable: Mask, down: Taps, right: Taps
) -> None:
    height, width = image.shape[:2]
    high, wide = unusable.shape
    value = np.empty(3, np.float32)
    for i in range(high):
        for j in range(wide):
            if unusable[i, j]:
                continue
            top, bottom = i * height // high, (i + 1) * height // high
            left, end = j * width // wide, (j + 1) * width // wide
            share = np.float32(1 / ((bottom - top) * (end - left)))
            for y in range(top, bottom):
                for x in range(left, end):
                    _enlarged(small, down, right, y, x, value)
                    for c in range(3):
                        result[i, j, c] += share * (image[y, x, c] - value[c]) ** 2


@compiled()
def _fill(
    result: Image,
    image: Image,
    mask: Mask,
    box: tuple[int, int, int, int],  # first and last + 1 row and column of the hole
    small: Floats,
    rows: Index,
    columns: Index,
    likeness: Floats,  # (h, w), weight of each small pixel
    down: Taps,
    right: Taps,
    near: float,
    restored: float,
) -> None:
    offsets, weights = np.empty((9, 2), np.int64), np.empty(9)
    value, there = np.empty(3, np.float32), np.empty(3, np.float32)
    for y in range(box[0], box[1]):
        for x in range(box[2], box[3]):
            if not mask[y, x]:
                continue
            count = _offsets(y, x, mask, rows, columns, likeness, near, offsets, weights)
            total, squares = weights[:count].sum(), (weights[:count] ** 2).sum()
            # 1 for a single offset.
            gain = (total * total / squares) ** (restored / 2) if count else 0.0
            _enlarged(small, down, right, y, x, value)
            for k in range(count):
                row, column = y + offsets[k, 0], x + offsets[k, 1]
                _enlarged(small, down, right, row, column, there)
                weight = np.float32(gain * weights[k] / total)
                for c in range(3):
                    value[c] += weight * (image[row, column, c] - there[c])
            for c in range(3):
                result[y, x, c] = np.uint8(min(max(value[c], 0), 255) + np.float32(0.5))


@compiled()
def _offsets(
    y: int,
    x: int,
    mask: Mask,
    rows: Index,
    columns: Index,
    likeness: Floats,
    near: float,
    offsets: NDArray[np.int64],
    weights: NDArray[np.float64],
) -> int:
    """Write the different offsets to known pixels and their weights; return how many there are."""
    height, width = mask.shape
    high, wide = rows.shape
    # Full pixels in a small one.
    tall, broad = height / high, width / wide
    middle, centre = (y + 0.5) / tall - 0.5, (x + 0.5) / broad - 0.5
    count = 0
    for i in range(max(y * high // height - 1, 0), min(y * high // height + 2, high)):
        for j in range(max(x * wide // width - 1, 0), min(x * wide // width + 2, wide)):
            if rows[i, j] < 0:
                continue
            by = int(np.floor((rows[i, j] - i) * tall + 0.5))
            across = int(np.floor((columns[i, j] - j) * broad + 0.5))
            row, column = y + by, x + across
            if not (0 <= row < height and 0 <= column < width) or mask[row, column]:
                continue
            squared = (i - middle) ** 2 + (j - centre) ** 2
            weight = likeness[i, j] * np.exp(-squared / (2 * near * near))
            k = 0
            while k < count and (offsets[k, 0] != by or offsets[k, 1] != across):
                k += 1
            if k == count:
                offsets[k, 0], offsets[k, 1], weights[k] = by, across, 0
                count += 1
            weights[k] += weight
    return count


@compiled()
def _enlarged(small: Floats, down: Taps, right: Taps, y: int, x: int, value: Floats) -> None:
    """Write one pixel of the enlarged small image."""
    top, bottom, low = down.first[y], down.second[y], down.share[y]
    left, end, far = right.first[x], right.second[x], right.share[x]
    for c in range(3):
        above = small[top, left, c] + far * (small[top, end, c] - small[top, left, c])
        below = small[bottom, left, c] + far * (small[bottom, end, c] - small[bottom, left, c])
        value[c] = above + low * (below - above)
