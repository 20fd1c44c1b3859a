"""The bench of large runs measures what it says: photographs that differ, and every stage."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.runs import run
from tests.bench import analysis_bench


def test_the_photographs_of_a_large_run_differ(tmp_path: Path) -> None:
    """Under one checksum they were one photograph, and intervals had nothing to draw."""
    assert analysis_bench.run_folder(tmp_path / "run", 240) == 240
    loaded = run.load(tmp_path / "run")
    assert loaded.number_of_photographs == len(loaded.images) == 3


@pytest.mark.slow
def test_every_stage_is_measured(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(analysis_bench, "METHODS", ["method a", "method b"])
    analysis_bench.main([8])
    cases, *numbers = map(float, capsys.readouterr().out.splitlines()[-1].split())
    assert cases == 8 and len(numbers) == 9
