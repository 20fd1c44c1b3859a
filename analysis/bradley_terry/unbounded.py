"""Why votes do not determine a finite estimate, and which abilities only a prior bounds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from analysis.bradley_terry.counts import Counts
from analysis.bradley_terry.existence import has_estimate, side_effect


class NoEstimateError(ValueError):
    """The votes have no finite maximum-likelihood estimate.

    If it `exists`, it cannot be computed in double precision. `remedy` makes it finite: a prior,
    ties as half a win (also of only ties), or no order effect. A prior helps too unless
    `prior_helps` is False. The message has numbers in braces for methods; `with_names` replaces
    them.
    """

    def __init__(
        self,
        message: str,
        remedy: Literal["prior", "ties", "only ties", "no order"] = "prior",
        prior_helps: bool = True,
        exists: bool = False,
    ) -> None:
        super().__init__(message)
        self.exists = exists
        self.remedy = remedy
        self.prior_helps = prior_helps


def check_converged(converged: NDArray[np.bool_]) -> None:
    """Raise NoEstimateError if Newton's method has not converged, though there is an estimate."""
    if not converged.all():
        raise NoEstimateError(
            "the votes are so nearly unanimous that the estimate, which exists, is not found here "
            "in double precision",
            exists=True,
        )


def no_estimate(counts: Counts, *, ties: bool, order: bool) -> NoEstimateError | None:
    """Return why the votes alone, (K, K), have no finite estimate; None if they have one."""
    left, right, tie = (bool(part.any()) for part in counts)
    if ties and tie and not left and not right:
        return NoEstimateError("every vote is a tie: nothing ranks the methods", "only ties", False)
    if order and left != right and not tie:
        side = "left" if left else "right"
        return NoEstimateError(
            f"the {side} side always won: its effect would be infinite", "no order", False
        )
    if has_estimate(counts, ties=ties, order=order):
        return None
    if order and side_effect(counts, ties=ties) == "confounded":
        return NoEstimateError(_confounded(counts), "no order", False)
    if reason := unbounded_reason(counts):
        return NoEstimateError(reason)
    if order and has_estimate(counts, ties=ties):
        return NoEstimateError(
            "too few votes to tell the effect of the side from abilities", "no order"
        )
    return NoEstimateError(_unbounded_ties(counts), "ties")


def _unbounded_ties(counts: Counts) -> str:
    won = counts.wins > 0
    unbeaten = np.flatnonzero(~won.any(axis=0))
    which = f": never beaten, only tied: method(s) {_listed(unbeaten)}" if len(unbeaten) else ""
    return f"the votes do not bound the effect of ties (Davidson's model){which}"


def _confounded(counts: Counts) -> str:
    shown = (counts.left + counts.right + counts.tie) > 0
    always_left = np.flatnonzero(shown.any(axis=1) & ~shown.any(axis=0))
    which = f" ({_listed(always_left)} always on the left)" if len(always_left) else ""
    return f"method and side cannot be told apart: sides never change{which}"


def unbounded_reason(counts: Counts) -> str:
    """Return why abilities of one data set (K, K) are infinite without a prior, "" if none is.

    Methods are numbers in braces; `with_names` replaces them.
    """
    not_worse = (counts.wins + counts.ties) > 0
    groups = _groups(counts)
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


def bounded_groups(counts: Counts, *, ties: bool, order: bool) -> NDArray[np.int32]:
    """Return the number of each method's group, (K,), from 0, for one data set (K, K).

    Votes bound the differences of abilities within a group, but not between groups. `ties` and
    `order` are as for `fit`.
    """
    group = _groups(counts)
    for number in range(group.max() + 1):
        inside = np.flatnonzero(group == number)
        own = Counts(*(part[np.ix_(inside, inside)] for part in counts))
        if len(inside) > 1 and not has_estimate(own, ties=ties, order=order):
            # An effect without bound shifts abilities of the whole group.
            group[inside[1:]] = group.max() + 1 + np.arange(len(inside) - 1)
    return group


def bounded_by_prior(group: NDArray[np.int32], anchor: int | None) -> NDArray[np.bool_]:
    """Return which abilities only a prior bounds, (K,), given `bounded_groups`.

    These are the methods outside the group of `anchor` or, without an anchor, outside the largest
    group; all methods if two groups are the largest.
    """
    if anchor is not None:
        return np.asarray(group != group[anchor])
    sizes = np.bincount(group)
    largest = np.flatnonzero(sizes == sizes.max())
    return np.asarray(group != largest[0]) | (len(largest) > 1)


def _groups(counts: Counts) -> NDArray[np.int32]:
    """Return groups in which each method is reached from each other one along "not worse"."""
    not_worse = (counts.wins + counts.ties) > 0
    return np.asarray(connected_components(not_worse, connection="strong")[1])


def with_names(message: str, methods: Sequence[str]) -> str:
    """Return a message of this module with names of methods instead of numbers in braces."""
    return re.sub(r"\{(\d+)\}", lambda match: methods[int(match[1])], message)


def _listed(methods: NDArray[np.intp]) -> str:
    return ", ".join(f"{{{number}}}" for number in methods)


def _listed_groups(group: NDArray[np.int32]) -> str:
    return " | ".join(_listed(np.flatnonzero(group == g)) for g in range(group.max() + 1))
