"""Paired comparisons over images, with bootstrap intervals.

Images differ far more from each other than methods do, so that an interval of a mean says little
about methods. Every comparison here is therefore between two results for the same image. Images
that are one photograph with several masks are not independent: photographs are resampled.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from analysis.output import to_csv
from analysis.runs.case import MOST_NAMED
from analysis.runs.hole_shares import ranges
from analysis.runs.metric_info import MetricInfo
from analysis.runs.run import Run
from analysis.runs.tables import Group
from methods.base import Resolution
from methods.files import write_atomically
from methods.resolutions import size_text

CONFIDENCE = 0.95
RESAMPLES = 9999
SEED = 0
FEWEST_PHOTOGRAPHS = 5
# Random numbers drawn at a time. SciPy would draw RESAMPLES x photographs at once; the interval is
# the same, and these fit the processor's cache.
_BATCH = 1 << 18

# Keyed by image, in the order of the run.
Scores = NDArray[np.float64]


class Difference(NamedTuple):
    """Mean over images of (method at resolution) - (other at other_resolution).

    A row of differences.csv and across_resolutions.csv, in the metric's unit.
    """

    metric: str
    method: str
    resolution: Resolution
    other: str
    other_resolution: Resolution
    difference: float
    # None if there is no interval.
    ci_low: float | None
    ci_high: float | None
    images: int
    # How `method` does: "better", "worse" or, if the interval contains zero, "unclear".
    outcome: str


def to_best(run: Run) -> list[Difference]:
    """Compare every method with the one with the best mean, by metric and resolution.

    Methods without a score on every image are left out; so are images that lack a finite score of
    any method, see `Run.not_finite`.
    """
    return [
        difference
        for metric in run.metrics
        for resolution in run.resolutions
        for difference in _to_best(run, metric, resolution, _compared(run, metric))
    ]


def why_none(run: Run) -> str:
    """Say why there are no differences: which methods lack a finite score, and on which images."""
    if not run.metrics:
        return "no metric of this run does without the original"
    if len(run.methods) < 2:
        return "the run has one method"
    lacking = [f"{method} lacks {gaps}" for method in run.methods if (gaps := _gaps(run, method))]
    return f"fewer than two methods have a finite score on every image ({'; '.join(lacking)})"


def _gaps(run: Run, method: str) -> str:
    """Return the images on which a method lacks a finite score of any metric, in words."""
    gaps = []
    for resolution in run.resolutions:
        scored = {
            case.image
            for case in run.cases_of(method, resolution)
            if case.status == "ok"
            and all(math.isfinite(case.values.get(metric.key, math.nan)) for metric in run.metrics)
        }
        images = [image for image in run.images if image not in scored]
        named = images[:MOST_NAMED]
        if len(images) > len(named):
            named.append(f"{len(images) - len(named)} more")
        which = ", ".join(named) if scored else "every image"
        if images:
            gaps.append(f"{which} at {size_text(resolution)}")
    return " and ".join(gaps)


def to_best_by_hole_share(run: Run) -> list[tuple[Group, Difference]]:
    """Compare every method with the best one on the images of each range of `hole_shares.ranges`.

    Methods without a score on every image of a range are left out there.
    """
    return [
        (group, difference)
        for group in ranges(run)
        for metric in run.metrics
        for difference in _to_best(
            run,
            metric,
            group.resolution,
            [image for image in _compared(run, metric) if image in group.images],
        )
    ]


def _to_best(
    run: Run, metric: MetricInfo, resolution: Resolution, images: Sequence[str]
) -> list[Difference]:
    """Compare every method with the one with the best mean over some images."""
    scores = {
        method: values
        for method in run.methods
        if (values := _scores(run, method, resolution, metric, images)) is not None
    }
    best = _best_method(scores, metric)
    return [
        _compare(
            run, metric, (method, resolution), (best, resolution), values, scores[best], images
        )
        for method, values in scores.items()
        if method != best
    ]


def across_resolutions(run: Run) -> list[Difference]:
    """Compare every method at the highest resolution with itself at the lowest.

    Metrics whose values cannot be compared across resolutions are left out. This is the headline
    of Moskalenko et al. 2020, section 4.
    """
    sizes = [size for size in run.resolutions if isinstance(size, int)]
    if len(sizes) < 2:
        return []
    low, high = min(sizes), max(sizes)
    return [
        _compare(run, metric, (method, high), (method, low), after, before, images)
        for metric in run.metrics
        if metric.across_resolutions
        for images in [_compared(run, metric)]
        for method in run.methods
        if (before := _scores(run, method, low, metric, images)) is not None
        and (after := _scores(run, method, high, metric, images)) is not None
    ]


def interval(
    differences: Sequence[float] | Scores, photographs: Sequence[int] | None = None
) -> tuple[float, float] | None:
    """Return the 95 % bootstrap interval of the mean of paired differences.

    Bias-corrected and accelerated, with a fixed seed, widened for small samples as Student's t
    interval is against the normal one. docs/report.md has its measured coverage.
    None for fewer than five photographs, too few for any interval to reach its nominal coverage.

    Parameters
    ----------
    differences
        One for each image.
    photographs
        The photograph of each image, as a number, if several masks share one. Whole photographs
        are resampled.

    References
    ----------
    Efron 1987 (BCa); Hesterberg 2015, What Teachers Should Know About the Bootstrap (expanded
    percentile interval).
    """
    values = np.asarray(differences, float)
    _, owners, images = np.unique(
        range(len(values)) if photographs is None else photographs,
        return_inverse=True,
        return_counts=True,
    )
    clusters = len(images)
    if clusters < FEWEST_PHOTOGRAPHS:
        return None
    if np.ptp(values) == 0:
        return float(values[0]), float(values[0])
    alone = clusters == len(values)
    tail = (1 - CONFIDENCE) / 2
    widened = stats.norm.sf(stats.t.isf(tail, clusters - 1) * math.sqrt(clusters / (clusters - 1)))
    with warnings.catch_warnings():
        # SciPy warns of a degenerate interval and returns nan, which is handled below.
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)
        limits = stats.bootstrap(
            (values,) if alone else (np.bincount(owners, values), images),
            np.mean if alone else _mean_of_images,
            n_resamples=RESAMPLES,
            batch=max(1, _BATCH // clusters),
            paired=not alone,
            confidence_level=1 - 2 * widened,
            method="BCa",
            rng=np.random.default_rng(SEED),
        ).confidence_interval
    low, high = float(limits.low), float(limits.high)
    return (low, high) if math.isfinite(low) and math.isfinite(high) else None


def _mean_of_images(sums: Scores, images: NDArray[np.int64], axis: int = -1) -> Scores:
    """Return the mean over images, given the sum and the number of those of each photograph."""
    return np.asarray(sums.sum(axis=axis) / images.sum(axis=axis))


def write(run: Run) -> tuple[list[Difference], list[Difference]]:
    """Write tables/differences.csv and tables/across_resolutions.csv; return their contents.

    If holes differ, write tables/differences_by_hole_share.csv, too.
    """
    best, across = to_best(run), across_resolutions(run)
    for path, differences in zip(_paths(run.path), (best, across), strict=True):
        write_atomically(path, to_csv(Difference._fields, differences))
    by_share = run.path / "tables" / "differences_by_hole_share.csv"
    rows = [(group.key, *difference) for group, difference in to_best_by_hole_share(run)]
    if rows:
        write_atomically(by_share, to_csv(["hole_share", *Difference._fields], rows))
    else:
        # Holes may have differed in an earlier run.
        by_share.unlink(missing_ok=True)
    return best, across


def are_written(run_folder: Path) -> bool:
    """Return whether both tables exist."""
    return all(path.exists() for path in _paths(run_folder))


def _paths(run_folder: Path) -> tuple[Path, Path]:
    folder = run_folder / "tables"
    return folder / "differences.csv", folder / "across_resolutions.csv"


def _scores(
    run: Run, method: str, resolution: Resolution, metric: MetricInfo, images: Sequence[str]
) -> Scores | None:
    """Return the scores in the order of the images; None unless all are there."""
    scores = {
        case.image: case.values.get(metric.key, math.nan)
        for case in run.cases_of(method, resolution)
        if case.status == "ok"
    }
    values = np.array([scores.get(image, math.nan) for image in images])
    return values if len(values) and np.isfinite(values).all() else None


def _compared(run: Run, metric: MetricInfo) -> list[str]:
    """Return the images with a finite score of every method."""
    left_out = run.not_finite(metric.key)
    return [image for image in run.images if image not in left_out]


def _best_method(scores: dict[str, Scores], metric: MetricInfo) -> str:
    """Return the first method with the best mean; "" if there is none."""
    sign = 1 if metric.better == "higher" else -1
    return max(scores, key=lambda method: sign * math.fsum(scores[method]), default="")


def _compare(
    run: Run,
    metric: MetricInfo,
    side: tuple[str, Resolution],
    other_side: tuple[str, Resolution],
    values: Scores,
    other_values: Scores,
    images: Sequence[str],
) -> Difference:
    """Compare the scores of two methods at two resolutions, image by image."""
    differences = values - other_values
    photographs = [run.photographs[image] for image in images]
    low, high = interval(differences, photographs) or (None, None)
    if low is None or high is None or low <= 0 <= high:
        outcome = "unclear"
    else:
        outcome = "better" if (low > 0) == (metric.better == "higher") else "worse"
    mean = math.fsum(differences) / len(differences)
    return Difference(metric.key, *side, *other_side, mean, low, high, len(differences), outcome)
