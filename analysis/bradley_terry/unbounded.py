"""Whether votes determine a finite estimate, and which abilities only a prior bounds.

Every decision about the existence of the estimate is made here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from analysis.bradley_terry.counts import Counts


class NoEstimateError(ValueError):
    """The votes have no finite maximum-likelihood estimate.

    `remedy` makes it finite: a prior, no order effect, or (empty) nothing. The message has numbers
    in braces for methods; `with_names` replaces them.
    """

    def __init__(self, message: str, remedy: Literal["prior", "no order", ""] = "prior") -> None:
        super().__init__(message)
        self.remedy = remedy


def check_estimate(counts: Counts, *, ties: bool, order: bool, prior: float) -> None:
    """Raise NoEstimateError if `fit` with the same arguments has no finite estimate."""
    left, right, tie = (bool(part.any()) for part in counts)
    # Check first for failures that a prior cannot fix, so that we do not suggest one.
    if ties and tie and not left and not right:
        raise NoEstimateError("every vote is a tie: nothing ranks the methods", remedy="")
    if order and left != right and not tie:
        side = "left" if left else "right"
        raise NoEstimateError(
            f"the {side} side always won: its effect would be infinite", remedy="no order"
        )
    # `has_estimate` is faster; the live ranking fits a few votes again and again.
    if prior == 0 and not has_estimate(counts) and (reason := unbounded_reason(counts)):
        raise NoEstimateError(reason)


def has_estimate(counts: Counts, order: bool = False) -> NDArray[np.bool_]:
    """Return which data sets have a finite estimate without a prior, (...).

    The abilities are finite if and only if each method can be reached from each other one along
    "was at least once not worse than".

    Parameters
    ----------
    counts
        Tables (..., K, K).
    order
        Whether an order effect is estimated too; then both sides must have won, or a tie occurred.

    References
    ----------
    L. R. Ford, Solution of a Ranking Problem from Binary Comparisons, American Mathematical
    Monthly 64 (8), 1957.
    """
    k = counts.left.shape[-1]
    left, right, tie = (part.any(axis=(-1, -2)) for part in counts)
    decided = ((left & right) | tie) if order else (left | right)
    reach = ((counts.wins + counts.ties) > 0) | np.eye(k, dtype=bool)
    for _ in range(max(1, int(np.ceil(np.log2(k))))):
        reach = (reach.astype(np.float32) @ reach.astype(np.float32)) > 0
    return np.asarray(reach.all(axis=(-1, -2)) & decided & (left | right))


def unbounded_reason(counts: Counts) -> str:
    """Return why abilities of one data set (K, K) are infinite without a prior, "" if none is.

    Methods are numbers in braces; `with_names` replaces them.
    """
    not_worse = (counts.wins + counts.ties) > 0
    groups = bounded_groups(counts)
    if groups.max() == 0:
        return ""
    compared = not_worse | not_worse.T
    alone = np.flatnonzero(~compared.any(axis=1))
    if len(alone):
        return f"no votes for method(s) {_listed(alone)}"
    separate, part = connected_components(compared, directed=False)
    if separate > 1:
        return f"never compared with each other: {_listed_groups(part)}"
    never_won = np.flatnonzero(~not_worse.any(axis=1))
    if len(never_won):
        return f"never preferred: method(s) {_listed(never_won)}"
    never_lost = np.flatnonzero(~not_worse.any(axis=0))
    if len(never_lost):
        return f"always preferred: method(s) {_listed(never_lost)}"
    return f"preferred in every vote to all others: a group within {_listed_groups(groups)}"


def bounded_groups(counts: Counts) -> NDArray[np.int32]:
    """Return the number of each method's group, (K,), from 0, for one data set (K, K).

    Votes bound the differences of abilities within a group, but not between groups.
    """
    not_worse = (counts.wins + counts.ties) > 0
    return np.asarray(connected_components(not_worse, connection="strong")[1])


def bounded_by_prior(counts: Counts, anchor: int | None) -> NDArray[np.bool_]:
    """Return which abilities of one data set only a prior bounds, (K,).

    These are the methods outside the group of `anchor` or, without an anchor, outside the largest
    group; all methods if two groups are the largest.
    """
    group = bounded_groups(counts)
    if anchor is not None:
        return np.asarray(group != group[anchor])
    sizes = np.bincount(group)
    largest = np.flatnonzero(sizes == sizes.max())
    return np.asarray(group != largest[0]) | (len(largest) > 1)


def with_names(message: str, methods: Sequence[str]) -> str:
    """Return a message of this module with names of methods instead of numbers in braces."""
    return re.sub(r"\{(\d+)\}", lambda match: methods[int(match[1])], message)


def _listed(methods: NDArray[np.intp]) -> str:
    return ", ".join(f"{{{number}}}" for number in methods)


def _listed_groups(group: NDArray[np.int32]) -> str:
    return " | ".join(_listed(np.flatnonzero(group == g)) for g in range(group.max() + 1))
