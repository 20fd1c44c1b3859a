"""How far scores of one metric agree with abilities and votes, in resamples of photographs."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import kendalltau, rankdata

from analysis.agreement import logistic
from analysis.bradley_terry import (
    MIN_CLUSTERS,
    Array,
    fit_resamples,
    from_wins,
    resample_clusters,
    small_samples,
)
from analysis.bradley_terry.counts import parts
from analysis.ranking import per_image

LEVEL = 0.95
# Relative differences of scores up to which they are equal but for rounding.
_ROUNDING = 1e-12


class PredictedVotes(NamedTuple):
    """Weights of the decided votes on each image, (images,): predicted by a metric, and all."""

    predicted: Array
    total: Array
    rows: int


class Resamples(NamedTuple):
    """How often each image was drawn, (resamples, images), and abilities on it (0 if not drawn);
    `photographs`: the photograph of each image, (images,), which is drawn with all its images."""

    times: NDArray[np.int64]
    people: Array
    photographs: NDArray[np.int64]


def resample_photographs(
    wins: Array, photographs: NDArray[np.int64], number: int, seed: int, prior: float
) -> Resamples:
    """Draw photographs, given the wins on each image, (images, K, K), and its photograph, 0, 1...

    In each resample the overall abilities are fitted too, and those on images are shrunk towards
    these: otherwise an ordering that arose by chance would be the same in every resample, and look
    like agreement on every image.
    """
    images, k = wins.shape[:2]
    on_photograph = np.zeros((photographs.max() + 1, k, k))
    np.add.at(on_photograph, photographs, wins)
    drawn, totals = resample_clusters(on_photograph, number, np.random.default_rng(seed))
    times = drawn[:, photographs]
    overall, _ = fit_resamples(from_wins(totals), prior=prior)
    people = np.zeros((number, images, k))
    for part in parts(number, images * k**2):
        resample, image = np.nonzero(times[part.start : part.stop])
        resample += part.start
        people[resample, image] = per_image.shrunk(wins[image], overall.abilities[resample])
    return Resamples(times, people, photographs)


def comparable(table: Array) -> NDArray[np.bool_]:
    """Return which results have a score, on images with at least two such results."""
    scored = np.isfinite(table)
    return np.asarray(scored & (scored.sum(axis=1, keepdims=True) >= 2))


def _centred(values: Array, mask: NDArray[np.bool_]) -> Array:
    """Subtract each image's mean over masked methods: (..., images, methods) to (..., results)."""
    number = np.maximum(mask.sum(axis=1, keepdims=True), 1)
    mean = np.where(mask, values, 0).sum(axis=-1, keepdims=True) / number
    return np.asarray((values - mean)[..., mask])


def intervals(table: Array, people: Array, votes: PredictedVotes, resamples: Resamples) -> Array:
    """Return Spearman, Kendall, Pearson and share predicted, each with its interval, (4, 3).

    table: scores; people: abilities, both (images, methods).
    """
    mask = comparable(table)
    scores = _centred(table, mask)
    scores[np.abs(scores) < _ROUNDING * np.abs(table[mask]).max(initial=0)] = 0
    image = np.nonzero(mask)[0]
    clusters = len(np.unique(resamples.photographs[image]))
    once = np.ones((1, len(table)), int)
    estimates = _measures(scores, _centred(people[None], mask), once, image, votes)[0]
    limits = np.full((2, 4), np.nan)
    if clusters >= MIN_CLUSTERS:
        resampled = _measures(
            scores, _centred(resamples.people, mask), resamples.times, image, votes
        )
        # Resamples in which the metric is constant have no correlation and are ignored.
        known = np.isfinite(resampled).any(axis=0)
        tails = small_samples.widened_tails(clusters, LEVEL)
        limits[:, known] = np.nanquantile(resampled[:, known], tails, axis=0)
    if not (limits[0, 0] > 0 or (clusters < MIN_CLUSTERS and estimates[0] > 0)):
        # A rising curve through noise correlates above 0 in every resample.
        estimates[2] = limits[0, 2] = limits[1, 2] = np.nan
    return np.column_stack([estimates, *limits])


def _measures(
    scores: Array,
    people: Array,
    times: NDArray[np.int64],
    image: NDArray[np.intp],
    votes: PredictedVotes,
) -> Array:
    """Return Spearman, Kendall, Pearson and the share of votes predicted, (resamples, 4)."""
    weights = times[:, image]
    ranked = np.full((len(times), 2), np.nan)
    for i, (own, often) in enumerate(zip(people, weights, strict=True)):
        x, y = np.repeat(scores, often), np.repeat(own, often)
        if len(x) and np.ptp(x) > 0 and np.ptp(y) > 0:
            ranks = np.corrcoef(rankdata(x), rankdata(y))[0, 1]
            ranked[i] = ranks, float(kendalltau(x, y).statistic)
    pearson = np.full(len(times), np.nan)
    some = weights.any(axis=1)
    pearson[some] = logistic.correlations(scores, people[some], weights[some].astype(float))
    total = times @ votes.total
    share = np.full(len(times), np.nan)
    np.divide(times @ votes.predicted, total, out=share, where=total > 0)
    return np.column_stack([ranked, pearson, share])
