"""What few people, images or votes allow: wider intervals, Student's t, or no inference at all.

The bootstrap of n clusters spreads by sqrt((n - 1) / n) too little and knows nothing of the doubt
about that spread. Both are mended as Student's interval mends the normal one (T. C. Hesterberg,
What Teachers Should Know About the Bootstrap, The American Statistician 2015).
"""

from __future__ import annotations

import math

import numpy as np
from scipy.stats import norm, t

from analysis.bradley_terry.fit import Array

# Clusters under which no interval holds what it promises, and under which readers are warned.
FEWEST, FEW = 5, 20
# A spread of log-odds under this is rounding: all clusters voted alike, which says nothing about
# how others would.
NO_SPREAD = 1e-6
# Share of draws in which a parameter must be.
MOST_THERE = 0.95


def _factor(clusters: int, level: float) -> float:
    """Student's limit over the normal one, and the spread that the bootstrap misses."""
    tail = (1 - level) / 2
    student = float(t.isf(tail, clusters - 1) / norm.isf(tail))
    return student * math.sqrt(clusters / (clusters - 1))


def widened(drawn: Array, middle: Array, clusters: int, level: float) -> Array:
    """Draws as far from the estimate as their percentiles must be."""
    if clusters < FEWEST:
        return np.full_like(drawn, np.nan)
    return middle + _factor(clusters, level) * (drawn - middle)


def tails(clusters: int, level: float) -> tuple[float, float]:
    """Percentiles (0 to 1) to take instead, for what has bounds that widening would cross."""
    tail = float(norm.sf(norm.isf((1 - level) / 2) * _factor(clusters, level)))
    return tail, 1 - tail


def errors(drawn: Array, clusters: int) -> Array:
    """Standard errors from draws along the first axis, NaN where there is nothing to tell."""
    if clusters < FEWEST:
        return np.full(drawn.shape[1:], np.nan)
    found = drawn.std(axis=0, ddof=1) * math.sqrt(clusters / (clusters - 1))
    return np.where(found > NO_SPREAD, found, np.nan)


def effect_error(drawn: Array, clusters: int) -> float:
    """Standard error of a parameter that some draws may lack (NaN), such as that of ties where none
    was drawn; NaN where these are so many that the others would understate it."""
    there = drawn[np.isfinite(drawn)]
    if len(there) < MOST_THERE * len(drawn) or len(there) < 2:
        return math.nan
    return float(errors(there, clusters))


def p_value(estimate: float, error: float, clusters: int) -> float:
    """Two-sided; NaN without an error."""
    return float(2 * t.sf(abs(estimate) / error, clusters - 1)) if error > 0 else math.nan


def holm(p_values: list[float]) -> list[float]:
    """Adjusted for all that are known; the others stay NaN."""
    found = np.array(p_values, float)
    known = np.flatnonzero(np.isfinite(found))
    rising = known[np.argsort(found[known], kind="stable")]
    times = len(rising) - np.arange(len(rising))
    found[rising] = np.minimum(np.maximum.accumulate(found[rising] * times), 1)
    return [float(p) for p in found]


def warnings(clusters: int, unit: str) -> list[str]:
    """What readers must know about so many clusters."""
    if clusters >= FEW:
        return []
    few = f"Warning: only {clusters} {unit}{'' if clusters == 1 else 's'}"
    if clusters < FEWEST:
        return [f"{few}: under {FEWEST} no intervals, rank intervals, tests or groups are given"]
    return [f"{few}: intervals may be too narrow"]
