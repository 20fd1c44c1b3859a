"""Pearson's correlation after a rising logistic fit, for many weightings of the same points.

The best curve low + height / (1 + exp(-steep (x - middle))) with a height above 0 is the one whose
values correlate most: correlations know neither low nor height. So two numbers are searched, over a
grid, which takes products of matrices only.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from analysis.bradley_terry.fit import Array

# Over the scores' standard deviation: from nearly straight to nearly a step.
STEEP = np.geomspace(0.1, 60, 18)
# Shares of scores under the middle of the curve, and middles beyond the scores, in deviations.
SHARES, BEYOND = np.linspace(0.02, 0.98, 25), (0.5, 2.0)
NOTHING = 1e-12


def correlations(metric: Array, people: Array, weights: Array) -> Array:
    """(draws): NaN where no rising curve fits. metric: (N,); people, weights: (draws, N)."""
    scale = float(metric.std())
    if not scale > 0:
        return np.full(len(people), np.nan)
    x = metric / scale
    ends = [x.min() - far for far in BEYOND] + [x.max() + far for far in BEYOND]
    middles = np.unique([*np.quantile(x, SHARES), *ends])
    curves = expit(STEEP[:, None, None] * (x - middles[:, None])).reshape(-1, len(x))
    curves -= curves.mean(axis=1, keepdims=True)
    size = curves.std(axis=1, keepdims=True)
    curves = (curves / np.maximum(size, NOTHING))[size[:, 0] > NOTHING]
    total = weights.sum(axis=1, keepdims=True)
    people = people - (weights * people).sum(axis=1, keepdims=True) / total
    mean = weights @ curves.T / total
    spread = weights @ (curves**2).T / total - mean**2
    own = (weights * people**2).sum(axis=1, keepdims=True) / total
    shared = (weights * people) @ curves.T / total
    found = shared / np.sqrt(np.maximum(spread, NOTHING) * np.maximum(own, NOTHING))
    best = np.where(spread > NOTHING, found, 0).max(axis=1)
    return np.where(best > NOTHING, best, np.nan)
