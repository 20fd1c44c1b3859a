"""What a run is started in: another system, no standard streams, a full or unusual disk."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmark.execution import writer
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


def test_a_disk_that_refuses_a_name_asks_for_no_space(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(path: Path, _: object) -> None:
        raise OSError(errno.EINVAL, "Invalid argument", str(path))

    monkeypatch.setattr(writer, "write_atomically", refused)
    done = bench.run("--methods", "telea", "--resolutions", "48")
    assert done.returncode == 2
    assert "the disk refuses the name: rename the method" in done.stderr.splitlines()[-1]


def test_runs_are_refused_on_windows(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    done = bench.run("--methods", "telea")
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "use a Linux of WSL" in done.stderr and not bench.out.exists()
