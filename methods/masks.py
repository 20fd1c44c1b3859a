"""Which pixels of a mask file are white."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from methods.base import Mask

# The most that a soft mask's black differs from 0.
_DARK = 32


def white_pixels(plane: NDArray[np.uint8], threshold: int | None) -> Mask | None:
    """Return which values of a mask are white, or None if that takes a threshold.

    Parameters
    ----------
    plane
        uint8 (H, W), the values of the mask. Of two values the lighter is white if the other one is
        0, as in 0 and 1, or the threshold lies between them.
    threshold
        White is >= threshold (1 to 255) in all other masks.

    Returns
    -------
    ndarray or None
        bool (H, W).
    """
    values = np.flatnonzero(np.bincount(plane.ravel(), minlength=256))
    middle = threshold or 128
    if len(values) == 2:
        low, high = values
        # 0 and 1 is a mask too; 254 and 255 is noise.
        if low == 0 or low < middle <= high:
            return plane == high
    if len(values) > 1 and threshold is None:
        return None
    return plane >= middle


def middle_level(plane: NDArray[np.uint8]) -> int:
    """Return a threshold: 128, or half-way between black and white of a mask that has others."""
    counts = np.bincount(plane.ravel(), minlength=256)
    levels = np.flatnonzero(counts)
    if levels[0] <= _DARK and levels[-1] >= 255 - _DARK:
        return 128
    half = (int(levels[0]) + int(levels[-1]) + 1) // 2
    dark, light = int(counts[:half].argmax()), half + int(counts[half:].argmax())
    return max(1, (dark + light + 1) // 2)
