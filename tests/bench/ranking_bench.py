"""Ranking beside choix on the same votes, in one run: `python -m tests.bench.ranking_bench`."""

from __future__ import annotations

import time
from collections.abc import Callable

import choix
import numpy as np
from scipy.special import expit

from analysis.bootstrap import Coded, draws
from analysis.bradley_terry import fit, fit_many, from_wins

METHODS, PEOPLE, VOTES = 7, 150, 3750
BOOTSTRAPS = 1000
REPEATS = 7
# Through choix on raw votes 1000 bootstraps take long; this many are timed and scaled.
TIMED = 20


def study(seed: int = 0) -> Coded:
    rng = np.random.default_rng(seed)
    abilities = np.linspace(-1, 1, METHODS)
    left = rng.integers(0, METHODS, VOTES)
    right = (left + rng.integers(1, METHODS, VOTES)) % METHODS
    lost = rng.random(VOTES) > expit(abilities[left] - abilities[right])
    return Coded(
        left.astype(np.int32),
        right.astype(np.int32),
        lost.astype(np.int8),
        np.ones(VOTES),
        np.repeat(np.arange(PEOPLE, dtype=np.int32), VOTES // PEOPLE),
        METHODS,
    )


def best(action: Callable[[], object]) -> float:
    action()
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return min(times)


def resampled_raw(pairs: list[tuple[int, int]], rng: np.random.Generator) -> None:
    """Bootstrap draws of participants, fitted by choix vote by vote."""
    each = VOTES // PEOPLE
    for _ in range(TIMED):
        drawn = [
            vote
            for person in rng.integers(0, PEOPLE, PEOPLE)
            for vote in pairs[person * each : (person + 1) * each]
        ]
        choix.ilsr_pairwise(METHODS, drawn)


def main() -> None:
    votes = study()
    wins = votes.counts().wins
    counts = from_wins(wins)
    pairs = [
        (int(a), int(b)) if choice == 0 else (int(b), int(a))
        for a, b, choice in zip(votes.left, votes.right, votes.choice, strict=True)
    ]
    raw = best(lambda: choix.ilsr_pairwise(METHODS, pairs))
    ours = best(lambda: fit(votes.counts()))
    dense = best(lambda: choix.ilsr_pairwise_dense(wins))
    on_counts = best(lambda: fit_many(counts))
    many = best(lambda: draws(votes, BOOTSTRAPS, 0, ties=True, order=False, prior=0))
    rng = np.random.default_rng(0)
    start = time.perf_counter()
    resampled_raw(pairs, rng)
    by_choix = (time.perf_counter() - start) * BOOTSTRAPS / TIMED
    print(f"{METHODS} methods, {VOTES} votes of {PEOPLE} people; best of {REPEATS}")
    print(f"{'':44}{'seconds':>10}{'ratio':>9}")
    print(f"{'choix.ilsr_pairwise on votes':44}{raw:10.5f}{'1.0x':>9}")
    print(f"{'fit on votes, counting included':44}{ours:10.5f}{raw / ours:8.1f}x")
    print(f"{'choix.ilsr_pairwise_dense on counts':44}{dense:10.5f}{'1.0x':>9}")
    print(f"{'fit on counts, with standard errors':44}{on_counts:10.5f}{dense / on_counts:8.1f}x")
    print(f"{f'{BOOTSTRAPS} bootstraps through choix (of {TIMED})':44}{by_choix:10.3f}{'1.0x':>9}")
    print(f"{f'{BOOTSTRAPS} bootstraps of participants':44}{many:10.3f}{by_choix / many:8.1f}x")


if __name__ == "__main__":
    main()
