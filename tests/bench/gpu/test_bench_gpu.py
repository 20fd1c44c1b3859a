"""The GPU bench on a CPU: what goes wrong is a row, it keeps to its time, and all of it runs."""

from __future__ import annotations

import csv
import json
import os
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.bench.gpu import __main__ as command
from tests.bench.gpu import bench, needs, networks, plan, rest
from tests.bench.gpu.process import MeasurementError, Measurer
from tests.methods.pretended_gpu import DEVICE, pretended_gpu

HERE = "tests.bench.gpu.test_bench_gpu"


def without_memory() -> dict[str, Any]:
    raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 GiB")


def without_package() -> dict[str, Any]:
    raise ModuleNotFoundError("No module named 'pebble'")


def crash() -> dict[str, Any]:
    os._exit(3)


def hang() -> dict[str, Any]:
    time.sleep(600)
    return {}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("function", "seconds", "status", "reason"),
    [
        ("without_memory", 60, "out of memory", "Tried to allocate 9 GiB"),
        ("without_package", 60, "left out", "No module named 'pebble': this row needs it"),
        ("crash", 60, "failed", "the process ended with exit code 3"),
        ("hang", 0.2, "timed out", "no result within 0 s"),
    ],
)
def test_what_goes_wrong_is_what_its_row_says(
    function: str, seconds: float, status: str, reason: str
) -> None:
    measurer = Measurer()
    try:
        with pytest.raises(MeasurementError, match=reason) as error:
            measurer.call(f"{HERE}:{function}", [], seconds)
        assert error.value.status == status and not measurer.is_alive
    finally:
        measurer.close()


def planned(sizes: list[int]) -> list[plan.Planned]:
    names = list(networks.NETWORKS)
    return plan.rows(names, rest.step_names(), "weights", "cuda", sizes, 4, 100)


def test_all_rows_are_expected_to_fit_into_the_time() -> None:
    rows = planned([1024, 2048, 3072, 4096])
    starts = 1 + sum(a.group != b.group for a, b in pairwise(rows))
    assert sum(row.estimate_s for row in rows) + plan.START_S * starts < 60 * 7
    assert {row.part for row in rows} == set(plan.PARTS)
    compared = [row for row in rows if row.part == "results"]
    assert len(compared) == 3 * len(networks.NETWORKS)


def test_packages_that_are_missing_are_named_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(needs, "find_spec", lambda name: None if name in ("cv2", "PIL") else name)
    assert command.main([]) == 2
    said = capsys.readouterr().err
    assert said == "error: bench-gpu needs opencv-python-headless, pillow: pip install them\n"


@pytest.mark.slow
def test_a_device_that_is_not_there_is_one_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["--device", "cuda:99", "--out", str(tmp_path / "out")]) == 2
    (said,) = capfd.readouterr().err.splitlines()
    assert said.startswith("error: --device cuda:99:") and not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_folder_that_cannot_be_made_is_one_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert command.main(["--device", "cpu", "--out", str(tmp_path / "file" / "out")]) == 2
    assert capfd.readouterr().err == f"error: --out {tmp_path}/file/out: Not a directory\n"


@pytest.mark.parametrize("option", ["--processes", "--cases"])
def test_no_processes_and_no_cases_are_refused(option: str) -> None:
    with pytest.raises(SystemExit) as refused:
        command.main([option, "0"])
    assert refused.value.code == 2


@pytest.mark.slow
def test_without_time_everything_is_left_out_and_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--device", "cpu", "--minutes", "0", "--sizes", "64", "--out", str(tmp_path)]
    assert command.main(words) == 0
    record = json.loads((tmp_path / "bench.json").read_text())
    assert record["rows"] == [] and len(record["left_out"]) == len(planned([64]))
    assert "left out, as --minutes 0 would not suffice" in capsys.readouterr().out


@pytest.mark.slow
def test_every_kind_of_row_runs_on_a_cpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    kept = {networks.COMPACT: networks.NETWORKS[networks.COMPACT]}
    monkeypatch.setattr(networks, "NETWORKS", kept)
    monkeypatch.setattr(plan, "WORKERS", (2,))
    assert bench.run_bench(tmp_path / "out", str(tmp_path), "cpu", [64, 128], 60, 2, 3) == 0
    with (tmp_path / "out" / "rows.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["part"] for row in rows} == set(plan.PARTS)
    assert {row["status"] for row in rows} == {"ok"}
    exact = [row for row in rows if row["part"] == "results" and row["precision"] == "float32"]
    assert [row["psnr_to_cpu_db"] for row in exact] == ["inf"]
    coarse = [row for row in rows if row["part"] == "results" and row["precision"] == "bf16"]
    assert 40 < float(coarse[0]["psnr_to_cpu_db"]) < 90


@pytest.mark.slow
def test_outputs_are_computed_where_no_tensor_may_be_on_the_cpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("dfnet", "refinement", "deepfillv2", "hifill")
    networks.write_weights(str(tmp_path), names)
    monkeypatch.setattr(networks, "SIDE", 256)
    for what in networks.NETWORKS:
        if "hifill" in what:
            monkeypatch.setattr(networks, "SIDE", 512)
        on_cpu, allowed = networks.outputs(
            networks.create(what, str(tmp_path), "cpu", "float32"), "cpu"
        )
        with pretended_gpu(monkeypatch):
            method = networks.create(what, str(tmp_path), DEVICE, "float32")
            found, _ = networks.outputs(method, DEVICE)
        for name, expected in on_cpu.items():
            assert (found[name] - expected).abs().max() <= allowed, (what, name)
            assert expected.std() > 1e-4, "an output that says something"
