"""How often intervals and tests of a Plackett-Luce ranking are right, and how long it takes.

python -m tests.bench.orders_coverage_bench [--studies 400]

As `ranking_coverage_bench`: of the 95 % intervals of all differences between methods, how many hold
the truth; of studies of equal methods, in how many any two differ significantly. Every person
orders, or chooses the best of, four methods 25 times and has abilities of their own.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator

import numpy as np

from analysis.bradley_terry import NoEstimateError
from analysis.plackett_luce import OrderArrays, arrays, bootstrap, fit
from analysis.ranking import witness
from analysis.ranking.pairwise import SIGNIFICANT, pairwise_differences

METHODS, QUESTIONS, SPREAD, RESAMPLES = 4, 25, 0.5, 400
# People from whom the true differences are computed.
MANY = 8000


def study(truth: np.ndarray, people: int, ordered: bool, rng: np.random.Generator) -> OrderArrays:
    k = len(truth)
    own = np.repeat(truth + rng.normal(0, SPREAD, (people, k)), QUESTIONS, axis=0)
    # The model's definition by Gumbel's distribution (Yellott 1977).
    votes = np.argsort(-(own + rng.gumbel(size=own.shape)), axis=1)
    person = np.repeat(np.arange(people, dtype=np.int32), QUESTIONS)
    ranked = [tuple(map(int, vote)) for vote in votes]
    return arrays(ranked, np.ones(len(ranked)), person, k, ordered=ordered)


def coverage(
    truth: np.ndarray, people: int, ordered: bool, studies: int
) -> tuple[float, float, int]:
    """Return the share of intervals that hold, that of studies with a difference, and failures."""
    rng = np.random.default_rng([people, ordered])
    large = study(truth, MANY, ordered, rng)
    right = fit(large.choices, large.counts()).abilities * (truth != 0).any()
    held, different, failed = [], [], 0
    for _ in range(studies):
        data = study(truth, people, ordered, rng)
        counts = data.counts()
        try:
            found = fit(data.choices, counts)
        except NoEstimateError:
            failed += 1
            continue
        resamples = bootstrap(data, RESAMPLES, int(rng.integers(2**31)), 0.0)
        names = [str(i) for i in range(len(truth))]
        implied = data.choices.implied(counts)
        pairs = pairwise_differences(names, found, resamples, implied, 0.95)
        held += [
            pair.ci_low <= right[int(pair.better)] - right[int(pair.worse)] <= pair.ci_high
            for pair in pairs
        ]
        different.append(any(pair.p_value < SIGNIFICANT for pair in pairs))
    return float(np.mean(held)), float(np.mean(different)), failed


def seconds() -> Iterator[str]:
    """Time a study of 150 people, 1000 resamples, and the same fit by choix."""
    for k in (4, 10):
        data = study(np.linspace(0.5, -0.5, k), 150, True, np.random.default_rng(0))
        start = time.perf_counter()
        found = fit(data.choices, data.counts())
        bootstrap(data, 1000, 0, 0.0)
        fitted = time.perf_counter()
        single = [data.distinct[i] for i in data.vote]
        checked = witness.orders(single, found.abilities)
        assert isinstance(checked, witness.Witness), checked
        own, other = fitted - start, time.perf_counter() - fitted
        yield (
            f"{k} methods: {own:.2f} s with 1000 resamples; choix {other:.2f} s once, "
            f"largest difference {checked.largest_difference:.0e}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=400)
    studies = parser.parse_args().studies
    print("\n".join(seconds()))
    print(
        f"{studies} studies each: votes, people, 95 % intervals equal, unequal; family-wise error"
    )
    for ordered in (True, False):
        for people in (10, 20, 50, 150):
            equal = coverage(np.zeros(METHODS), people, ordered, studies)
            other = coverage(np.linspace(0.5, -0.5, METHODS), people, ordered, studies)
            print(
                f"{'orders' if ordered else 'choices':8}{people:5}{equal[0]:9.1%}{other[0]:9.1%}"
                f"{equal[1]:9.1%}  no finite estimate: {equal[2] + other[2]}",
                flush=True,
            )


if __name__ == "__main__":
    main()
