"""How many people a study needs, by simulating it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import expit

from analysis.bradley_terry.bootstrap import Coded, draws
from analysis.bradley_terry.fit import Array, NoEstimateError, fit
from analysis.ranking.ranking import SIGNIFICANT, pairwise

# Bootstrap draws in each simulated study.
DRAWS = 200


@dataclass(frozen=True)
class Design:
    """abilities: of the methods, natural logarithms; pairs: that each person judges; spread:
    standard deviation of a person's own abilities around them, so that the votes of one person hang
    together; failed: share of people who will be left out."""

    abilities: Sequence[float]
    pairs: int = 25
    spread: float = 0.5
    failed: float = 0.0


class Power(NamedTuple):
    """Of simulated studies with so many people. order: share in which the methods come out in
    their true order; separated: share in which each two neighbours differ significantly, best
    first; interval: mean width of the 95 % interval of a difference between neighbours; unranked:
    studies with no finite ranking, which count as failures."""

    people: int
    votes: int
    order: float
    separated: list[float]
    interval: float
    unranked: int


def simulated(design: Design, people: int, rng: np.random.Generator) -> Coded:
    """A study in which each person judges random pairs."""
    abilities = np.asarray(design.abilities, float)
    k, votes = len(abilities), people * design.pairs
    own = abilities + rng.normal(0, design.spread, (people, k))
    person = np.repeat(np.arange(people, dtype=np.int32), design.pairs)
    left = rng.integers(0, k, votes)
    right = (left + rng.integers(1, k, votes)) % k
    lost = rng.random(votes) > expit(own[person, left] - own[person, right])
    return Coded(
        left.astype(np.int32),
        right.astype(np.int32),
        lost.astype(np.int8),
        np.ones(votes),
        person,
        k,
    )


def power(design: Design, people: int, simulations: int, seed: int = 0) -> Power:
    """Simulate studies of `people`, of whom `design.failed` are left out."""
    rng = np.random.default_rng([seed, people])
    valid = max(2, round(people * (1 - design.failed)))
    best_first = np.argsort(-np.asarray(design.abilities, float), kind="stable")
    names = [str(i) for i in range(len(best_first))]
    neighbours = [(str(a), str(b)) for a, b in itertools.pairwise(best_first)]
    ordered, unranked = 0, 0
    separated: Array = np.zeros(len(neighbours))
    widths = []
    for _ in range(simulations):
        data = simulated(design, valid, rng)
        counts = data.counts()
        try:
            found = fit(counts)
        except NoEstimateError:
            unranked += 1
            continue
        drawn = draws(data, DRAWS, int(rng.integers(2**31)), ties=False, order=False, prior=0)
        by_names = {
            (pair.better, pair.worse): pair for pair in pairwise(names, found, drawn, counts, 0.95)
        }
        right = [by_names.get(pair) for pair in neighbours]
        ordered += None not in right
        separated += [pair is not None and pair.p_value < SIGNIFICANT for pair in right]
        widths += [pair.ci_high - pair.ci_low for pair in right if pair]
    return Power(
        people,
        valid * design.pairs,
        ordered / simulations,
        [float(share) for share in separated / simulations],
        float(np.mean(widths)) if widths else float("nan"),
        unranked,
    )
