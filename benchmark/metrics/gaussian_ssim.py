"""SSIM with the Gaussian window of Wang et al. 2004."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmark.metrics.metric import Metric, Scores
from benchmark.metrics.pair import Pair, checked_pair
from benchmark.metrics.ssim_kernels import gaussian_losses
from benchmark.metrics.ssim_means import ssim_means
from methods.base import Image, Mask

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
    _check(sigma)
    radius = int(3.5 * sigma + 0.5)
    half = np.exp(-0.5 * (np.arange(radius + 1) / sigma) ** 2)
    half[0] /= 2
    half /= 2 * half.sum()
    return ssim_means(pair, radius, gaussian_losses, half)


def _check(sigma: Any = SIGMA) -> None:
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
    check=_check,
    across_resolutions=False,
)
