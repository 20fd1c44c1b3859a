"""How often intervals and tests of a ranking are right, by simulated studies.

python -m tests.bench.ranking_coverage_bench [--studies 1000]

Coverage: of the 95 % intervals of all differences between methods. Family-wise error: of studies of
equal methods, those in which any two differ significantly. Every person judges 25 pairs, and has
abilities of their own around the common ones.
"""

from __future__ import annotations

import argparse
import itertools
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import NamedTuple

import numpy as np

from analysis.bradley_terry import (
    NoEstimateError,
    VoteArrays,
    bootstrap,
    fit,
    fit_many,
    probabilities,
)
from analysis.ranking.pairwise import SIGNIFICANT, pairwise_differences

METHODS, PEOPLE = (2, 3, 5), (10, 20, 50, 150)
PAIRS, SPREAD, RESAMPLES = 25, 0.5, 400
# Davidson's t: about a quarter of the answers of equal methods.
LOG_TIE = np.log(2 / 3)
# People from whom the true differences are computed.
MANY = 400_000


class Cell(NamedTuple):
    methods: int
    people: int
    ties: bool
    equal: bool


class Result(NamedTuple):
    held: float  # share of intervals with the true difference
    wrong: float  # share of studies with a significant difference
    unranked: int  # studies without a finite ranking


def abilities_of(cell: Cell) -> np.ndarray:
    return np.zeros(cell.methods) if cell.equal else np.linspace(0.5, -0.5, cell.methods)


def study(cell: Cell, people: int, rng: np.random.Generator) -> VoteArrays:
    k, votes = cell.methods, people * PAIRS
    own = abilities_of(cell) + rng.normal(0, SPREAD, (people, k))
    person = np.repeat(np.arange(people, dtype=np.int32), PAIRS)
    left = rng.integers(0, k, votes)
    right = (left + rng.integers(1, k, votes)) % k
    lead = own[person, left] - own[person, right]
    strong, weak, even = np.exp(lead / 2), np.exp(-lead / 2), np.exp(LOG_TIE) * cell.ties
    draw = rng.random(votes) * (strong + weak + even)
    choice = np.where(draw < strong, 0, np.where(draw < strong + weak, 1, 2))
    return VoteArrays(
        left.astype(np.int32), right.astype(np.int32), choice.astype(np.int8), np.ones(votes),
        person, k,
    )  # fmt: skip


def measure(cell: Cell, studies: int) -> Result:
    rng = np.random.default_rng([cell.methods, cell.people, cell.ties, cell.equal])
    truth = fit_many(study(cell, MANY // PAIRS, rng).counts()).abilities
    truth = 0 * truth if cell.equal else truth
    names = [str(i) for i in range(cell.methods)]
    held, wrong, unranked = [], [], 0
    for _ in range(studies):
        votes = study(cell, cell.people, rng)
        counts = votes.counts()
        try:
            found = fit(counts)
        except NoEstimateError:
            unranked += 1
            continue
        seed = int(rng.integers(2**31))
        resamples = bootstrap(votes, RESAMPLES, seed, ties=True, order=False, prior=0)
        pairs = pairwise_differences(names, found, resamples, counts, 0.95)
        for pair in pairs:
            difference = truth[int(pair.better)] - truth[int(pair.worse)]
            held.append(pair.ci_low <= difference <= pair.ci_high)
        wrong.append(any(pair.p_value < SIGNIFICANT for pair in pairs))
    return Result(float(np.mean(held)), float(np.mean(wrong)), unranked)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=1000)
    studies = parser.parse_args().studies
    assert np.isclose(probabilities(np.array([0, 0, LOG_TIE, 0]))[2][0, 1], 0.25)
    cells = list(itertools.starmap(Cell, itertools.product(METHODS, PEOPLE, *[(False, True)] * 2)))
    with ProcessPoolExecutor() as pool:
        results = dict(zip(cells, pool.map(partial(measure, studies=studies), cells), strict=True))
    print(f"{studies} studies each, {PAIRS} pairs a person, spread {SPREAD}")
    print(f"{'':18}{'coverage of 95 % intervals':^30}{'family-wise error':^20}{'no finite':>10}")
    print(f"{'methods':8}{'people':>7}  {'ties':4}{'equal':>10}{'unequal':>12}{'':14}{'equal':>10}")
    for methods, people, ties in itertools.product(METHODS, PEOPLE, (False, True)):
        equal, other = (results[Cell(methods, people, ties, same)] for same in (True, False))
        print(
            f"{methods:<8}{people:7}  {'yes' if ties else 'no':4}{equal.held:10.1%}"
            f"{other.held:12.1%}{'':14}{equal.wrong:10.1%}{equal.unranked + other.unranked:14}"
        )


if __name__ == "__main__":
    main()
