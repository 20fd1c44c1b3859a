"""The pairs that tell most, given the votes so far (`design.adaptive`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from analysis.bradley_terry.fit import Counts, fit
from survey.design.questionnaire import Asked, Pair, least_asked

# Votes taken as given for each two methods while there are few: abilities stay finite.
PRIOR = 1.0


def most_informative(
    pairs: Sequence[Pair],
    asked: Mapping[Pair, Asked],
    counts: Counts,
    methods: Sequence[str],
    wanted: int,
    rng: np.random.Generator,
) -> list[Pair]:
    """Pairs of methods whose vote lowers the uncertainty of the ranking most (D-optimal, one after
    the other; E. Mikhailiuk et al., Active Sampling for Pairwise Comparisons via Approximate
    Message Passing and Information Gain Maximization, 2020, rank them likewise by expected gain),
    each on the image where it was asked least.

    counts: votes so far, of `methods`."""
    # Ties as half wins: a study may begin with nothing else, which is no ranking.
    found = fit(counts, ties=False, prior=PRIOR)
    number = {method: i for i, method in enumerate(methods)}
    kinds = sorted({pair[1:] for pair in pairs})
    first = np.array([number[kind[0]] for kind in kinds])
    second = np.array([number[kind[1]] for kind in kinds])
    lead = found.abilities[first] - found.abilities[second]
    # Fisher information of one vote on a pair.
    weight = 1 / (2 * np.cosh(lead / 2)) ** 2
    free = Counter(pair[1:] for pair in pairs)
    covariance = found.covariance.copy()
    times: Counter[tuple[str, ...]] = Counter()
    for _ in range(min(wanted, len(pairs))):
        gain = weight * _variance(covariance, first, second)
        gain[[times[kind] >= free[kind] for kind in kinds]] = -1
        best = int(rng.choice(np.flatnonzero(gain > gain.max() * (1 - 1e-9))))
        times[kinds[best]] += 1
        covariance = _after_a_vote(covariance, first[best], second[best], weight[best])
    chosen = []
    for kind, number_of in times.items():
        of_kind = [pair for pair in pairs if pair[1:] == kind]
        chosen += least_asked(of_kind, asked, number_of, rng)
    return chosen


def _variance(
    covariance: NDArray[np.float64], first: NDArray[np.intp], second: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Of the differences of abilities."""
    diagonal = np.diagonal(covariance)
    return diagonal[first] + diagonal[second] - 2 * covariance[first, second]


def _after_a_vote(
    covariance: NDArray[np.float64], first: int, second: int, weight: float
) -> NDArray[np.float64]:
    """The covariance with one vote's information added (Sherman & Morrison 1950)."""
    across = covariance[:, first] - covariance[:, second]
    variance = across[first] - across[second]
    return covariance - np.outer(across, across) * (weight / (1 + weight * variance))
