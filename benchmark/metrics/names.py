"""Metrics by name: built-in ones, those of pyiqa, and your own."""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points

from benchmark.metrics.blur import BLUR_EFFECT
from benchmark.metrics.feature_distance import EFFICIENTNET, SQUEEZENET
from benchmark.metrics.lpips_distance import LPIPS
from benchmark.metrics.metric import Metric
from benchmark.metrics.own import imported
from benchmark.metrics.pixelwise import L1, PSNR
from benchmark.metrics.pyiqa_metrics import DISTS, PREFIX, pyiqa_metric
from benchmark.metrics.ssim import SSIM, SSIM_UNIFORM
from methods.errors import closest

ENTRY_POINTS = "inpainting_suite.metrics"

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        L1,
        PSNR,
        SSIM,
        SSIM_UNIFORM,
        EFFICIENTNET,
        SQUEEZENET,
        LPIPS,
        DISTS,
        BLUR_EFFECT,
    )
}


def find(name: str) -> Metric:
    """Return a metric.

    Parameters
    ----------
    name
        Of one of `METRICS`, "pyiqa:NAME", the name that an installed package announces for one, or
        "module:NAME" of your own.

    Returns
    -------
    Metric
        Its package or weights may be missing, see `missing`.

    Raises
    ------
    ValueError
        If there is none, or its declaration cannot be used.
    """
    if not isinstance(name, str):
        raise ValueError(f"the name of a metric is text, not {name!r}")
    return METRICS.get(name) or _found_elsewhere(name)


@cache
def _found_elsewhere(name: str) -> Metric:
    if name.startswith(PREFIX):
        return pyiqa_metric(name)
    announced = {entry.name: entry.value for entry in entry_points(group=ENTRY_POINTS)}
    if ":" in announced.get(name, name):
        return imported(name, announced.get(name, name))
    known = [*METRICS, *announced]
    match = closest(name, known)
    hint = f"did you mean {match!r}? " if match else ""
    raise ValueError(
        f"unknown metric {name!r}: {hint}known: {', '.join(known)}, {PREFIX}NAME, "
        "or module:NAME of your own"
    )
