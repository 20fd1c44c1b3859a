"""SSIM with a uniform window, as scikit-image computes it unless told otherwise."""

from __future__ import annotations

from typing import Any

from benchmark.metrics.metric import Metric, Scores
from benchmark.metrics.pair import Pair, checked_pair
from benchmark.metrics.ssim_kernels import uniform_losses
from benchmark.metrics.ssim_means import ssim_means
from methods.base import Image, Mask

WINDOW = 7


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
    _check(window)
    return ssim_means(pair, window // 2, uniform_losses, window)


def _check(window: Any = WINDOW) -> None:
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
    check=_check,
    across_resolutions=False,
)
