"""Runs of the benchmark, merged on the command line and gone on with."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage
from typer.testing import CliRunner

from analysis.__main__ import app
from tests.command_line import run

# Columns of scores.csv that another start changes.
MEASURED = ("seconds", "peak_memory_mb", "peak_cuda_memory_mb")


def benchmark(folder: Path, out: str, methods: str) -> str:
    words = ["--dataset", folder / "photos", "--resolutions", "32", "--methods", methods]
    done = run("run_benchmark", *words, "--out", folder / out)
    assert done.returncode == 0, done.stderr
    return done.stderr


def scores(folder: Path) -> list[dict[str, str]]:
    with (folder / "scores.csv").open(encoding="utf-8", newline="") as file:
        return [{k: v for k, v in row.items() if k not in MEASURED} for row in csv.DictReader(file)]


@pytest.mark.slow
def test_merged_runs_are_those_of_one_command_and_are_gone_on_with(
    tmp_path: Path, undrawn: None
) -> None:
    (tmp_path / "photos").mkdir()
    for seed, name in enumerate(["dawn", "мост"]):
        pixels = np.random.default_rng(seed).integers(0, 256, (48, 48, 3), np.uint8)
        PillowImage.fromarray(pixels).save(tmp_path / f"photos/{name}.png")
    benchmark(tmp_path, "a", "telea")
    benchmark(tmp_path, "b", "navier-stokes")
    benchmark(tmp_path, "all", "telea,navier-stokes")
    out = tmp_path / "out"
    words = ["merge", str(tmp_path / "a"), str(tmp_path / "b"), "--out", str(out)]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0 and done.output.strip() == str(out / "report.html")
    assert scores(out) == scores(tmp_path / "all")
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "Merged from" in page and "from run" in page
    assert "<h1>Inpainting benchmark: out</h1>" in page and ".part" not in page
    said = benchmark(tmp_path, "out", "telea")
    assert "2 cases, 2 finished before, 0 to run" in said
    assert "kept from before: navier-stokes, 2 cases" in said
    # Where the others were computed is still known.
    said = benchmark(tmp_path, "out", "biharmonic")
    assert "2 cases, 0 finished before, 2 to run" in said
    notes = (out / "tables/cost.md").read_text(encoding="utf-8")
    assert "- telea: run a; machine" in notes and "- navier-stokes: run b; machine" in notes
    assert "- biharmonic: run here, after merging; machine" in notes
