"""The input of every metric: a validated reference and result, with the box where they differ."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from methods.base import Image, Mask


@dataclass(frozen=True)
class ImagePair:
    """A reference and a result of the same size; create it with `checked_pair`.

    Parameters
    ----------
    reference, result
        C-contiguous uint8 (H, W, 3).
    mask
        bool (H, W), True = hole.
    rows, columns
        The smallest box that contains all differing pixels; empty if there are none.
    """

    reference: Image
    result: Image
    mask: Mask | None
    rows: slice
    columns: slice


def checked_pair(reference: Image, result: Image, mask: Mask | None = None) -> ImagePair:
    """Validate the input of a metric.

    Raises
    ------
    ValueError
        If an image is not uint8 (H, W, 3), the shapes differ, or the mask is not bool (H, W) with
        at least one hole pixel.
    """
    for name, image in (("reference", reference), ("result", result)):
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
            raise ValueError(f"{name} must be uint8 (H, W, 3) RGB, is {image.dtype} {image.shape}")
    if reference.shape != result.shape:
        raise ValueError(
            f"reference {reference.shape} and result {result.shape} must have one shape"
        )
    shape = reference.shape[:2]
    if mask is not None and (mask.dtype != np.bool_ or mask.shape != shape):
        raise ValueError(f"mask must be bool {shape}, True = hole, is {mask.dtype} {mask.shape}")
    if mask is not None and not mask.any():
        raise ValueError("mask has no hole pixel: there is nothing to score in the hole")
    reference, result = np.ascontiguousarray(reference), np.ascontiguousarray(result)
    return ImagePair(reference, result, mask, *_changed_box(reference, result))


def _changed_box(reference: Image, result: Image) -> tuple[slice, slice]:
    # Rows of 3 W values: reducing (H, W, 3) over two axes takes 30 times as long.
    height = reference.shape[0]
    different = reference.reshape(height, -1) != result.reshape(height, -1)
    rows = np.flatnonzero(different.any(axis=1))
    if not rows.size:
        return slice(0, 0), slice(0, 0)
    values = np.flatnonzero(different.any(axis=0))
    return (
        slice(int(rows[0]), int(rows[-1]) + 1),
        slice(int(values[0]) // 3, int(values[-1]) // 3 + 1),
    )
