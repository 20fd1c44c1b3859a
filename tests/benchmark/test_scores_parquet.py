"""scores.parquet of a large run: the same values as scores.csv, and never an old one."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from analysis import run
from benchmark import scores_parquet
from benchmark.rows import Row, Rows, write_scores

METRICS = ["l1", "psnr", "ssim", "l1_hole"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run folder with everything that a row may hold."""
    draws = np.random.default_rng(0).uniform(0, 50, (200, 4))
    rows = [
        Row("a", 64, f"{i:03}", "ok", dict(zip(METRICS, map(float, four), strict=True)), 0, 0.1, 80)
        for i, four in enumerate(draws)
    ]
    rows.append(Row("a", 64, "perfect", "ok", {"l1": 0.0, "psnr": float("inf"), "ssim": 1.0}, 3))
    rows.append(Row("été:b", 64, "x, y", "failed", error='it said "no", twice'))
    write_scores(tmp_path / "scores.csv", Rows(rows), METRICS)
    described = {"label": "", "unit": "", "better": "higher", "decimals": 1, "definition": ""}
    metrics = {name: {**described, "across_resolutions": True} for name in METRICS}
    told = {
        "methods": [{"label": "a"}, {"label": "été:b"}],
        "resolutions": [64],
        "dataset": {"images": []},
        "metrics": metrics,
        "protocol": {"metrics": METRICS},
    }
    (tmp_path / "run.json").write_text(json.dumps(told))
    return tmp_path


def pack(folder: Path) -> Path:
    scores_parquet.write_parquet(folder / "scores.csv", scores_parquet.LARGE)
    return folder / "scores.parquet"


def test_both_files_hold_the_same_values(folder: Path) -> None:
    packed = pl.read_parquet(pack(folder))
    with (folder / "scores.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert packed.columns == list(rows[0])
    for row, values in zip(rows, packed.iter_rows(named=True), strict=True):
        for name, value in values.items():
            text = row[name]
            assert value == (type(value)(text) if value is not None else None), name
            assert (value is None) == (text == "" and name != "error")


def test_the_analysis_reads_the_same_from_both(folder: Path) -> None:
    from_text = run.load(folder).scores
    packed = pack(folder)
    assert run.load(folder).scores == from_text
    # That it is the Parquet file which was read shows by one with other values.
    kept = pl.read_parquet_metadata(packed)[scores_parquet.CHECKSUM]
    other = pl.read_parquet(packed).with_columns(l1=pl.lit(7.0))
    other.write_parquet(packed, metadata={scores_parquet.CHECKSUM: kept})
    assert run.load(folder).scores[0].values["l1"] == 7
    packed.write_bytes(packed.read_bytes()[:-100])
    assert run.load(folder).scores == from_text


def test_one_that_was_made_from_other_scores_is_not_read(folder: Path) -> None:
    pack(folder)
    lines = (folder / "scores.csv").read_text().splitlines(keepends=True)
    (folder / "scores.csv").write_text("".join(lines[:-1]))
    assert len(run.load(folder).scores) == len(lines) - 2


def test_a_run_that_got_smaller_keeps_none(folder: Path) -> None:
    packed = pack(folder)
    scores_parquet.write_parquet(folder / "scores.csv", scores_parquet.LARGE - 1)
    assert not packed.exists()
