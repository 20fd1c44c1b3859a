"""A run has its first case scored again by scikit-image and numpy, and ends where they disagree."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from importlib.metadata import version
from typing import Any

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from benchmark.metrics import METRICS, Scores
from methods.images import read_mask, read_rgb
from tests.benchmark.conftest import Bench, save
from tests.paths import ROOT

GREY = "tests.benchmark.own_methods:Grey"


def checked(bench: Bench) -> dict[str, Any]:
    text = (bench.out / "run.json").read_text()
    # Strict JSON: other programs know no infinity.
    return json.loads(text, parse_constant=pytest.fail)["metrics_checked"]


def wrong(monkeypatch: pytest.MonkeyPatch, by: float) -> None:
    """Let the suite's PSNR be wrong by a factor."""
    right = METRICS["psnr"].function

    def function(pair: Any) -> Scores:
        whole, hole = right(pair)
        return Scores(whole * (1 + by), hole)

    monkeypatch.setitem(METRICS, "psnr", replace(METRICS["psnr"], function=function))


@pytest.mark.slow
@pytest.mark.parametrize("where", [("--workers", "2"), ("--cluster", "local:2")])
def test_the_first_case_is_compared_and_recorded(bench: Bench, where: tuple[str, str]) -> None:
    assert bench.run("--methods", "telea", *where).returncode == 0
    record = checked(bench)
    assert (record["method"], record["resolution"]) == ("telea", 48)
    assert record["versions"] == {name: version(name) for name in ("scikit-image", "numpy")}
    slot = record["method"], record["resolution"], record["image"]
    row, scores = bench.rows()[slot], record["scores"]
    assert set(scores) == {name + over for name in ("l1", "psnr", "ssim") for over in ("", "_hole")}
    assert all(score["value"] == float(row[name]) for name, score in scores.items())

    reference, result = (
        read_rgb(bench.out / f"outputs/48/{name}/{record['image']}.png")
        for name in ("reference", "telea")
    )
    mask = read_mask(bench.out / f"masks/48/{record['image']}.png")
    _, similarity = structural_similarity(
        reference, result, channel_axis=2, data_range=255, full=True, gaussian_weights=True,
        sigma=1.5, use_sample_covariance=False,
    )  # fmt: skip
    expected = {
        "l1": np.abs(reference.astype(float) - result).mean(),
        "psnr": peak_signal_noise_ratio(reference, result),
        "ssim_hole": similarity[mask].mean(),
    }
    for name, value in expected.items():
        assert scores[name]["witness"] == pytest.approx(value, abs=1e-12)
        assert scores[name]["difference"] == abs(scores[name]["value"] - scores[name]["witness"])
    assert record["largest_difference"] == max(each["difference"] for each in scores.values())
    assert record["largest_difference"] < 1e-9


@pytest.mark.slow
def test_a_wrong_metric_ends_the_run_in_one_line_and_is_scored_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        wrong(patch, 1e-4)
        done = bench.run("--methods", f"telea,{GREY}", "--option", f"{GREY}.seconds=0.3")
    assert done.returncode == 2 and "Traceback" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    record = checked(bench)
    here, there = (str(record["scores"]["psnr"][key]) for key in ("value", "witness"))
    assert len(lines) == 1 and here in lines[0] and there in lines[0]
    assert f"psnr of telea, 48 px, {record['image']} is" in lines[0]
    # It ended long before the last of 24 cases, and what was finished is there.
    rows = bench.rows()
    assert 1 <= len(rows) < 20 and rows["telea", 48, record["image"]]["psnr"] == here

    done = bench.run("--methods", "telea")
    assert done.returncode == 0, done.stderr
    assert bench.rows()["telea", 48, record["image"]]["psnr"] != here
    assert checked(bench)["largest_difference"] < 1e-9
    rows = bench.rows()
    clean = replace(bench, out=bench.out.with_name("clean"))
    assert clean.run("--methods", "telea").returncode == 0
    telea = {slot: row for slot, row in rows.items() if slot[0] == "telea"}
    assert {slot: row["psnr"] for slot, row in telea.items()} == {
        slot: row["psnr"] for slot, row in clean.rows().items()
    }


def test_a_difference_of_rounding_is_none(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong(monkeypatch, 1e-8)
    assert bench.run("--methods", "telea", "--resolutions", "48").returncode == 0
    assert 0 < checked(bench)["largest_difference"] < 1e-5


@pytest.mark.slow
def test_a_perfect_result_has_the_same_infinite_psnr(bench: Bench) -> None:
    for path in bench.photos.glob("*.png"):
        save(path, np.full((96, 96, 3), 128, np.uint8))
    assert bench.run("--methods", GREY, "--resolutions", "48").returncode == 0
    psnr = checked(bench)["scores"]["psnr"]
    assert psnr == {"value": "inf", "witness": "inf", "difference": 0.0}
    assert math.isinf(float(next(iter(bench.rows().values()))["psnr"]))


@pytest.mark.slow
def test_infinity_against_a_number_is_wrong(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong(monkeypatch, math.inf)
    done = bench.run("--methods", "telea", "--resolutions", "48")
    assert done.returncode == 2 and " is inf here and " in done.stderr
    assert checked(bench)["scores"]["psnr"]["difference"] == "inf"


@pytest.mark.slow
def test_a_command_with_nothing_to_score_keeps_the_record(bench: Bench) -> None:
    words = "--methods", "telea", "--resolutions", "48"
    bench.run(*words)
    before = checked(bench)
    assert bench.run(*words).returncode == 0 and checked(bench) == before
    # New cases are checked anew.
    assert bench.run("--methods", "navier-stokes", "--resolutions", "48").returncode == 0
    assert checked(bench)["method"] == "navier-stokes"


@pytest.mark.slow
def test_without_a_reference_nothing_is_compared(bench: Bench) -> None:
    mask = np.zeros((96, 96), np.uint8)
    mask[30:60, 30:60] = 255
    images = bench.photos / "images"
    images.mkdir()
    for path in bench.photos.glob("*.png"):
        path.rename(images / path.name)
        save(bench.photos / "masks" / path.name, mask)
    (bench.photos / "dataset.toml").write_text("reference = false\n")
    bench = replace(bench, protocol=ROOT / "benchmark" / "protocols" / "native.toml")
    done = bench.run("--methods", "telea")
    assert done.returncode == 0, done.stderr
    assert checked(bench) == {"remark": "no case with a result and a reference was scored"}
