"""What `--help` imports: nothing that makes a user wait for a text."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.paths import ROOT

HEAVY = {
    "PIL", "choix", "cv2", "dask", "flask", "matplotlib", "numba", "numpy", "pandas", "pyarrow",
    "scipy", "skimage", "sqlalchemy", "torch",
}  # fmt: skip


def imported(*words: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    lines = (line for line in done.stderr.splitlines() if line.startswith("import time:"))
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        "run_benchmark.py",
        "-m analysis",
        "-m analysis rank",
        "-m analysis correlate",
        "-m analysis report",
        "-m analysis figure",
        "-m analysis set-metrics",
        "-m methods",
        "-m methods fill",
        "-m methods gimp",
        "-m survey",
        "-m survey create",
        "-m survey serve",
    ],
)
def test_help_imports_no_heavy_package(command: str) -> None:
    found = imported(*command.split(), "--help")
    assert "typer" in found
    assert not found & HEAVY


@pytest.mark.slow
def test_the_list_of_methods_runs_none() -> None:
    found = imported("-m", "methods", "list")
    # PatchMatch alone is loaded, with what it imports, to see if its native library is there.
    assert {"PIL", "numpy", "patchmatch"} <= found
    assert not found & ((HEAVY | {"filelock", "gdown", "requests"}) - {"PIL", "numpy"})
