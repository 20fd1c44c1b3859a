"""scores.parquet of a large run: the same values as scores.csv, and never an old one."""

from __future__ import annotations

import csv
import hashlib
import json
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import polars as pl
import pytest
from rich.console import Console

from analysis.runs import run
from benchmark import job
from benchmark.planning.plan import Plan
from benchmark.run_folder import parquet
from benchmark.run_folder.folder import RunFolder
from benchmark.run_folder.rows import Row, Rows, write_scores

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
    parquet.write_parquet(folder / "scores.csv", parquet.LARGE)
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
    kept = pl.read_parquet_metadata(packed)[parquet.CHECKSUM]
    other = pl.read_parquet(packed).with_columns(l1=pl.lit(7.0))
    other.write_parquet(packed, metadata={parquet.CHECKSUM: kept})
    assert run.load(folder).scores == from_text
    digest = hashlib.sha256(packed.read_bytes()).hexdigest()
    packed.with_name(parquet.SUMS).write_text(f"{digest}  scores.parquet\n")
    assert run.load(folder).scores[0].values["l1"] == 7


def test_a_damaged_one_is_not_read_whatever_bit_is_flipped(folder: Path) -> None:
    from_text = run.load(folder).scores
    packed = pack(folder)
    whole = packed.read_bytes()
    for place in np.random.default_rng(0).integers(0, 8 * len(whole), 40):
        damaged = bytearray(whole)
        damaged[place // 8] ^= 1 << (place % 8)
        packed.write_bytes(damaged)
        assert run.load(folder).scores == from_text
    packed.write_bytes(whole[:-100])
    assert run.load(folder).scores == from_text


def test_one_that_this_polars_cannot_read_is_left_alone(folder: Path) -> None:
    from_text = run.load(folder).scores
    packed = pack(folder)
    packed.write_bytes(b"PAR9")
    digest = hashlib.sha256(b"PAR9").hexdigest()
    packed.with_name(parquet.SUMS).write_text(f"{digest}  scores.parquet\n")
    assert run.load(folder).scores == from_text


def test_one_that_was_made_from_other_scores_is_not_read(folder: Path) -> None:
    pack(folder)
    lines = (folder / "scores.csv").read_text().splitlines(keepends=True)
    (folder / "scores.csv").write_text("".join(lines[:-1]))
    assert len(run.load(folder).scores) == len(lines) - 2


def test_a_run_that_got_smaller_keeps_none(folder: Path) -> None:
    packed = pack(folder)
    parquet.write_parquet(folder / "scores.csv", parquet.LARGE - 1)
    assert not packed.exists()


@contextmanager
def full_disk(size: int) -> Iterator[None]:
    """No file grows beyond so many bytes."""
    kept = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, kept[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, kept)


def write_with_job(folder: Path, rows: Rows) -> None:
    job._write_scores(
        cast(RunFolder, SimpleNamespace(path=folder)),
        cast(Plan, SimpleNamespace(rows=rows)),
        METRICS,
        Console(stderr=True, soft_wrap=True),
    )


def some_rows(level: float) -> Rows:
    return Rows(Row("a", 64, f"{i:05}", "ok", {"l1": level + i / 7}) for i in range(2000))


def test_a_full_disk_is_a_warning_and_scores_csv_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(parquet, "LARGE", 1000)
    write_with_job(tmp_path, some_rows(1))
    assert {path.name for path in tmp_path.iterdir()} == {
        "scores.csv",
        "scores.parquet",
        "scores.parquet.sha256",
    }
    before = (tmp_path / "scores.csv").read_bytes()
    monkeypatch.setattr(job, "write_scores", lambda path, rows, metrics: None)
    with full_disk(1000):
        write_with_job(tmp_path, some_rows(2))
    assert [path.name for path in tmp_path.iterdir()] == ["scores.csv"]
    assert (tmp_path / "scores.csv").read_bytes() == before
    said = capsys.readouterr().err
    assert said.startswith("warning: no scores.parquet beside") and said.count("\n") == 1
    assert "File too large" in said


def test_a_kill_while_scores_csv_is_replaced_leaves_no_old_values(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other programs read the Parquet file alone."""
    monkeypatch.setattr(parquet, "LARGE", 1000)
    write_with_job(tmp_path, some_rows(1))

    def killed(path: Path, rows: Rows, metrics: list[str]) -> None:
        write_scores(path, rows, metrics)
        raise KeyboardInterrupt

    monkeypatch.setattr(job, "write_scores", killed)
    with pytest.raises(KeyboardInterrupt):
        write_with_job(tmp_path, some_rows(2))
    assert [path.name for path in tmp_path.iterdir()] == ["scores.csv"]
