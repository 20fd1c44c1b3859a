"""Votes as arrays, and counted by pair of methods."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

# Numbers (64 MB) up to which the counts of many clusters or resamples are computed together.
_AT_ONCE = 8_000_000


def parts(number: int, size: int, at_once: int = _AT_ONCE) -> Iterator[range]:
    """Yield consecutive parts of range(number), so that memory stays bounded.

    Each number needs `size` values, of which `at_once` may be held; a part has one number at least.
    """
    length = max(1, at_once // size)
    for first in range(0, number, length):
        yield range(first, min(first + length, number))


class Counts(NamedTuple):
    """Votes for the left method, for the right one, and for neither, each (..., K, K)."""

    left: Array
    right: Array
    tie: Array

    @property
    def wins(self) -> Array:
        """How often i was preferred to j on either side, (..., K, K)."""
        return self.left + self.right.swapaxes(-1, -2)

    @property
    def ties(self) -> Array:
        """How often neither was preferred, (..., K, K), symmetric."""
        return self.tie + self.tie.swapaxes(-1, -2)

    @property
    def total(self) -> float:
        """The number of votes in all data sets."""
        return float(self.left.sum() + self.right.sum() + self.tie.sum())


def tables_of(flat: NDArray[Any], methods: int) -> Counts:
    """Return the counts in flattened tables (..., 3 K K): left, right and tie, row by row."""
    tables = flat.reshape(*flat.shape[:-1], 3, methods, methods)
    return Counts(*np.moveaxis(tables, -3, 0))


def from_wins(wins: ArrayLike, ties: ArrayLike | None = None) -> Counts:
    """Return the counts of votes whose sides are unknown, every win as one of the left side.

    `wins` is how often i was preferred to j, (..., K, K), its diagonal 0; `ties` how often neither
    was, of which only the part above the diagonal is read. Raises ValueError for tables that are
    not square, not finite, negative, or compare a method with itself.
    """
    won = np.asarray(wins, float)
    if won.ndim < 2 or won.shape[-1] != won.shape[-2]:
        raise ValueError(f"wins must be a square table, not of shape {won.shape}")
    tied = np.zeros_like(won) if ties is None else np.triu(np.asarray(ties, float), 1)
    for table in (won, tied):
        if table.shape != won.shape or not np.isfinite(table).all() or (table < 0).any():
            raise ValueError("counts must be finite, at least 0, and wins and ties of one shape")
    if np.diagonal(won, axis1=-2, axis2=-1).any():
        raise ValueError("the diagonal of wins must be 0: nothing is compared with itself")
    return Counts(won, np.zeros_like(won), tied)


class VoteArrays(NamedTuple):
    """Votes one by one, as arrays of length N."""

    left: NDArray[np.int32]  # number of the method, 0 to K - 1
    right: NDArray[np.int32]
    choice: NDArray[np.int8]  # 0: the left one, 1: the right one, 2: a tie
    weight: Array  # how many votes each stands for, at least 0
    cluster: NDArray[np.int32] | None  # 0 to n_clusters - 1; None if every vote is its own
    methods: int  # K

    @property
    def owner(self) -> NDArray[np.int32]:
        """The cluster of each vote, (N,)."""
        if self.cluster is None:
            return np.arange(len(self.left), dtype=np.int32)
        return self.cluster

    @property
    def n_clusters(self) -> int:
        """The number of clusters."""
        return len(self.left) if self.cluster is None else int(self.cluster.max()) + 1

    @property
    def whole_weights(self) -> bool:
        """Whether all weights are whole numbers."""
        return bool((self.weight == np.rint(self.weight)).all())

    @property
    def sample_size(self) -> int:
        """What the bootstrap draws from: clusters with votes, or votes that are their own cluster.

        A vote of weight 700 counts as 700; rows are counted where weights are not whole numbers.
        """
        if self.cluster is None and self.whole_weights:
            return int(self.weight.sum())
        return int((np.bincount(self.owner, self.weight) > 0).sum())

    @property
    def cells(self) -> NDArray[np.intp]:
        """The place of each vote in flattened tables (3, K, K), (N,)."""
        table_row = self.choice.astype(np.intp) * self.methods + self.left
        return table_row * self.methods + self.right

    def counts(self) -> Counts:
        """Count all votes, (K, K)."""
        flat = np.bincount(self.cells, weights=self.weight, minlength=3 * self.methods**2)
        return tables_of(flat, self.methods)

    def counts_by_cluster(self) -> Iterator[tuple[int, Counts]]:
        """Yield the counts of some clusters, (clusters, K, K), after the number of the first."""
        size = 3 * self.methods**2
        owner, cells = self.owner, self.cells
        for part in parts(self.n_clusters, size):
            votes = (owner >= part.start) & (owner < part.stop)
            place = (owner[votes] - part.start) * size + cells[votes]
            flat = np.bincount(place, weights=self.weight[votes], minlength=len(part) * size)
            yield part.start, tables_of(flat.reshape(len(part), size), self.methods)
