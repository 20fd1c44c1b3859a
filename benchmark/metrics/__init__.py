"""Metrics on uint8 (H, W, 3) RGB images; docs/metrics.md states their definitions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from benchmark.metrics.feature_distance import efficientnet_distance, squeezenet_distance
from benchmark.metrics.metric import ImagePair, Metric, Scores, checked_pair
from benchmark.metrics.names import METRICS, find
from benchmark.metrics.pixelwise import l1, psnr
from benchmark.metrics.ssim import ssim, ssim_uniform
from methods.base import Image, Mask

__all__ = [
    "METRICS",
    "ImagePair",
    "Metric",
    "Scores",
    "check_options",
    "checked_pair",
    "efficientnet_distance",
    "find",
    "identity",
    "l1",
    "missing",
    "psnr",
    "score",
    "score_what_works",
    "squeezenet_distance",
    "ssim",
    "ssim_uniform",
]

Options = Mapping[str, Mapping[str, Any]]
# For messages.
_EXAMPLE = {"ssim": {"sigma": 2.0}}


def check_options(names: Iterable[str], options: Options | None = None) -> None:
    """Check that metrics exist and take these options.

    Parameters
    ----------
    names
        Names of metrics, as a protocol has them.
    options
        Metric name -> option -> value.

    Raises
    ------
    ValueError
        For an unknown metric or option, or an unusable value. A metric whose package or weights
        are missing is no error, see `missing`.
    """
    options = {} if options is None else options
    if not isinstance(options, Mapping):
        raise ValueError(f"options of metrics: {_EXAMPLE} is their form, not {options!r}")
    metrics = {metric.name: metric for metric in map(find, (*names, *options))}
    for name, metric in metrics.items():
        metric.check_options(options.get(name, {}))


def missing(names: Iterable[str], options: Options | None = None) -> dict[str, str]:
    """Return the metrics that cannot be computed here.

    Parameters
    ----------
    names, options
        As of `check_options`.

    Returns
    -------
    dict
        Metric name -> what to install or fetch.
    """
    found = {name: find(name).missing(**(options or {}).get(name, {})) for name in names}
    return {name: advice for name, advice in found.items() if advice}


def identity(names: Iterable[str], options: Options | None = None) -> dict[str, Any]:
    """Return what scores depend on besides names and options.

    Parameters
    ----------
    names, options
        As of `check_options`.

    Returns
    -------
    dict
        Plain values for JSON: versions other than 1, and which metrics are missing.
    """
    names = sorted(names)
    versions = {name: find(name).version for name in names if find(name).version != 1}
    parts = {"versions": versions, "missing": sorted(missing(names, options))}
    return {name: part for name, part in parts.items() if part}


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
        Names of metrics, as a protocol has them.
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
        If `check_options` or a metric refuses its input, or a metric is missing here.
    """
    names = list(names)
    check_options(names, options)
    for name, advice in missing(names, options).items():
        raise ValueError(f"metric {name} cannot be computed here: {advice}")
    pair = checked_pair(reference, result, mask if hole else None)
    scores: dict[str, float] = {}
    for name in names:
        scores |= _columns(name, find(name).compute(pair, (options or {}).get(name)))
    return scores


def score_what_works(
    reference: Image,
    result: Image,
    mask: Mask,
    names: Iterable[str],
    options: Options | None = None,
) -> tuple[dict[str, float], dict[str, str]]:
    """Compute metrics as `score` does; one that fails has no value, and the others have theirs.

    Parameters
    ----------
    reference, result, mask, names, options
        As of `score`.

    Returns
    -------
    scores
        As of `score`; NaN where a metric has failed, nothing where it is missing here.
    problems
        Metric name -> why it has failed.
    """
    options = options or {}
    names = list(names)
    left_out = missing(names, options)
    pair = checked_pair(reference, result, mask)
    scores: dict[str, float] = {}
    problems: dict[str, str] = {}
    for name in [name for name in names if name not in left_out]:
        try:
            scores |= _columns(name, find(name).compute(pair, options.get(name)))
        except Exception as error:
            scores |= _columns(name, Scores(math.nan, math.nan))
            problems[name] = str(error) or type(error).__name__
    return scores, problems


def _columns(name: str, found: Scores) -> dict[str, float]:
    """Return the values of a metric by their columns of scores.csv."""
    hole = {} if found.hole is None else {f"{name}_hole": found.hole}
    return {name: found.whole, **hole}
