"""Intervals and tests from few participants, images or votes.

The bootstrap of n clusters underestimates the standard error by sqrt((n - 1) / n) and ignores the
uncertainty of that estimate; Student's t corrects both. From fewer than five clusters no interval
reaches its nominal coverage, so none is given.

References
----------
Student, The Probable Error of a Mean, Biometrika 6 (1), 1908.
T. C. Hesterberg, What Teachers Should Know About the Bootstrap: Resampling in the Undergraduate
Statistics Curriculum, The American Statistician 69 (4), 2015.
S. Holm, A Simple Sequentially Rejective Multiple Test Procedure, Scandinavian Journal of Statistics
6 (2), 1979. (`holm`)
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.special import ndtr, ndtri, stdtr, stdtrit

from analysis.bradley_terry.counts import Array

# Fewest clusters for inference, and fewest without a warning.
MIN_CLUSTERS, _ENOUGH_CLUSTERS = 5, 20
# Smaller standard deviations of log-odds are rounding: all clusters voted alike, which does not
# show how others would vote.
_NO_SPREAD = 1e-6
# Least share of resamples in which a parameter must be estimable.
_LEAST_ESTIMABLE = 0.95


def _widening(clusters: int, level: float) -> float:
    """Student's quantile over the normal one, times the missing factor of the standard error."""
    tail = (1 - level) / 2
    student = float(stdtrit(clusters - 1, tail) / ndtri(tail))
    return student * math.sqrt(clusters / (clusters - 1))


def widened(resampled: Array, estimate: Array, clusters: int, level: float) -> Array:
    """Move estimates from resamples away from that of all votes: their percentiles become limits.

    Shapes are (resamples, ...) and (...). Values are NaN for fewer than `MIN_CLUSTERS` clusters.
    """
    if clusters < MIN_CLUSTERS:
        return np.full_like(resampled, np.nan)
    return estimate + _widening(clusters, level) * (resampled - estimate)


def widened_tails(clusters: int, level: float) -> tuple[float, float]:
    """Return quantiles (0 to 1) to use instead of `widened` for bounded values."""
    tail = float(ndtr(ndtri((1 - level) / 2) * _widening(clusters, level)))
    return tail, 1 - tail


def std_errors(resampled: Array, clusters: int) -> Array:
    """Return standard errors along the first axis; NaN for few clusters, or if all values agree."""
    if clusters < MIN_CLUSTERS:
        return np.full(resampled.shape[1:], np.nan)
    errors = resampled.std(axis=0, ddof=1) * math.sqrt(clusters / (clusters - 1))
    return np.where(errors > _NO_SPREAD, errors, np.nan)


def interval(resampled: Array, estimate: float, clusters: int, level: float) -> Array:
    """Return the limits of a parameter's interval, (2,), from its estimates in resamples.

    NaN for few clusters, if all resamples agree, or if many of them (NaN) do not determine it: the
    others would understate the error. `estimate` is from all votes, `level` the nominal coverage.
    """
    known = resampled[np.isfinite(resampled)]
    few = len(known) < max(2, _LEAST_ESTIMABLE * len(resampled))
    if few or not np.isfinite(std_errors(known, clusters)):
        return np.full(2, np.nan)
    wide = widened(known, np.asarray(estimate), clusters, level)
    return np.quantile(wide, [(1 - level) / 2, (1 + level) / 2])


def standard_error(limits: Array, clusters: int, level: float) -> float:
    """Return half the length of an interval in units of Student's quantile.

    Unlike the standard deviation of resamples, it does not depend on the few farthest of them.
    """
    return float(limits[1] - limits[0]) / 2 / _student(clusters, level)


def p_value(estimate: float, limits: Array, clusters: int, level: float) -> float:
    """Return the two-sided p-value of a test against 0; NaN if there is no interval.

    It is that of a t-test whose standard error is the distance of the estimate from the interval's
    limit on the side of 0, in units of Student's quantile. So p is below 1 - `level` if and only if
    the interval leaves 0 out.
    """
    error = abs(estimate - float(limits[0 if estimate > 0 else 1])) / _student(clusters, level)
    return float(2 * stdtr(clusters - 1, -abs(estimate) / error)) if error > 0 else math.nan


def _student(clusters: int, level: float) -> float:
    return float(stdtrit(clusters - 1, (1 + level) / 2)) if clusters > 1 else math.nan


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values for multiple tests by Holm's method; NaN stays NaN and is not counted."""
    adjusted = np.array(p_values, float)
    known = np.flatnonzero(np.isfinite(adjusted))
    ascending = known[np.argsort(adjusted[known], kind="stable")]
    factors = len(ascending) - np.arange(len(ascending))
    adjusted[ascending] = np.minimum(np.maximum.accumulate(adjusted[ascending] * factors), 1)
    return [float(p) for p in adjusted]


def warnings(clusters: int, unit: str, alike: bool = False) -> list[str]:
    """Return what readers must know about a small number of clusters, named `unit`, or about
    resamples that are all alike."""
    if alike and clusters >= MIN_CLUSTERS:
        return [
            f"Warning: all resamples of {unit}s agree, which does not show how others would vote: "
            "no intervals, rank intervals, tests or groups are given"
        ]
    if clusters >= _ENOUGH_CLUSTERS:
        return []
    few = f"Warning: only {clusters} {unit}{'' if clusters == 1 else 's'}"
    if clusters < MIN_CLUSTERS:
        return [
            f"{few}: under {MIN_CLUSTERS} no intervals, rank intervals, tests or groups are given"
        ]
    return [f"{few}: intervals may be too narrow"]
