"""Metrics on uint8 (H, W, 3) RGB images; docs/metrics.md states their definitions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from benchmark.metrics.blur import BLUR_EFFECT
from benchmark.metrics.feature_distance import (
    EFFICIENTNET,
    SQUEEZENET,
    efficientnet_distance,
    squeezenet_distance,
)
from benchmark.metrics.lpips_distance import LPIPS
from benchmark.metrics.metric import ImagePair, Metric, Scores, checked_pair
from benchmark.metrics.pixelwise import L1, PSNR, l1, psnr
from benchmark.metrics.ssim import SSIM, SSIM_UNIFORM, ssim, ssim_uniform
from methods.base import Image, Mask

__all__ = [
    "METRICS",
    "ImagePair",
    "Metric",
    "Scores",
    "check_options",
    "checked_pair",
    "efficientnet_distance",
    "l1",
    "psnr",
    "score",
    "squeezenet_distance",
    "ssim",
    "ssim_uniform",
]

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (L1, PSNR, SSIM, SSIM_UNIFORM, EFFICIENTNET, SQUEEZENET, LPIPS, BLUR_EFFECT)
}

Options = Mapping[str, Mapping[str, Any]]


def check_options(names: Iterable[str], options: Options | None = None) -> None:
    """Check that metrics exist and can be computed with these options (name -> option -> value).

    Raises ValueError, also for a metric whose package or weights are missing.
    """
    options = options or {}
    metrics = list(dict.fromkeys((*names, *options)))
    for name in metrics:
        if name not in METRICS:
            raise ValueError(f"unknown metric {name!r}; known: {', '.join(METRICS)}")
    for name in metrics:
        METRICS[name].check_options(options.get(name, {}))


def score(
    reference: Image,
    result: Image,
    mask: Mask | None,
    names: Iterable[str],
    options: Options | None = None,
    hole: bool = True,
) -> dict[str, float]:
    """Compute metrics over the whole image and over the hole.

    Parameters
    ----------
    reference, result
        uint8 (H, W, 3).
    mask
        bool (H, W), True = hole; None for the values over the whole image only.
    names
        Names of metrics, keys of `METRICS`.
    options
        Metric name -> option -> value.
    hole
        Whether to compute the values over the hole.

    Returns
    -------
    dict
        Values over the whole image by metric name, over the hole by ``<name>_hole``.

    Raises
    ------
    ValueError
        If `check_options` or a metric refuses its input.
    """
    names = list(names)
    check_options(names, options)
    pair = checked_pair(reference, result, mask if hole else None)
    scores: dict[str, float] = {}
    for name in names:
        over_whole, over_hole = METRICS[name].function(pair, **(options or {}).get(name, {}))
        scores[name] = over_whole
        if over_hole is not None:
            scores[f"{name}_hole"] = over_hole
    return scores
