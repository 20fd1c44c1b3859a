"""Ranking beside choix on the same votes, in one run: `python -m tests.bench.ranking_bench`."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import choix
import numpy as np
import pandas as pd
from scipy.special import expit

from analysis.bradley_terry import (
    Counts,
    VoteArrays,
    bootstrap,
    fit,
    fit_many,
    from_wins,
    has_estimate,
)
from analysis.ranking import ranking
from analysis.votes import exclusions, votes
from tests.bench.fresh import measured

METHODS, PEOPLE, VOTES = 7, 150, 3750
BOOTSTRAPS = 1000
REPEATS = 7
SPARSE_METHODS, SPARSE_VOTES = 15, 120
# Through choix on raw votes 1000 bootstraps take long; this many are timed and scaled.
TIMED = 20
# A crowd: everything that the survey exports, about 100 bytes a vote.
CROWD_METHODS, CROWD_PEOPLE, CROWD_VOTES, CROWD_IMAGES = 100, 50_000, 5_000_000, 100


def study(seed: int = 0) -> VoteArrays:
    rng = np.random.default_rng(seed)
    abilities = np.linspace(-1, 1, METHODS)
    left = rng.integers(0, METHODS, VOTES)
    right = (left + rng.integers(1, METHODS, VOTES)) % METHODS
    lost = rng.random(VOTES) > expit(abilities[left] - abilities[right])
    return VoteArrays(
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


def crowd(seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    abilities = np.linspace(-1, 1, CROWD_METHODS)
    left = rng.integers(0, CROWD_METHODS, CROWD_VOTES)
    right = (left + rng.integers(1, CROWD_METHODS, CROWD_VOTES)) % CROWD_METHODS
    lost = rng.random(CROWD_VOTES) > expit(abilities[left] - abilities[right])
    names = np.array([f"method-{i:03d}" for i in range(CROWD_METHODS)])
    photographs = np.array([f"photograph_{i}" for i in range(CROWD_IMAGES)])
    people = np.array([f"participant-{i}" for i in range(CROWD_PEOPLE)])
    each = CROWD_VOTES // CROWD_PEOPLE
    return pd.DataFrame(
        {
            "participant": np.repeat(people, each),
            "question": np.tile(np.arange(each), CROWD_PEOPLE),
            "image": photographs[rng.integers(0, CROWD_IMAGES, CROWD_VOTES)],
            "left": names[left],
            "right": names[right],
            "choice": np.where(lost, "right", "left"),
            "is_check": np.zeros(CROWD_VOTES, np.int8),
            "check_passed": "",
            "response_ms": rng.integers(900, 9000, CROWD_VOTES),
            "answered_at": "2026-01-02T03:04:05.678+00:00",
        }
    )


def ranked(path: str) -> Callable[[], ranking.Ranking]:
    """From a file to a ranking with intervals, as `rank` does it before it draws."""

    def action() -> ranking.Ranking:
        valid, _ = exclusions.apply(votes.read(Path(path)), exclusions.Rules())
        return ranking.rank(valid, ranking.Settings(samples=BOOTSTRAPS))

    return action


def sparse() -> None:
    """Few votes with ties and an order effect, for which no short cut decides existence."""
    rng = np.random.default_rng(0)
    tables = np.zeros((BOOTSTRAPS, 3, SPARSE_METHODS, SPARSE_METHODS))
    for table in tables:
        left = rng.integers(0, SPARSE_METHODS, SPARSE_VOTES)
        right = (left + rng.integers(1, SPARSE_METHODS, SPARSE_VOTES)) % SPARSE_METHODS
        np.add.at(table, (rng.choice(3, SPARSE_VOTES, p=[0.35, 0.35, 0.3]), left, right), 1)
    counts = Counts(*tables.swapaxes(0, 1))
    check = best(lambda: has_estimate(counts, order=True))
    fits = best(lambda: fit_many(counts, order=True, prior=0.1))
    print(
        f"\n{BOOTSTRAPS} data sets, {SPARSE_METHODS} methods, {SPARSE_VOTES} votes, 30 % ties,",
        end="",
    )
    print(f" order effect: existence {check:.3f} s, fits {fits:.3f} s, {check / fits:.0%}")


def from_files() -> None:
    print(
        f"\n{CROWD_VOTES:,} votes of {CROWD_PEOPLE:,} people on {CROWD_METHODS} methods, ", end=""
    )
    print(f"{BOOTSTRAPS:,} bootstraps, in a process of its own")
    print(f"{'':44}{'seconds':>10}{'peak MB':>9}{'file MB':>9}")
    with tempfile.TemporaryDirectory() as folder:
        made = crowd()
        for suffix, write in (("csv", made.to_csv), ("parquet", made.to_parquet)):
            path = Path(folder) / f"votes.{suffix}"
            write(path, index=False)
            cost = measured("tests.bench.ranking_bench:ranked", str(path))
            size = path.stat().st_size / 2**20
            peak = cost.megabytes
            print(f"{f'{suffix} to ranking':44}{cost.seconds:10.2f}{peak:9.0f}{size:9.0f}")
            path.unlink()


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
    many = best(lambda: bootstrap(votes, BOOTSTRAPS, 0, ties=True, order=False, prior=0))
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
    sparse()
    from_files()


if __name__ == "__main__":
    main()
