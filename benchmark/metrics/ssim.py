"""Structural similarity (SSIM) with a Gaussian and with a uniform window.

Where reference and result are equal SSIM is exactly 1, so only the box of changed pixels, grown by
the window's radius, is evaluated. Beyond its border an image is mirrored (d c b a | a b c d).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from benchmark.metrics.metric import ImagePair, Metric, Scores, checked_pair
from methods.base import Image, Mask

if TYPE_CHECKING:
    from benchmark.metrics.ssim_kernels import Bytes, Flags, Values

C1 = (0.01 * 255) ** 2
C2 = (0.03 * 255) ** 2
SIGMA = 1.5
WINDOW = 7


def ssim(reference: Image, result: Image, mask: Mask | None = None, sigma: float = SIGMA) -> float:
    """Return the mean SSIM with a Gaussian window and the population covariance.

    For every pixel and channel, with means µ, variances σ² and covariance σxy in a window::

        (2 µx µy + C1) (2 σxy + C2) / ((µx² + µy² + C1) (σx² + σy² + C2))
        C1 = (0.01 · 255)²,  C2 = (0.03 · 255)²

    Parameters
    ----------
    reference, result
        uint8 (H, W, 3).
    mask
        bool (H, W), True = hole. If given, the mean is over all hole pixels; otherwise over all
        pixels whose window lies inside the image.
    sigma
        Of the window, in pixels, between 0 and 100. The radius is int(3.5 sigma + 0.5).

    Returns
    -------
    float
        -1 to 1 (identical), without unit. Agrees to 1e-12 with scikit-image's
        ``structural_similarity(channel_axis=2, data_range=255, gaussian_weights=True,
        sigma=sigma, use_sample_covariance=False)``, over the hole with the mean of its map
        (``full=True``) at hole pixels.

    Raises
    ------
    ValueError
        If an array has another type or shape, the image is smaller than the window, the mask has
        no hole pixel, or sigma is out of range.

    References
    ----------
    Z. Wang, A. C. Bovik, H. R. Sheikh, E. P. Simoncelli, Image quality assessment: from error
    visibility to structural similarity, IEEE Transactions on Image Processing 13(4), 2004.
    """
    return _ssim(checked_pair(reference, result, mask), sigma).selected


def ssim_uniform(
    reference: Image, result: Image, mask: Mask | None = None, window: int = WINDOW
) -> float:
    """Return the mean SSIM with a uniform window and the sample covariance.

    The formula, the range and `mask` are those of `ssim`.

    Parameters
    ----------
    reference, result
        uint8 (H, W, 3).
    mask
        bool (H, W), True = hole.
    window
        Side of the window in pixels, odd, 3 or more.

    Returns
    -------
    float
        -1 to 1 (identical), without unit. Agrees to 1e-12 with scikit-image's
        ``structural_similarity(channel_axis=2, data_range=255, win_size=window)``.

    Raises
    ------
    ValueError
        As `ssim`, or if the window is not an odd number of 3 or more.
    """
    return _ssim_uniform(checked_pair(reference, result, mask), window).selected


def _ssim(pair: ImagePair, sigma: float = SIGMA) -> Scores:
    _check_sigma(sigma)
    radius = int(3.5 * sigma + 0.5)
    half = np.exp(-0.5 * (np.arange(radius + 1) / sigma) ** 2)
    half[0] /= 2
    half /= 2 * half.sum()
    return _mean_ssim(pair, half, count=1, correction=1)


def _check_sigma(sigma: Any = SIGMA) -> None:
    number = isinstance(sigma, int | float) and not isinstance(sigma, bool)
    if not number or not 0 < sigma < 100:
        raise ValueError(f"metric ssim: sigma must be a number between 0 and 100 px, is {sigma!r}")


def _ssim_uniform(pair: ImagePair, window: int = WINDOW) -> Scores:
    _check_window(window)
    # Weights of 1 keep all sums exact: they are whole numbers below 2^53.
    half = np.ones(window // 2 + 1)
    half[0] /= 2
    count = window**2
    return _mean_ssim(pair, half, count, count / (count - 1))


def _check_window(window: Any = WINDOW) -> None:
    if type(window) is not int or window < 3 or window % 2 == 0:
        raise ValueError(
            f"metric ssim_uniform: window must be an odd number of pixels from 3 up, is {window!r}"
        )


def _mean_ssim(pair: ImagePair, half: Values, count: float, correction: float) -> Scores:
    """Average SSIM over channels and pixels; for the weights see `sum_losses`."""
    # Imported late: numba takes half a second, and most processes of a run compute no SSIM.
    from benchmark.metrics.ssim_kernels import sum_losses

    height, width = pair.reference.shape[:2]
    radius = half.size - 1
    side = 2 * radius + 1
    if min(height, width) < side:
        raise ValueError(
            f"image of {width} x {height} pixels is smaller than the SSIM window of {side} x {side}"
        )
    rows, columns = _grown(pair.rows, radius, height), _grown(pair.columns, radius, width)
    first, last = _inside(rows, radius, height)
    left, right = _inside(columns, radius, width)
    sums = sum_losses(
        _with_margin(pair.reference, rows, columns, radius),
        _with_margin(pair.result, rows, columns, radius),
        _hole(pair.mask, rows, columns),
        first,
        last,
        half,
        float(count),
        float(correction),
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
    """Return the part of a span, relative to its start, whose windows lie inside the image."""
    first = max(radius - span.start, 0)
    return first, max(min(span.stop, size - radius) - span.start, first)


def _with_margin(image: Image, rows: slice, columns: slice, radius: int) -> Bytes:
    """Return the box with a margin, mirrored beyond the border: uint8 (rows, 3 columns)."""
    padded = cv2.copyMakeBorder(image, radius, radius, radius, radius, cv2.BORDER_REFLECT)
    box = padded[rows.start : rows.stop + 2 * radius, columns.start : columns.stop + 2 * radius]
    return box.reshape(box.shape[0], -1)


def _hole(mask: Mask | None, rows: slice, columns: slice) -> Flags:
    """Return the mask inside the box, once for each channel: bool (rows, 3 columns)."""
    if mask is None:
        return np.zeros((rows.stop - rows.start, 3 * (columns.stop - columns.start)), np.bool_)
    return np.repeat(mask[rows, columns], 3, axis=1)


SSIM = Metric(
    name="ssim",
    label="SSIM",
    better="higher",
    definition="Gaussian window, sigma {sigma} px, population covariance, mean of RGB "
    "(Wang et al. 2004)",
    function=_ssim,
    options={"sigma": SIGMA},
    check=_check_sigma,
    across_resolutions=False,
)
SSIM_UNIFORM = Metric(
    name="ssim_uniform",
    label="SSIM (uniform)",
    better="higher",
    definition="uniform window, {window} x {window} px, sample covariance, mean of RGB "
    "(scikit-image's default)",
    function=_ssim_uniform,
    options={"window": WINDOW},
    check=_check_window,
    across_resolutions=False,
)
