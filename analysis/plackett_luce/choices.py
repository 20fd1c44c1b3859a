"""Choices among several methods and orders as arrays, and counted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from analysis.bradley_terry import Array, Counts, from_wins


class Choices(NamedTuple):
    """Distinct choices of one of K methods."""

    chosen: NDArray[np.intp]  # number of the method, (D,)
    others: Array  # 1 for each method that was offered besides, otherwise 0, (D, K)

    def implied(self, counts: Array) -> Counts:
        """Return how often each method was chosen where each other one was, too, offered.

        `counts` are (..., D), the tables (..., K, K). An order puts its first method before all
        others, its second one before all others but the first, and so on.
        """
        k = self.others.shape[1]
        wins = np.zeros((*counts.shape[:-1], k, k))
        for method in range(k):
            own = self.chosen == method
            wins[..., method, :] = counts[..., own] @ self.others[own]
        return from_wins(wins)


def with_pairs(choices: Choices) -> Choices:
    """Add the choices between every two of K methods: of i before j, in the order of a table
    (K, K) without its diagonal."""
    k = choices.others.shape[1]
    chosen, other = np.nonzero(~np.eye(k, dtype=bool))
    return Choices(
        np.concatenate([choices.chosen, chosen]), np.concatenate([choices.others, np.eye(k)[other]])
    )


class OrderArrays(NamedTuple):
    """Votes one by one; N votes, of which V are distinct, of K methods."""

    choices: Choices
    distinct: list[tuple[int, ...]]  # distinct votes: methods, the best or the chosen one first
    made: csr_array  # 1 for each choice of a distinct vote, (V, D)
    vote: NDArray[np.int32]  # which of the distinct votes each is, (N,)
    weight: Array  # how many votes each stands for, above 0, (N,)
    cluster: NDArray[np.int32] | None  # 0 to n_clusters - 1, (N,); None if every vote is its own

    @property
    def whole_weights(self) -> bool:
        """Whether all weights are whole numbers."""
        return bool((self.weight == np.rint(self.weight)).all())

    @property
    def votes(self) -> Array:
        """How many votes each distinct vote has, (V,)."""
        return np.asarray(np.bincount(self.vote, self.weight, len(self.distinct)), float)

    @property
    def owner(self) -> NDArray[np.int32]:
        """The cluster of each vote, (N,)."""
        if self.cluster is None:
            return np.arange(len(self.vote), dtype=np.int32)
        return self.cluster

    def counts(self) -> Array:
        """Count all choices, (D,)."""
        return np.asarray(self.votes @ self.made)

    def by_cluster(self) -> csr_array:
        """Count the choices of each cluster, (clusters, D)."""
        size = (int(self.owner.max()) + 1, len(self.distinct))
        return csr_array((self.weight, (self.owner, self.vote)), shape=size) @ self.made


def arrays(
    ranked: Sequence[tuple[int, ...]],
    weight: Array,
    cluster: NDArray[np.int32] | None,
    methods: int,
    *,
    ordered: bool,
) -> OrderArrays:
    """Return votes as arrays.

    Parameters
    ----------
    ranked
        For each vote the numbers of its methods, 0 to `methods` - 1, the best one first.
    weight, cluster
        As in `OrderArrays`.
    ordered
        Whether all methods of a vote are in order; otherwise the first was chosen from the others.
    """
    number = {vote: i for i, vote in enumerate(dict.fromkeys(ranked))}
    place: dict[tuple[int, frozenset[int]], int] = {}
    rows, columns = [], []
    for vote, row in number.items():
        for step in range(len(vote) - 1 if ordered else 1):
            choice = (vote[step], frozenset(vote[step + 1 :]))
            rows.append(row)
            columns.append(place.setdefault(choice, len(place)))
    others = np.zeros((len(place), methods))
    for i, (_, rest) in enumerate(place):
        others[i, list(rest)] = 1
    made = csr_array((np.ones(len(rows)), (rows, columns)), shape=(len(number), len(place)))
    return OrderArrays(
        Choices(np.array([chosen for chosen, _ in place], np.intp), others),
        list(number),
        made,
        np.array([number[vote] for vote in ranked], np.int32),
        weight,
        cluster,
    )
