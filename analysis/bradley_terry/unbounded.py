"""What votes leave infinite: why a ranking is refused, or which of its numbers a prior made up."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from analysis.bradley_terry.counts import Counts, NoEstimateError, bounded_groups, infinite

REMEDIES = {
    "prior": ": no finite ranking; --prior 1 gives one, which says so",
    "no order": "; leave out --order",
    "": "",
}


def refusal(error: NoEstimateError, methods: list[str]) -> str:
    return named(str(error), methods) + REMEDIES[error.remedy]


def from_prior(counts: Counts, anchor: int | None) -> NDArray[np.bool_]:
    """(K,): methods whose ability a prior bounds, not votes: those outside the anchor's group, or
    without an anchor outside the largest group; all where two are largest."""
    group = bounded_groups(counts)
    if anchor is not None:
        return np.asarray(group != group[anchor])
    sizes = np.bincount(group)
    largest = np.flatnonzero(sizes == sizes.max())
    return np.asarray(group != largest[0]) | (len(largest) > 1)


def warnings(counts: Counts, methods: list[str], anchor: int | None) -> list[str]:
    """Names what only a prior bounds."""
    reason = infinite(counts)
    if not reason:
        return []
    names = ", ".join(methods[i] for i in np.flatnonzero(from_prior(counts, anchor)))
    return [
        f"Warning: {named(reason, methods)}; ability and standard error of {names} come from "
        "the prior, not from votes: no intervals, no tests"
    ]


def named(message: str, methods: list[str]) -> str:
    """A reason with the methods' names for their numbers."""
    return re.sub(r"\{(\d+)\}", lambda found: methods[int(found[1])], message)
