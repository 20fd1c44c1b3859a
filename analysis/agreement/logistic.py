"""Pearson's correlation after a rising logistic fit, for many weightings of the same points.

Of all curves low + height / (1 + exp(-steepness (x - middle))) with a height above 0, the best fit
is the one whose values correlate most: correlations do not depend on low and height. Only steepness
and middle are searched, on a grid, by products of matrices.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from analysis.bradley_terry import Array

# Per standard deviation of the scores: from nearly a line to nearly a step.
_STEEPNESS = np.geomspace(0.1, 60, 18)
# Middles: quantiles of the scores, and distances beyond their ends in standard deviations.
_QUANTILES, _BEYOND = np.linspace(0.02, 0.98, 25), (0.5, 2.0)
_TINY = 1e-12


def correlations(metric: Array, people: Array, weights: Array) -> Array:
    """Return the correlation for each row of weights, (rows,); NaN if no rising curve fits.

    `metric` are scores, (N,); `people` the values to fit and `weights` those of points, (rows, N).
    """
    scale = float(metric.std())
    if not scale > 0:
        return np.full(len(people), np.nan)
    x = metric / scale
    ends = [x.min() - far for far in _BEYOND] + [x.max() + far for far in _BEYOND]
    middles = np.unique([*np.quantile(x, _QUANTILES), *ends])
    curves = expit(_STEEPNESS[:, None, None] * (x - middles[:, None])).reshape(-1, len(x))
    curves -= curves.mean(axis=1, keepdims=True)
    size = curves.std(axis=1, keepdims=True)
    curves = (curves / np.maximum(size, _TINY))[size[:, 0] > _TINY]
    total = weights.sum(axis=1, keepdims=True)
    people = people - (weights * people).sum(axis=1, keepdims=True) / total
    mean = weights @ curves.T / total
    spread = weights @ (curves**2).T / total - mean**2
    own = (weights * people**2).sum(axis=1, keepdims=True) / total
    shared = (weights * people) @ curves.T / total
    fitted = shared / np.sqrt(np.maximum(spread, _TINY) * np.maximum(own, _TINY))
    best = np.where(spread > _TINY, fitted, 0).max(axis=1)
    return np.where(best > _TINY, best, np.nan)
