"""Paired comparisons over images, with bootstrap intervals.

Images differ far more from each other than methods do, so an interval around a mean says little
about methods. Differences within each image do: every comparison here is paired.
"""

from __future__ import annotations

import csv
import io
import math
import warnings
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import numpy as np
from scipy import stats

from analysis.runs.run import Metric, Run
from methods.files import write_atomically

CONFIDENCE = 0.95
RESAMPLES = 9999
SEED = 0
FEWEST_IMAGES = 5
# Numbers drawn at a time. SciPy would draw all at once, images x images of them; the interval is
# the same, and so few stay in the processor's cache.
AT_A_TIME = 1 << 18


@dataclass(frozen=True)
class Difference:
    """Mean over images of (method at resolution) - (other at other_resolution), in the metric's
    unit; ci_low, ci_high: bootstrap interval of that mean, None where it cannot be had.
    outcome: "better", "worse" or "unclear" (the interval holds zero), of `method`."""

    metric: str
    method: str
    resolution: int
    other: str
    other_resolution: int
    difference: float
    ci_low: float | None
    ci_high: float | None
    images: int
    outcome: str


def to_best(run: Run) -> list[Difference]:
    """Every method against the best one by the mean, for each metric and resolution. Only methods
    with a finite score on every image take part; the best one itself is left out."""
    found = []
    for metric in run.metrics:
        for resolution in run.resolutions:
            scores = {
                method: values
                for method in run.methods
                if (values := _values(run, method, resolution, metric)) is not None
            }
            best = best_method(scores, metric)
            for method, values in scores.items():
                if method != best:
                    sides = (method, resolution), (best, resolution)
                    found.append(_compared(metric, *sides, values, scores[best]))
    return found


def across_resolutions(run: Run) -> list[Difference]:
    """Every method at the highest resolution against itself at the lowest: what resolution costs
    it (the headline of Moskalenko et al. 2020, section 4). Metrics whose values cannot be compared
    across resolutions are left out."""
    low, high = min(run.resolutions), max(run.resolutions)
    if low == high:
        return []
    found = []
    for metric in (metric for metric in run.metrics if metric.across_resolutions):
        for method in run.methods:
            before = _values(run, method, low, metric)
            after = _values(run, method, high, metric)
            if before is not None and after is not None:
                found.append(_compared(metric, (method, high), (method, low), after, before))
    return found


def best_method(scores: dict[str, np.ndarray], metric: Metric) -> str:
    """The method with the best mean; the first of equals. "" when there is none."""
    if not scores:
        return ""
    sign = 1 if metric.better == "higher" else -1
    return max(scores, key=lambda method: sign * math.fsum(scores[method]))


def interval(differences: Sequence[float]) -> tuple[float, float] | None:
    """95 % bootstrap interval of the mean of paired differences, always with the same seed. None
    for fewer than five images, from which no interval can be had that holds what it promises.

    Bias-corrected and accelerated (Efron 1987), widened for small samples as Student's interval
    is against the normal one (Hesterberg 2015, What Teachers Should Know About the Bootstrap:
    expanded percentile interval). docs/report.md gives its measured coverage."""
    values = np.asarray(differences, float)
    images = len(values)
    if images < FEWEST_IMAGES:
        return None
    if np.ptp(values) == 0:
        return float(values[0]), float(values[0])
    tail = (1 - CONFIDENCE) / 2
    widened = stats.norm.sf(stats.t.isf(tail, images - 1) * math.sqrt(images / (images - 1)))
    with warnings.catch_warnings():
        # SciPy warns where the interval degenerates; it then gives nan, which is handled below.
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)
        found = stats.bootstrap(
            (values,),
            np.mean,
            n_resamples=RESAMPLES,
            batch=max(1, AT_A_TIME // images),
            confidence_level=1 - 2 * widened,
            method="BCa",
            rng=np.random.default_rng(SEED),
        ).confidence_interval
    low, high = float(found.low), float(found.high)
    return (low, high) if math.isfinite(low) and math.isfinite(high) else None


def write(run: Run) -> tuple[list[Difference], list[Difference]]:
    """Write tables/differences.csv (to the best method) and tables/across_resolutions.csv; what is
    in each. Raises OSError."""
    best, across = to_best(run), across_resolutions(run)
    for path, found in zip(_files(run.path), (best, across), strict=True):
        write_atomically(path, _to_csv(found))
    return best, across


def are_written(run_folder: Path) -> bool:
    """Whether both tables are there."""
    return all(path.exists() for path in _files(run_folder))


def _files(run_folder: Path) -> tuple[Path, Path]:
    folder = run_folder / "tables"
    return folder / "differences.csv", folder / "across_resolutions.csv"


def _values(run: Run, method: str, resolution: int, metric: Metric) -> np.ndarray | None:
    """Scores by image, in the order of the dataset; None unless all are there and finite."""
    scores = {
        case.image: case.values.get(metric.key, math.nan)
        for case in run.cell(method, resolution)
        if case.status == "ok"
    }
    values = np.array([scores.get(image, math.nan) for image in run.images])
    return values if len(values) and np.isfinite(values).all() else None


def _compared(
    metric: Metric,
    side: tuple[str, int],
    other_side: tuple[str, int],
    values: np.ndarray,
    other_values: np.ndarray,
) -> Difference:
    differences = values - other_values
    found = interval(differences)
    return Difference(
        metric.key,
        *side,
        *other_side,
        difference=math.fsum(differences) / len(differences),
        ci_low=found[0] if found else None,
        ci_high=found[1] if found else None,
        images=len(differences),
        outcome=_outcome(found, metric),
    )


def _outcome(found: tuple[float, float] | None, metric: Metric) -> str:
    if found is None or found[0] <= 0 <= found[1]:
        return "unclear"
    return "better" if (found[0] > 0) == (metric.better == "higher") else "worse"


def _to_csv(differences: list[Difference]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(field.name for field in fields(Difference))
    for difference in differences:
        writer.writerow("" if value is None else value for value in astuple(difference))
    return text.getvalue()
