"""Statistical power of a study that is being planned, by simulation."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import expit

from analysis.bradley_terry import Array, NoEstimateError, VoteArrays, bootstrap, fit
from analysis.ranking.pairwise import SIGNIFICANT, pairwise_differences

# Bootstrap resamples of each simulated study.
_RESAMPLES = 200


@dataclass(frozen=True)
class Design:
    """A planned study."""

    abilities: Sequence[float]  # expected, natural logarithms
    pairs: int = 25  # that each participant judges
    spread: float = 0.5  # standard deviation of a participant's own abilities around them
    failed: float = 0.0  # share of participants who will be excluded, 0 to 1


class Power(NamedTuple):
    """What simulated studies of one size achieved."""

    people: int
    votes: int
    order: float  # share of studies in which the methods came out in their true order
    separated: list[float]  # share in which neighbours differed significantly, best pair first
    interval: float  # mean width of neighbours' 95 % intervals; nan if a study had none
    unranked: int  # studies without a finite ranking, which count as failures


def simulate_votes(design: Design, people: int, rng: np.random.Generator) -> VoteArrays:
    """Simulate a study in which each participant judges random pairs."""
    abilities = np.asarray(design.abilities, float)
    k, votes = len(abilities), people * design.pairs
    own = abilities + rng.normal(0, design.spread, (people, k))
    person = np.repeat(np.arange(people, dtype=np.int32), design.pairs)
    left = rng.integers(0, k, votes)
    right = (left + rng.integers(1, k, votes)) % k
    lost = rng.random(votes) > expit(own[person, left] - own[person, right])
    return VoteArrays(
        left.astype(np.int32),
        right.astype(np.int32),
        lost.astype(np.int8),
        np.ones(votes),
        person,
        k,
    )


def power(design: Design, people: int, simulations: int, seed: int = 0) -> Power:
    """Simulate studies of `people` participants, some of whom are excluded, and rank each."""
    rng = np.random.default_rng([seed, people])
    valid = max(2, round(people * (1 - design.failed)))
    best_first = np.argsort(-np.asarray(design.abilities, float), kind="stable")
    names = [str(i) for i in range(len(best_first))]
    neighbours = [(str(a), str(b)) for a, b in itertools.pairwise(best_first)]
    ordered, unranked = 0, 0
    separated: Array = np.zeros(len(neighbours))
    widths = []
    for _ in range(simulations):
        data = simulate_votes(design, valid, rng)
        counts = data.counts()
        try:
            estimate = fit(counts)
        except NoEstimateError:
            unranked += 1
            continue
        resamples = bootstrap(
            data, _RESAMPLES, int(rng.integers(2**31)), ties=False, order=False, prior=0
        )
        pairs = {
            (pair.better, pair.worse): pair
            for pair in pairwise_differences(names, estimate, resamples, counts, 0.95)
        }
        in_order = [pairs.get(neighbour) for neighbour in neighbours]
        ordered += None not in in_order
        separated += [pair is not None and pair.p_value < SIGNIFICANT for pair in in_order]
        widths += [pair.ci_high - pair.ci_low for pair in in_order if pair]
    return Power(
        people,
        valid * design.pairs,
        ordered / simulations,
        [float(share) for share in separated / simulations],
        float(np.mean(widths)) if widths else float("nan"),
        unranked,
    )
