"""Metrics of single pixels: mean absolute difference and peak signal-to-noise ratio."""

from __future__ import annotations

import math

import cv2
import numpy as np

from benchmark.metrics.check import check_images
from methods.base import Image, Mask

PEAK = 255.0


def l1(reference: Image, result: Image, mask: Mask | None = None) -> float:
    """Mean absolute difference over pixels and channels, 0 ... 255; over the hole with `mask`.

    reference, result: uint8 (H, W, 3); mask: bool (H, W). Raises ValueError."""
    check_images(reference, result, mask)
    return _sum(reference, result, mask, cv2.NORM_L1) / _samples(reference, mask)


def psnr(reference: Image, result: Image, mask: Mask | None = None) -> float:
    """10 log10(255^2 / mean squared difference) in dB, inf for identical pixels; over the hole
    with `mask`. The mean is over pixels and channels of this one image.

    reference, result: uint8 (H, W, 3); mask: bool (H, W). Raises ValueError."""
    check_images(reference, result, mask)
    error = _sum(reference, result, mask, cv2.NORM_L2SQR) / _samples(reference, mask)
    return 10 * math.log10(PEAK**2 / error) if error else math.inf


def _sum(reference: Image, result: Image, mask: Mask | None, norm: int) -> float:
    """Sum of absolute or squared differences. OpenCV adds bytes up in integers: exact."""
    if mask is None:
        return cv2.norm(reference, result, norm)
    return cv2.norm(reference, result, norm, mask.view(np.uint8))


def _samples(reference: Image, mask: Mask | None) -> int:
    return reference.size if mask is None else 3 * int(np.count_nonzero(mask))
