"""Structural similarity, evaluated only where something has changed. Exactly.

Z. Wang, A. C. Bovik, H. R. Sheikh, E. P. Simoncelli, Image Quality Assessment: From Error
Visibility to Structural Similarity, 2004, equation 13 with K1 = 0.01, K2 = 0.03, L = 255, on each
colour channel. SSIM is 1 where both windows are equal, so that only the bounding box of changed
pixels, grown by the radius of the window, has to be computed.
"""

from __future__ import annotations

import numpy as np

from benchmark.metrics.check import check_images
from benchmark.metrics.ssim_kernels import changed_box, gaussian_deficit, uniform_deficit
from methods.base import Image, Mask

SIGMA = 1.5
WINDOW = 7


def ssim(reference: Image, result: Image, mask: Mask | None = None, sigma: float = SIGMA) -> float:
    """SSIM with a Gaussian window and population covariance: the mean over channels and all
    windows inside the image, or, with `mask`, of the map at hole pixels.

    reference, result: uint8 (H, W, 3); mask: bool (H, W); sigma: pixels, the window's radius is
    int(3.5 sigma + 0.5). Equals scikit-image's structural_similarity(channel_axis=2,
    data_range=255, gaussian_weights=True, sigma=sigma, use_sample_covariance=False); for the
    hole the mean of its map (full=True) there. Raises ValueError."""
    whole, hole = ssim_both(reference, result, mask, sigma)
    return whole if mask is None else hole


def ssim_uniform(
    reference: Image, result: Image, mask: Mask | None = None, window: int = WINDOW
) -> float:
    """SSIM with a uniform window and sample covariance, as scikit-image's default.

    reference, result: uint8 (H, W, 3); mask: bool (H, W); window: side in pixels, odd. Equals
    structural_similarity(channel_axis=2, data_range=255, win_size=window). Raises ValueError."""
    whole, hole = ssim_uniform_both(reference, result, mask, window)
    return whole if mask is None else hole


def ssim_both(
    reference: Image, result: Image, mask: Mask | None, sigma: float = SIGMA
) -> tuple[float, float]:
    """`ssim` over the whole image and over the hole (nan without `mask`) in one pass."""
    check_sigma(sigma)
    radius = int(3.5 * sigma + 0.5)
    distance = np.arange(radius + 1)
    weights = np.exp(-0.5 * (distance / sigma) ** 2)
    weights /= weights[0] + 2 * weights[1:].sum()
    return _both(reference, result, mask, radius, weights)


def ssim_uniform_both(
    reference: Image, result: Image, mask: Mask | None, window: int = WINDOW
) -> tuple[float, float]:
    """`ssim_uniform` over the whole image and over the hole (nan without `mask`) in one pass."""
    check_window(window)
    return _both(reference, result, mask, window // 2, None)


def check_sigma(sigma: float) -> None:
    if not 0 < sigma < 100:
        raise ValueError(f"ssim: sigma must lie between 0 and 100 px, is {sigma}")


def check_window(window: int) -> None:
    if window < 3 or window % 2 == 0:
        raise ValueError(f"ssim_uniform: window must be an odd number from 3 up, is {window}")


def _both(
    reference: Image, result: Image, mask: Mask | None, radius: int, weights: np.ndarray | None
) -> tuple[float, float]:
    check_images(reference, result, mask)
    height, width = reference.shape[:2]
    side = 2 * radius + 1
    if min(height, width) < side:
        raise ValueError(f"image is {width}x{height}, smaller than the SSIM window of {side} px")
    reference, result = np.ascontiguousarray(reference), np.ascontiguousarray(result)
    whole = hole = 0.0
    box = changed_box(_words(reference), _words(result))
    if box is not None:
        top, bottom, left, right = _grown(box, radius, reference)
        inside = _inside(top, bottom, left, right, radius, height, width)
        weigh = _weights(mask, inside, top, bottom, left, right)
        x = _patch(reference, top, bottom, left, right, radius)
        y = _patch(result, top, bottom, left, right, radius)
        if weights is None:
            whole, hole = uniform_deficit(x, y, weigh, radius)
        else:
            whole, hole = gaussian_deficit(x, y, weigh, weights)
    windows = (height - 2 * radius) * (width - 2 * radius)
    over_hole = 1 - hole / (3 * np.count_nonzero(mask)) if mask is not None else float("nan")
    return 1 - whole / (3 * windows), float(over_hole)


def _words(image: Image) -> np.ndarray:
    """Rows of an image as the widest integers that divide them: (H, words)."""
    rows = image.reshape(image.shape[0], -1)
    return rows.view(np.uint64) if rows.shape[1] % 8 == 0 else rows


def _grown(box: tuple[int, int, int, int], radius: int, image: Image) -> tuple[int, int, int, int]:
    """Rows and columns (end exclusive) where a window can touch the box. Columns of the box are
    in words: rounding them outwards to pixels only makes it larger."""
    height, width = image.shape[:2]
    per_word = 8 if width * 3 % 8 == 0 else 1
    top, bottom, first, last = box
    left, right = first * per_word // 3, ((last + 1) * per_word - 1) // 3
    return (
        max(top - radius, 0),
        min(bottom + radius + 1, height),
        max(left - radius, 0),
        min(right + radius + 1, width),
    )


def _inside(
    top: int, bottom: int, left: int, right: int, radius: int, height: int, width: int
) -> np.ndarray:
    """Which pixels of the box have their whole window inside the image: bool (rows, columns)."""
    rows, columns = np.arange(top, bottom), np.arange(left, right)
    return np.logical_and.outer(
        (rows >= radius) & (rows < height - radius),
        (columns >= radius) & (columns < width - radius),
    )


def _weights(
    mask: Mask | None, inside: np.ndarray, top: int, bottom: int, left: int, right: int
) -> np.ndarray:
    """Per pixel of the box: bit 0 if it counts for the whole image, bit 1 for the hole."""
    weigh = inside.astype(np.uint8)
    if mask is not None:
        weigh |= mask[top:bottom, left:right].astype(np.uint8) << 1
    return weigh


def _patch(image: Image, top: int, bottom: int, left: int, right: int, radius: int) -> np.ndarray:
    """The box with `radius` more pixels on each side, mirrored at the image's border, as
    (rows, 3 x columns)."""
    height, width = image.shape[:2]
    before = max(radius - top, 0), max(radius - left, 0)
    after = max(bottom + radius - height, 0), max(right + radius - width, 0)
    part = image[max(top - radius, 0) : bottom + radius, max(left - radius, 0) : right + radius]
    if any(before) or any(after):
        margins = ((before[0], after[0]), (before[1], after[1]), (0, 0))
        part = np.pad(part, margins, mode="symmetric")
    return np.ascontiguousarray(part).reshape(part.shape[0], -1)
