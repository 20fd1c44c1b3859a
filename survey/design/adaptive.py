"""The pairs whose votes are most informative, given the votes so far (`design.adaptive`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from analysis.bradley_terry import Counts, fit
from survey.design.questionnaire import Pair, PairCounts, least_asked

# Prior votes for each two methods: abilities stay finite while there are few votes.
_PRIOR = 1.0


def most_informative(
    pairs: Sequence[Pair],
    counts: PairCounts,
    votes: Counts,
    methods: Sequence[str],
    number: int,
    rng: np.random.Generator,
) -> list[Pair]:
    """Return the pairs whose votes lower the uncertainty of the ranking most.

    Pairs of methods are chosen one after the other, so that the determinant of the covariance
    shrinks most (D-optimal), each on the image where it was asked least. `votes` are those of
    `methods` so far; `counts` says how often each pair was asked. Mikhailiuk et al. (Active
    Sampling for Pairwise Comparisons, 2020) also choose by expected gain.
    """
    # Ties count as half wins: first votes that are all ties have no other ranking.
    estimate = fit(votes, ties=False, prior=_PRIOR)
    index = {method: i for i, method in enumerate(methods)}
    # Both methods of a pair, whatever the image.
    matchups = sorted({pair[1:] for pair in pairs})
    first = np.array([index[matchup[0]] for matchup in matchups])
    second = np.array([index[matchup[1]] for matchup in matchups])
    lead = estimate.abilities[first] - estimate.abilities[second]
    information = 1 / (2 * np.cosh(lead / 2)) ** 2
    available = Counter(pair[1:] for pair in pairs)
    covariance = estimate.covariance.copy()
    times: Counter[tuple[str, ...]] = Counter()
    for _ in range(min(number, len(pairs))):
        variance = np.diagonal(covariance)
        gain = information * (variance[first] + variance[second] - 2 * covariance[first, second])
        gain[[times[matchup] >= available[matchup] for matchup in matchups]] = -1
        best = int(rng.choice(np.flatnonzero(gain > gain.max() * (1 - 1e-9))))
        times[matchups[best]] += 1
        covariance = _after_a_vote(covariance, first[best], second[best], information[best])
    chosen = []
    for matchup, repeats in times.items():
        on_images = [pair for pair in pairs if pair[1:] == matchup]
        chosen += least_asked(on_images, counts, repeats, rng)
    return chosen


def _after_a_vote(
    covariance: NDArray[np.float64], first: int, second: int, information: float
) -> NDArray[np.float64]:
    """Add the information of one vote to a covariance (Sherman & Morrison 1950)."""
    across = covariance[:, first] - covariance[:, second]
    variance = across[first] - across[second]
    return covariance - np.outer(across, across) * (information / (1 + information * variance))
