"""Cases are scored and written beside each other while the next ones run."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

import benchmark
from benchmark.execution import local
from benchmark.inputs.photos import Photo
from benchmark.planning.method_specs import MethodSpec
from benchmark.planning.plan import Case


@pytest.mark.slow
def test_as_many_cases_are_scored_at_a_time_as_there_are_cores(
    photos: Path, protocol: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    together, score = threading.Barrier(4), local.score_outcome

    def score_with_others(*case: Any) -> Any:
        together.wait(timeout=60)
        return score(*case)

    monkeypatch.setattr(local, "available_cores", lambda: 5)
    monkeypatch.setattr(local, "score_outcome", score_with_others)
    scores = benchmark.run(photos, ["telea"], out=tmp_path / "run", protocol=protocol)
    assert len(scores) == 12 and set(scores["status"]) == {"ok"}


@pytest.mark.parametrize(
    ("workers", "cores", "side", "threads"),
    [
        (1, 2, 2048, 2),
        (1, 16, 2048, 8),
        (4, 16, 2048, 8),
        (1, 16, 4096, 2),
        (8, 8, 2048, 4),
        (1, 16, 100_000, 2),
    ],
)
def test_cores_and_memory_limit_how_many(
    workers: int, cores: int, side: int, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "available_cores", lambda: cores)
    cases = [
        Case(MethodSpec("telea", "telea", {}), size, Photo("p", "p.png", ""), "", "", "")
        for size in (64, side)
    ]
    assert local.scoring_threads(workers, cases) == threads
    assert local.scoring_threads(workers, []) >= 2
