"""Counted votes by pair of methods, and whether they determine a finite ranking."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse.csgraph import connected_components

Array = NDArray[np.float64]


class Counts(NamedTuple):
    """Votes by pair. Each (..., K, K), float64: at [i, j] votes where method i was on the left and
    j on the right, that went to the left one, to the right one, and to neither. Leading axes are
    data sets to be fitted at once."""

    left: Array
    right: Array
    tie: Array

    @property
    def wins(self) -> Array:
        """(..., K, K): at [i, j] how often i was preferred to j, whatever the side."""
        return self.left + self.right.swapaxes(-1, -2)

    @property
    def ties(self) -> Array:
        """(..., K, K), symmetric: how often neither was preferred."""
        return self.tie + self.tie.swapaxes(-1, -2)

    @property
    def total(self) -> float:
        return float(self.left.sum() + self.right.sum() + self.tie.sum())


def from_wins(wins: ArrayLike, ties: ArrayLike | None = None) -> Counts:
    """Counts of votes whose sides are not known. wins: (K, K), at [i, j] how often i was preferred
    to j; ties: (K, K), at [i, j] for i < j how often neither was. Raises ValueError."""
    found = np.asarray(wins, float)
    if found.ndim != 2 or found.shape[0] != found.shape[1]:
        raise ValueError(f"wins must be a square table, not of shape {found.shape}")
    drawn = np.zeros_like(found) if ties is None else np.triu(np.asarray(ties, float), 1)
    for table in (found, drawn):
        if table.shape != found.shape or not np.isfinite(table).all() or (table < 0).any():
            raise ValueError("counts must be finite, at least 0, and wins and ties of one shape")
    if np.diag(found).any():
        raise ValueError("the diagonal of wins must be 0: nothing is compared with itself")
    return Counts(found, np.zeros_like(found), drawn)


class NoEstimateError(ValueError):
    """The votes have no finite maximum-likelihood estimate. The message says why; remedy: what
    gives one, nothing where it is empty."""

    def __init__(self, message: str, *, remedy: Literal["prior", "no order", ""] = "prior") -> None:
        super().__init__(message)
        self.remedy = remedy


def check_finite(counts: Counts) -> None:
    """Raise NoEstimateError unless every method won, lost or tied so that one can come from any
    method to any other along "was at least once not worse than" (L. R. Ford, Solution of a Ranking
    Problem from Binary Comparisons, 1957)."""
    # The quick answer first: fits of few votes take no longer than it.
    if not finite(counts) and (reason := infinite(counts)):
        raise NoEstimateError(reason)


def infinite(counts: Counts) -> str:
    """Why abilities would be infinite without a prior; empty where all are finite."""
    beats = (counts.wins + counts.ties) > 0
    if len(np.unique(bounded_groups(counts))) == 1:
        return ""
    compared = beats | beats.T
    alone = np.flatnonzero(~compared.any(axis=1))
    if len(alone):
        return f"no votes for method(s) {_named(alone)}"
    groups, group = connected_components(compared, directed=False)
    if groups > 1:
        return "never compared with each other: " + _listed(group)
    never_won = np.flatnonzero(~beats.any(axis=1))
    if len(never_won):
        return f"never preferred: method(s) {_named(never_won)}"
    never_lost = np.flatnonzero(~beats.any(axis=0))
    if len(never_lost):
        return f"always preferred: method(s) {_named(never_lost)}"
    return "preferred in every vote to all others: a group within " + _listed(
        bounded_groups(counts)
    )


def bounded_groups(counts: Counts) -> NDArray[np.int32]:
    """(K,), a number of each method's group: votes bound the differences within a group, and none
    between groups."""
    beats = (counts.wins + counts.ties) > 0
    return np.asarray(connected_components(beats, connection="strong")[1])


def _listed(group: NDArray[np.int32]) -> str:
    return " | ".join(_named(np.flatnonzero(group == g)) for g in range(group.max() + 1))


def finite(counts: Counts, order: bool = False) -> NDArray[np.bool_]:
    """For counts with leading axes: where `fit` has an estimate without a prior."""
    k = counts.left.shape[-1]
    left, right, tie = (part.any(axis=(-1, -2)) for part in counts)
    decided = ((left & right) | tie) if order else (left | right)
    reach = ((counts.wins + counts.ties) > 0) | np.eye(k, dtype=bool)
    for _ in range(max(1, int(np.ceil(np.log2(k))))):
        reach = (reach.astype(np.float32) @ reach.astype(np.float32)) > 0
    return np.asarray(reach.all(axis=(-1, -2)) & decided & (left | right))


def _named(methods: NDArray[np.intp]) -> str:
    """Numbers in braces, which callers that know the names replace."""
    return ", ".join(f"{{{number}}}" for number in methods)
