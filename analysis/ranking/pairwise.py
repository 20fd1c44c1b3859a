"""Differences between methods: intervals, tests, and the compact letter display."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from analysis.bradley_terry import Counts, Fit, Resamples, small_samples
from analysis.output import percent

# Methods whose p-value, after Holm's adjustment, is lower get different letters.
SIGNIFICANT = 0.05


class PairDifference(NamedTuple):
    """Two methods, the one with the higher ability first: a row of pairs.csv.

    `share` is the difference as the share of decided votes that the model expects for `better`;
    `p_value` is two-sided and adjusted for all pairs by Holm's method. Intervals and p-value are
    NaN if votes do not give any. `votes` between the two were counted: `wins` for `better`,
    `losses` and `ties`.
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
    wins: float
    losses: float
    ties: float

    @property
    def counted(self) -> str:
        """The decided votes between the two, in words."""
        decided = self.wins + self.losses
        if not decided:
            return "no decided vote between them"
        share = percent(self.wins / decided)
        return f"{self.wins:.15g} of {decided:.15g} decided votes between them ({share} %)"


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
    wins, ties = counts.wins, counts.ties
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
                votes=float(wins[i, j] + wins[j, i] + ties[i, j]),
                wins=float(wins[i, j]),
                losses=float(wins[j, i]),
                ties=float(ties[i, j]),
            )
        )
    adjusted = small_samples.holm([pair.p_value for pair in pairs])
    return [pair._replace(p_value=p) for pair, p in zip(pairs, adjusted, strict=True)]


def compact_letter_display(
    methods: Sequence[str], different: set[frozenset[str]]
) -> dict[str, str]:
    """Return letters of each method, best first; two share one if and only if they do not differ.

    Each letter is a maximal group of methods that do not differ, grown from the best pair that
    shares no letter yet by adding methods best first; whole groups are not searched for, because
    their number explodes with that of the methods.

    References
    ----------
    J. Gramm et al., Algorithms for Compact Letter Displays: Comparison and Evaluation,
    Computational Statistics & Data Analysis 52 (2), 2007. (covering a graph's edges by cliques)
    """
    number = {method: i for i, method in enumerate(methods)}
    alike = np.ones((len(methods), len(methods)), bool)
    for first, second in different:
        alike[number[first], number[second]] = alike[number[second], number[first]] = False
    # Pairs that share no letter yet, a method with itself included.
    left: NDArray[np.bool_] = np.triu(alike)
    groups = []
    for i in range(len(methods)):
        # The farthest first: its group most often holds all between.
        for j in np.flatnonzero(left[i])[::-1]:
            if left[i, j]:
                group = _grown([i, int(j)], alike)
                left[np.ix_(group, group)] = False
                groups.append(group)
    groups.sort()
    letters = [chr(ord("a") + i) if i < 26 else f"({i + 1})" for i in range(len(groups))]
    shown: dict[str, str] = dict.fromkeys(methods, "")
    for letter, group in zip(letters, groups, strict=True):
        for i in group:
            shown[methods[i]] += letter
    return shown


def _grown(pair: list[int], alike: NDArray[np.bool_]) -> list[int]:
    """Return a maximal group of methods that are all alike with a pair in it, sorted."""
    group = set(pair)
    candidates = np.asarray(alike[pair].all(axis=0))
    candidates[pair] = False
    while candidates.any():
        best = int(candidates.argmax())
        group.add(best)
        candidates &= alike[best]
        candidates[best] = False
    return sorted(group)
