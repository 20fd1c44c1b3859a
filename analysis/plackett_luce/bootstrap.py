"""Bootstrap of fits, in which whole clusters of votes are drawn with replacement."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from analysis.bradley_terry import WEAK_PRIOR, Array, Fit, Resamples, has_estimate
from analysis.bradley_terry.bootstrap import fit_where_bounded
from analysis.bradley_terry.counts import parts
from analysis.plackett_luce.choices import Choices, OrderArrays
from analysis.plackett_luce.fit import fit_many


def bootstrap(votes: OrderArrays, resamples: int, seed: int, prior: float) -> Resamples:
    """Draw the clusters of votes with replacement and fit each resample by `fit_resamples`."""
    clusters, share, counts = _drawn_from(votes)
    weak = np.array([prior or WEAK_PRIOR])
    start = fit_many(votes.choices, votes.counts()[None], prior=weak).abilities[0]
    fits = [
        fit_resamples(votes.choices, drawn, prior=prior, start=start)
        for drawn in _resampled(clusters, share, counts, resamples, np.random.default_rng(seed))
    ]
    return Resamples.of(fits, clusters)


def fit_resamples(
    choices: Choices, counts: Array, *, prior: float, start: Array
) -> tuple[Fit, NDArray[np.bool_]]:
    """Fit resamples (n, D); also return which of them have a finite estimate.

    With prior 0, resamples without a finite estimate are fitted with `WEAK_PRIOR`.
    """
    fit = partial(fit_many, choices, counts, start=start)
    if prior:
        return fit(prior=np.full(len(counts), prior)), np.ones(len(counts), bool)
    return fit_where_bounded(fit, has_estimate(choices.implied(counts), ties=False))


def _drawn_from(votes: OrderArrays) -> tuple[int, Array, csr_array]:
    """Return how many units are drawn, the share of each kind, and the choices of one, (., D)."""
    if votes.cluster is None and votes.whole_weights:
        # A vote of weight 700 is 700 votes, each of which is drawn independently.
        return int(votes.weight.sum()), votes.votes / votes.votes.sum(), votes.made
    counts = votes.by_cluster()
    clusters = counts.shape[0]
    return clusters, np.full(clusters, 1 / clusters), counts


def _resampled(
    number: int, share: Array, counts: csr_array, resamples: int, rng: np.random.Generator
) -> Iterator[Array]:
    """Yield the counts of resamples, some at a time, (resamples, D)."""
    for part in parts(resamples, max(counts.shape)):
        times = rng.multinomial(number, share, size=len(part)).astype(float)
        yield np.asarray((counts.T @ times.T).T)
