"""What a run is started in: without standard streams, with a full temporary folder."""

from __future__ import annotations

import subprocess

import numpy as np
import pytest

from tests.benchmark.conftest import Bench
from tests.paths import ROOT


@pytest.mark.slow
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_streams_that_are_closed_lose_no_case(bench: Bench, closed: str) -> None:
    command = bench.command("--methods", "telea", "--resolutions", "48")
    shell = ["sh", "-c", f'exec "$0" "$@" {closed}', *command]
    assert subprocess.run(shell, cwd=ROOT, capture_output=True).returncode == 0
    assert {row["status"] for row in bench.rows().values()} == {"ok"}
    assert len(bench.rows()) == 4


def test_a_full_temporary_folder_is_named_not_the_run_folder(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(file: object, array: np.ndarray) -> None:
        # As NumPy says it.
        raise OSError(f"{array.size} requested and 16 written")

    monkeypatch.setattr("benchmark.execution.inference.np.save", full)
    done = bench.run("--methods", "telea", "--resolutions", "48")
    assert done.returncode == 2
    error = done.stderr.splitlines()[-1]
    assert "image.npy cannot be written or read (6912 requested and 16 written)" in error
    assert str(bench.out) not in error
