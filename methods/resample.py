"""Nearest-neighbour resampling by one stated rule."""

from __future__ import annotations

from typing import TypeVar

import numpy as np

Array = TypeVar("Array", bound=np.ndarray)


def nearest(array: Array, height: int, width: int) -> Array:
    """`array` (H, W, ...) at (height, width, ...): source index = floor(i * source / target).

    The rule of OpenCV's INTER_NEAREST, which the authors' code uses; "nearest" with half-pixel
    centres is another operation and gives other pixels.
    """
    rows = np.arange(height) * array.shape[0] // height
    columns = np.arange(width) * array.shape[1] // width
    return array.take(rows, axis=0).take(columns, axis=1)  # type: ignore[return-value]
