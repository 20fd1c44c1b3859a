"""What the SSIM definitions share: where SSIM must be computed, and the means of its map.

Z. Wang, A. C. Bovik, H. R. Sheikh, E. P. Simoncelli, "Image Quality Assessment: From Error
Visibility to Structural Similarity", IEEE Transactions on Image Processing 13, 2004, equation 13
with K1 = 0.01, K2 = 0.03 and L = 255, on each colour channel.

Where both windows are equal SSIM is exactly 1. So only the box of changed pixels, grown by the
window's radius, is computed, as 1 - SSIM: the rest of the image adds nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmark.metrics.metric import Scores
from benchmark.metrics.pair import Pair
from benchmark.metrics.ssim_kernels import Bytes, Flags, Values
from methods.base import Image, Mask

C1 = (0.01 * 255) ** 2
C2 = (0.03 * 255) ** 2


def ssim_means(pair: Pair, radius: int, losses: Callable[..., Values], window: Any) -> Scores:
    """Mean SSIM over channels and all pixels whose window of side 2 radius + 1 lies inside the
    image, and, if the pair has a mask, over all hole pixels. Beyond its border the image goes on
    mirrored (d c b a | a b c d).

    losses: a kernel of `ssim_kernels`; window: what it takes after `last`. Raises ValueError if
    the image is smaller than the window."""
    height, width = pair.reference.shape[:2]
    side = 2 * radius + 1
    if min(height, width) < side:
        raise ValueError(
            f"image of {width} x {height} pixels is smaller than the SSIM window of {side} x {side}"
        )
    rows, columns = _grown(pair.rows, radius, height), _grown(pair.columns, radius, width)
    first, last = _inside(rows, radius, height)
    left, right = _inside(columns, radius, width)
    sums = losses(
        _with_margin(pair.reference, rows, columns, radius),
        _with_margin(pair.result, rows, columns, radius),
        _hole(pair.mask, rows, columns),
        first,
        last,
        window,
        C1,
        C2,
    )
    windows = (height - 2 * radius) * (width - 2 * radius)
    whole = 1 - float(sums[0, 3 * left : 3 * right].sum()) / (3 * windows)
    if pair.mask is None:
        return Scores(whole, None)
    return Scores(whole, 1 - float(sums[1].sum()) / (3 * int(np.count_nonzero(pair.mask))))


def _grown(span: slice, radius: int, size: int) -> slice:
    return slice(max(span.start - radius, 0), min(span.stop + radius, size))


def _inside(span: slice, radius: int, size: int) -> tuple[int, int]:
    """Which part of a span, counted from its start, has its whole window inside the image."""
    first = max(radius - span.start, 0)
    return first, max(min(span.stop, size - radius) - span.start, first)


def _with_margin(image: Image, rows: slice, columns: slice, radius: int) -> Bytes:
    """The box with `radius` more pixels on all sides, as rows of values."""
    inside = _grown(rows, radius, image.shape[0]), _grown(columns, radius, image.shape[1])
    mirrored = _overhang(rows, radius, image.shape[0]), _overhang(columns, radius, image.shape[1])
    box = np.pad(image[inside], (*mirrored, (0, 0)), mode="symmetric")
    return box.reshape(box.shape[0], -1)


def _overhang(span: slice, radius: int, size: int) -> tuple[int, int]:
    """How many pixels a span grown by `radius` leaves the image at either end."""
    return max(radius - span.start, 0), max(span.stop + radius - size, 0)


def _hole(mask: Mask | None, rows: slice, columns: slice) -> Flags:
    """The mask in the box, once for each channel: bool (rows, 3 columns)."""
    if mask is None:
        return np.zeros((rows.stop - rows.start, 3 * (columns.stop - columns.start)), np.bool_)
    return np.repeat(mask[rows, columns], 3, axis=1)
