"""What every metric demands of its input."""

from __future__ import annotations

import numpy as np

from methods.base import Image, Mask


def check_images(reference: Image, result: Image, mask: Mask | None) -> None:
    """Raise ValueError unless both images are uint8 (H, W, 3) of one size, and `mask`, if given,
    is bool (H, W) with at least one hole pixel."""
    for name, image in (("reference", reference), ("result", result)):
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            raise ValueError(f"{name} must be uint8 (H, W, 3), is {image.dtype} {image.shape}")
    if reference.shape != result.shape:
        raise ValueError(f"reference is {reference.shape}, result {result.shape}")
    if mask is None:
        return
    if mask.dtype != np.bool_ or mask.shape != reference.shape[:2]:
        raise ValueError(f"mask must be bool {reference.shape[:2]}, is {mask.dtype} {mask.shape}")
    if not mask.any():
        raise ValueError("mask has no hole pixel: there is nothing to score")
