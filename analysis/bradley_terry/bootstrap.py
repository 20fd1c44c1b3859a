"""Bootstrap of fits, in which whole clusters of votes are drawn with replacement.

Votes of one participant are not independent, so that intervals from single votes are too narrow.

References
----------
A. C. Davison, D. V. Hinkley, Bootstrap Methods and their Application, Cambridge University Press,
1997, section 3.8.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.bradley_terry.counts import Array, Counts, VoteArrays, parts, tables_of
from analysis.bradley_terry.existence import has_estimate
from analysis.bradley_terry.fit import Fit, fit_many

# Prior (see `fit`) of resamples that have no finite estimate.
WEAK_PRIOR = 0.1
# Random numbers to generate at once.
_RANDOM_NUMBERS = 1_000_000


class Resamples(NamedTuple):
    """Estimates from resampled votes."""

    abilities: Array  # (resamples, K), each with mean zero
    # Estimates of log t and g as in `Fit`, (resamples,).
    tie: Array
    order: Array
    unbounded: int  # resamples without a finite estimate, which were fitted with `WEAK_PRIOR`
    clusters: int  # drawn in each resample

    @classmethod
    def of(cls, fits: Sequence[tuple[Fit, NDArray[np.bool_]]], clusters: int) -> Resamples:
        """Join what `fit_resamples` returned for parts of the resamples."""
        return cls(
            np.concatenate([fit.abilities for fit, _ in fits]),
            np.concatenate([fit.tie for fit, _ in fits]),
            np.concatenate([fit.order for fit, _ in fits]),
            sum(int((~bounded).sum()) for _, bounded in fits),
            clusters,
        )


def bootstrap(
    votes: VoteArrays, resamples: int, seed: int, *, ties: bool, order: bool, prior: float
) -> Resamples:
    """Draw the clusters of votes with replacement and fit each resample.

    `ties`, `order` and `prior` are as for `fit_resamples`.
    """
    # The estimates are near those of all votes.
    start = fit_many(votes.counts(), ties=ties, prior=prior or WEAK_PRIOR).abilities
    fits = [
        fit_resamples(counts, ties=ties, order=order, prior=prior, start=start)
        for counts in _resampled_counts(votes, resamples, np.random.default_rng(seed))
    ]
    return Resamples.of(fits, votes.sample_size)


def bootstrap_clusters(tables: Array, resamples: int, seed: int, *, prior: float) -> Resamples:
    """Draw and fit as `bootstrap` does, given the counts of each cluster, (clusters, 3, K, K).

    The clusters drawn are the same where they are in the same order, and each has votes. Ties are
    Davidson's; there is no order effect.
    """
    clusters, _, methods, _ = tables.shape
    flat = tables.reshape(clusters, -1)
    rng = np.random.default_rng(seed)
    start = fit_many(tables_of(flat.sum(0), methods), prior=prior or WEAK_PRIOR).abilities
    fits = []
    for part in parts(resamples, flat.shape[1]):
        totals = _times_drawn(clusters, len(part), rng).T @ flat
        fits.append(fit_resamples(tables_of(totals, methods), prior=prior, start=start))
    return Resamples.of(fits, clusters)


def fit_resamples(
    counts: Counts,
    *,
    ties: bool = True,
    order: bool = False,
    prior: float = 0.0,
    start: Array | None = None,
) -> tuple[Fit, NDArray[np.bool_]]:
    """Fit resamples (resamples, K, K); also return which have a finite estimate, (resamples,).

    The options are those of `fit_many`; with prior 0, resamples without a finite estimate get
    `WEAK_PRIOR`.
    """
    fit = partial(fit_many, counts, ties=ties, order=order, start=start)
    if prior:
        return fit(prior=prior), np.ones(len(counts.left), bool)
    return fit_where_bounded(fit, has_estimate(counts, ties=ties, order=order))


def fit_where_bounded(
    fit: Callable[..., Fit], bounded: NDArray[np.bool_]
) -> tuple[Fit, NDArray[np.bool_]]:
    """Fit resamples, those that are not `bounded` with `WEAK_PRIOR`; return as `fit_resamples`.

    `fit` takes the prior of each resample.
    """
    fits = fit(prior=WEAK_PRIOR * ~bounded)
    if (bounded & ~fits.converged).any():
        # An estimate exists, but is too far away for the precision of the arithmetic.
        bounded = bounded & fits.converged
        fits = fit(prior=WEAK_PRIOR * ~bounded)
    return fits, bounded


def resample_clusters(
    tables: Array, resamples: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], Array]:
    """Draw clusters with replacement, given the counts of each, (clusters, ...).

    Returns how often each cluster was drawn, (resamples, clusters), and the counts of each
    resample, (resamples, ...).
    """
    clusters = len(tables)
    times = rng.multinomial(clusters, np.full(clusters, 1 / clusters), size=resamples)
    totals = times @ tables.reshape(clusters, -1)
    return times, totals.reshape(resamples, *tables.shape[1:])


def _resampled_counts(votes: VoteArrays, number: int, rng: np.random.Generator) -> Iterator[Counts]:
    """Yield the counts of resamples, some at a time, (resamples, K, K)."""
    # Numba takes a second to import; the server of a survey does not need it.
    from analysis.bradley_terry.accumulate import add_votes

    size = 3 * votes.methods**2
    single_votes = votes.cluster is None and votes.whole_weights
    # A row of weight 700 is 700 votes, each of which is drawn independently.
    share = np.bincount(votes.cells, votes.weight, size) / votes.weight.sum()
    order = np.argsort(votes.cells, kind="stable")
    by_cell = votes.cells[order], votes.owner[order], votes.weight[order]
    for part in parts(number, size):
        if single_votes:
            flat = rng.multinomial(votes.sample_size, share, size=len(part)).astype(float)
        else:
            added = np.zeros((size, len(part)))
            add_votes(*by_cell, _times_drawn(votes.n_clusters, len(part), rng), added)
            flat = np.ascontiguousarray(added.T)
        yield tables_of(flat, votes.methods)


def _times_drawn(clusters: int, number: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return how often each cluster is in each resample, (clusters, resamples)."""
    times = np.empty((clusters, number), np.uint8)
    for part in parts(number, clusters, _RANDOM_NUMBERS):
        drawn = rng.integers(0, clusters, (len(part), clusters))
        drawn += np.arange(len(part))[:, None] * clusters
        counted = np.bincount(drawn.ravel(), minlength=len(part) * clusters)
        times[:, part.start : part.stop] = counted.reshape(len(part), clusters).T
    return times
