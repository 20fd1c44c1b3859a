"""Metrics on uint8 (H, W, 3) RGB images, and the registry that protocols choose from.

docs/metrics.md states each definition and its measured agreement with scikit-image.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from benchmark.metrics.feature_distance import (
    EFFICIENTNET,
    SQUEEZENET,
    efficientnet_distance,
    squeezenet_distance,
)
from benchmark.metrics.lpips_distance import LPIPS
from benchmark.metrics.metric import Metric, Scores
from benchmark.metrics.pair import Pair, checked_pair
from benchmark.metrics.pixelwise import L1, PSNR, l1, psnr
from benchmark.metrics.ssim import SSIM, SSIM_UNIFORM, ssim, ssim_uniform
from methods.base import Image, Mask

__all__ = [
    "METRICS",
    "Metric",
    "Pair",
    "Scores",
    "check_options",
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
    for metric in (L1, PSNR, SSIM, SSIM_UNIFORM, EFFICIENTNET, SQUEEZENET, LPIPS)
}

Options = Mapping[str, Mapping[str, Any]]


def check_options(names: Iterable[str], options: Options | None = None) -> None:
    """Raise ValueError, naming the valid ones, for an unknown metric or option or a bad value, and
    for a metric that cannot be computed here.

    names: the metrics to score; options: metric -> option -> value."""
    given = options or {}
    for name in (*names, *given):
        if name not in METRICS:
            raise ValueError(f"unknown metric {name!r}; known: {', '.join(METRICS)}")
    for name in dict.fromkeys((*names, *given)):
        METRICS[name].check_options(given.get(name, {}))


def score(
    reference: Image,
    result: Image,
    mask: Mask,
    names: Iterable[str],
    options: Options | None = None,
    hole: bool = True,
) -> dict[str, float]:
    """Every metric over the whole image under its name and, unless `hole` is False, over the
    hole under `<name>_hole`.

    reference, result: uint8 (H, W, 3); mask: bool (H, W), True = hole; options: metric -> option
    -> value. Raises ValueError."""
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
