"""SSIM with the Gaussian window of Wang et al. 2004."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmark.metrics.metric import Metric, Scores
from benchmark.metrics.pair import Pair, checked_pair
from benchmark.metrics.ssim_kernels import Bytes, Flags, Values, gaussian_losses, uniform_losses
from methods.base import Image, Mask

C1 = (0.01 * 255) ** 2
C2 = (0.03 * 255) ** 2

WINDOW = 7

SIGMA = 1.5


def ssim(reference: Image, result: Image, mask: Mask | None = None, sigma: float = SIGMA) -> float:
    """Mean SSIM, at most 1: Gaussian window, population covariance; over the hole with `mask`.

    reference, result: uint8 (H, W, 3); mask: bool (H, W), True = hole; sigma: pixels, below
    100, the window's radius is int(3.5 sigma + 0.5). Raises ValueError.

    Equals scikit-image's structural_similarity(channel_axis=2, data_range=255,
    gaussian_weights=True, sigma=sigma, use_sample_covariance=False); over the hole the mean of
    its map (full=True) at the hole's pixels."""
    whole, hole = _ssim(checked_pair(reference, result, mask), sigma)
    return whole if hole is None else hole


def _ssim(pair: Pair, sigma: float = SIGMA) -> Scores:
    _check_sigma(sigma)
    radius = int(3.5 * sigma + 0.5)
    half = np.exp(-0.5 * (np.arange(radius + 1) / sigma) ** 2)
    half[0] /= 2
    half /= 2 * half.sum()
    return ssim_means(pair, radius, gaussian_losses, half)


def _check_sigma(sigma: Any = SIGMA) -> None:
    number = isinstance(sigma, int | float) and not isinstance(sigma, bool)
    if not number or not 0 < sigma < 100:
        raise ValueError(f"metric ssim: sigma must be a number between 0 and 100 px, is {sigma!r}")


SSIM = Metric(
    name="ssim",
    label="SSIM",
    unit="",
    better="higher",
    decimals=3,
    definition="Gaussian window, sigma {sigma} px, population covariance, mean of RGB "
    "(Wang et al. 2004)",
    function=_ssim,
    options={"sigma": SIGMA},
    check=_check_sigma,
    across_resolutions=False,
)


def ssim_uniform(
    reference: Image, result: Image, mask: Mask | None = None, window: int = WINDOW
) -> float:
    """Mean SSIM, at most 1: uniform window, sample covariance; over the hole with `mask`.

    reference, result: uint8 (H, W, 3); mask: bool (H, W), True = hole; window: side in pixels,
    odd, 3 or more. Raises ValueError.

    Equals scikit-image's structural_similarity(channel_axis=2, data_range=255,
    win_size=window); over the hole the mean of its map (full=True) at the hole's pixels."""
    whole, hole = _ssim_uniform(checked_pair(reference, result, mask), window)
    return whole if hole is None else hole


def _ssim_uniform(pair: Pair, window: int = WINDOW) -> Scores:
    _check_window(window)
    return ssim_means(pair, window // 2, uniform_losses, window)


def _check_window(window: Any = WINDOW) -> None:
    if type(window) is not int or window < 3 or window % 2 == 0:
        raise ValueError(
            f"metric ssim_uniform: window must be an odd number of pixels from 3 up, is {window!r}"
        )


SSIM_UNIFORM = Metric(
    name="ssim_uniform",
    label="SSIM (uniform)",
    unit="",
    better="higher",
    decimals=3,
    definition="uniform window, {window} x {window} px, sample covariance, mean of RGB "
    "(scikit-image's default)",
    function=_ssim_uniform,
    options={"window": WINDOW},
    check=_check_window,
    across_resolutions=False,
)


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
