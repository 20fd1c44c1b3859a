"""Bootstrap of Bradley-Terry fits: whole clusters of votes are drawn again.

Votes of one person are not independent, so that intervals which take them one by one are too
narrow; by default persons are drawn (A. C. Davison, D. V. Hinkley, Bootstrap Methods and their
Application, 1997, section 3.8).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from analysis.bradley_terry.fit import Array, Counts, Fit, finite, fit_many

# Where a draw has no finite estimate: extra votes for each two methods (see `fit`).
WEAK_PRIOR = 0.1
# Bytes that the counts of the draws fitted at once may take.
CHUNK = 64e6
# Random numbers drawn at once.
AT_ONCE = 1_000_000


class Coded(NamedTuple):
    """Votes as numbers, each (N,). left, right: methods 0 ... methods - 1; choice: 0 left, 1
    right, 2 tie; weight: of each vote; cluster: who (or what) it belongs to, 0 ... clusters - 1,
    None where every vote stands alone."""

    left: NDArray[np.int32]
    right: NDArray[np.int32]
    choice: NDArray[np.int8]
    weight: Array
    cluster: NDArray[np.int32] | None
    methods: int

    @property
    def clusters(self) -> int:
        return len(self.left) if self.cluster is None else int(self.cluster.max()) + 1

    @property
    def whole(self) -> bool:
        """Whether weights are numbers of votes."""
        return bool((self.weight == np.rint(self.weight)).all())

    @property
    def with_votes(self) -> int:
        """Clusters with any weight; of votes that stand alone, how many there are (rows, where
        weights are no numbers of votes)."""
        if self.cluster is None:
            return int(self.weight.sum()) if self.whole else int((self.weight > 0).sum())
        return int((np.bincount(self.cluster, self.weight) > 0).sum())

    def cells(self) -> NDArray[np.intp]:
        """The place of each vote in flattened tables (3, methods, methods)."""
        wide = self.choice.astype(np.intp) * self.methods + self.left
        return wide * self.methods + self.right

    def counts(self) -> Counts:
        size = 3 * self.methods**2
        flat = np.bincount(self.cells(), weights=self.weight, minlength=size)
        return Counts(*flat.reshape(3, self.methods, self.methods))


class Draws(NamedTuple):
    """abilities: (draws, methods), each with mean zero; tie, order: (draws); unbounded: how many
    draws had no finite estimate and were fitted with WEAK_PRIOR; clusters: that have votes."""

    abilities: Array
    tie: Array
    order: Array
    unbounded: int
    clusters: int


def draws(
    votes: Coded, number: int, seed: int, *, ties: bool, order: bool, prior: float
) -> Draws:  # fmt: skip
    """Fit `number` draws of the clusters; the same draws for the same seed."""
    # Each draw's answer is near that of all votes.
    start = fit_many(votes.counts(), ties=ties, prior=prior or WEAK_PRIOR).abilities
    parts = [
        _fitted(counts, ties, order, prior, start)
        for counts in resampled(votes, number, np.random.default_rng(seed))
    ]
    return Draws(
        np.concatenate([part.abilities for part, _ in parts]),
        np.concatenate([part.tie for part, _ in parts]),
        np.concatenate([part.order for part, _ in parts]),
        sum(int((~part).sum()) for _, part in parts),
        votes.with_votes,
    )


def _fitted(
    counts: Counts, ties: bool, order: bool, prior: float, start: Array
) -> tuple[Fit, NDArray[np.bool_]]:
    """And which had a finite estimate."""
    bounded = np.ones(len(counts.left), bool) if prior > 0 else finite(counts, order)
    weak = prior or WEAK_PRIOR * ~bounded
    return fit_many(counts, ties=ties, order=order, prior=weak, start=start), bounded


def resampled(votes: Coded, number: int, rng: np.random.Generator) -> Iterator[Counts]:
    """Counts of draws with replacement, some at a time, (draws, methods, methods) each."""
    size = 3 * votes.methods**2
    at_once = max(1, min(number, int(CHUNK / (8 * size))))
    shape = (-1, 3, votes.methods, votes.methods)
    # A row of weight 700 is 700 votes, each drawn on its own.
    alone = votes.cluster is None and votes.whole
    cells = votes.cells()
    share = np.bincount(cells, votes.weight, size) / votes.weight.sum()
    order = np.argsort(cells, kind="stable")
    clusters = votes.clusters
    owner = np.arange(clusters, dtype=np.int32) if votes.cluster is None else votes.cluster
    for first in range(0, number, at_once):
        wanted = min(at_once, number - first)
        if alone:
            flat = rng.multinomial(votes.with_votes, share, size=wanted).astype(float)
        else:
            times = _times_drawn(clusters, wanted, rng)
            flat = np.zeros((size, wanted))
            _add(cells[order], owner[order], votes.weight[order], times, flat)
            flat = np.ascontiguousarray(flat.T)
        yield Counts(*flat.reshape(shape).transpose(1, 0, 2, 3))


def _times_drawn(clusters: int, number: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """(clusters, number): how often each cluster is in each draw."""
    times = np.empty((clusters, number), np.uint8)
    at_once = max(1, AT_ONCE // clusters)
    for first in range(0, number, at_once):
        wanted = min(at_once, number - first)
        drawn = rng.integers(0, clusters, (wanted, clusters))
        drawn += np.arange(wanted)[:, None] * clusters
        counted = np.bincount(drawn.ravel(), minlength=wanted * clusters)
        times[:, first : first + wanted] = counted.reshape(wanted, clusters).T
    return times


@numba.njit(cache=True, fastmath=True)  # type: ignore[misc,untyped-decorator]
def _add(
    cells: NDArray[np.intp],
    owner: NDArray[np.int32],
    weight: Array,
    times: NDArray[np.uint8],
    flat: Array,
) -> None:
    """flat[cell, draw] += weight * times[owner, draw]; `cells` sorted, so that a row stays near."""
    for vote in range(len(cells)):
        row, drawn, heavy = flat[cells[vote]], times[owner[vote]], weight[vote]
        for draw in range(len(row)):
            row[draw] += heavy * drawn[draw]
