"""Differences between methods: intervals, tests, and the compact letter display."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from analysis.bradley_terry import Counts, Fit, Resamples, small_samples

# Methods whose p-value, after Holm's adjustment, is lower get different letters.
SIGNIFICANT = 0.05


class PairDifference(NamedTuple):
    """Two methods, the one with the higher ability first: a row of pairs.csv.

    `share` is the difference as expected share of decided votes for `better`, `p_value` is
    two-sided and adjusted for all pairs. Intervals and p-value are NaN if votes do not give any.
    """

    better: str
    worse: str
    difference: float
    ci_low: float
    ci_high: float
    share: float
    share_low: float
    share_high: float
    p_value: float
    votes: float


def pairwise_differences(
    methods: Sequence[str],
    fit: Fit,
    resamples: Resamples,
    counts: Counts,
    level: float,
    group: NDArray[np.int32] | None = None,
) -> list[PairDifference]:
    """Compare every two of K methods by intervals and tests of one bootstrap, best first.

    `fit` and `counts` are of one data set, `resamples` of the same votes. `group`, (K,), are
    `bounded_groups`, without which all differences are bounded: methods of two groups get no test.
    """
    order = np.argsort(-fit.abilities, kind="stable")
    votes = counts.wins + counts.wins.T + counts.ties
    clusters = resamples.clusters
    pairs = []
    for i, j in itertools.combinations(order, 2):
        difference = float(fit.abilities[i] - fit.abilities[j])
        limits = np.full(2, np.nan)
        if group is None or group[i] == group[j]:
            resampled = resamples.abilities[:, i] - resamples.abilities[:, j]
            limits = small_samples.interval(resampled, difference, clusters, level)
        low, high = (float(limit) for limit in limits)
        pairs.append(
            PairDifference(
                methods[i],
                methods[j],
                difference=difference,
                ci_low=low,
                ci_high=high,
                share=float(expit(difference)),
                share_low=float(expit(low)),
                share_high=float(expit(high)),
                p_value=small_samples.p_value(difference, limits, clusters, level),
                votes=float(votes[i, j]),
            )
        )
    adjusted = small_samples.holm([pair.p_value for pair in pairs])
    return [pair._replace(p_value=p) for pair, p in zip(pairs, adjusted, strict=True)]


def compact_letter_display(
    methods: Sequence[str], different: set[frozenset[str]]
) -> dict[str, str]:
    """Return letters of each method, best first; two share one if and only if they do not differ.

    The algorithm is "insert and absorb" of H.-P. Piepho, An Algorithm for a Letter-Based
    Representation of All-Pairwise Comparisons, Journal of Computational and Graphical Statistics
    13 (2), 2004.
    """
    groups = [set(methods)]
    for pair in sorted(different, key=sorted):
        first, second = sorted(pair)
        split = []
        for group in groups:
            split += [group - {first}, group - {second}] if pair <= group else [group]
        groups = [
            group
            for i, group in enumerate(split)
            if not any(group < other or (group == other and j < i) for j, other in enumerate(split))
        ]
    groups.sort(key=lambda group: sorted(map(methods.index, group)))
    letters = [chr(ord("a") + i) if i < 26 else f"({i + 1})" for i in range(len(groups))]
    return {
        method: "".join(
            letter for letter, group in zip(letters, groups, strict=True) if method in group
        )
        for method in methods
    }
