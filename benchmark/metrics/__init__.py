"""Metrics on uint8 (H, W, 3) RGB images, and the registry that protocols choose from.

docs/metrics.md states each definition with its measured agreement with scikit-image.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from benchmark.metrics.pixelwise import l1, psnr
from benchmark.metrics.ssim import (
    check_sigma,
    check_window,
    ssim,
    ssim_both,
    ssim_uniform,
    ssim_uniform_both,
)
from methods.base import Image, Mask

__all__ = ["METRICS", "Metric", "check_options", "l1", "psnr", "score", "ssim", "ssim_uniform"]


@dataclass(frozen=True)
class Metric:
    """A metric as tables show it and protocols name it.

    both: (reference, result, mask, **options) -> (value over the whole image, over the hole).
    check: raises ValueError for values of the options that make no sense."""

    label: str
    unit: str
    better: str
    decimals: int
    definition: str
    both: Callable[..., tuple[float, float]]
    check: Callable[..., None] | None = None

    @property
    def options(self) -> dict[str, Any]:
        """Option -> default."""
        parameters = inspect.signature(self.both).parameters.values()
        return {item.name: item.default for item in parameters if item.default is not item.empty}

    def describe(self) -> dict[str, Any]:
        """What belongs beside a number in a file: all but the function."""
        names = ("label", "unit", "better", "decimals", "definition")
        return {name: getattr(self, name) for name in names}


def _l1_both(reference: Image, result: Image, mask: Mask) -> tuple[float, float]:
    return l1(reference, result), l1(reference, result, mask)


def _psnr_both(reference: Image, result: Image, mask: Mask) -> tuple[float, float]:
    return psnr(reference, result), psnr(reference, result, mask)


METRICS: dict[str, Metric] = {
    "l1": Metric("L1", "", "lower", 3, "mean absolute difference, 0-255, over RGB", _l1_both),
    "psnr": Metric(
        "PSNR", "dB", "higher", 3, "peak 255, mean square over RGB, per image", _psnr_both
    ),
    "ssim": Metric(
        "SSIM",
        "",
        "higher",
        3,
        "Gaussian window, sigma 1.5, population covariance, mean of RGB (Wang et al. 2004)",
        ssim_both,
        check_sigma,
    ),
    "ssim_uniform": Metric(
        "SSIM 7x7",
        "",
        "higher",
        3,
        "uniform 7x7 window, sample covariance, mean of RGB (scikit-image's default)",
        ssim_uniform_both,
        check_window,
    ),
}


def check_options(names: Iterable[str], options: Mapping[str, Mapping[str, Any]]) -> None:
    """Raise ValueError, naming the valid ones, for an unknown metric or option or a bad value."""
    for name in (*names, *options):
        if name not in METRICS:
            raise ValueError(f"unknown metric {name!r}; known: {', '.join(METRICS)}")
    for name, given in options.items():
        valid = METRICS[name].options
        for key, value in given.items():
            if key not in valid:
                known = f"valid: {', '.join(valid)}" if valid else "it has none"
                raise ValueError(f"metric {name} has no option {key!r}; {known}")
            if isinstance(value, bool) or not isinstance(value, int | type(valid[key])):
                kind = type(valid[key]).__name__
                raise ValueError(f"metric {name}: {key} must be a number ({kind}), is {value!r}")
        check = METRICS[name].check
        if check and given:
            check(**given)


def score(
    reference: Image,
    result: Image,
    mask: Mask,
    names: Iterable[str],
    options: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, float]:
    """Every metric over the whole image under its name and over the hole under `<name>_hole`.

    reference, result: uint8 (H, W, 3); mask: bool (H, W), True = hole; options: metric -> its
    options. Raises ValueError."""
    scores: dict[str, float] = {}
    for name in names:
        given = (options or {}).get(name, {})
        scores[name], scores[f"{name}_hole"] = METRICS[name].both(reference, result, mask, **given)
    return scores
