"""`python -m analysis set-metrics`: values, files, what is refused and why."""

from __future__ import annotations

import copy
import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.runs import run
from analysis.sets import features, set_metrics
from analysis.sets.distances import frechet_distance, kernel_distance, kernel_sums
from methods.base import Image
from tests.analysis.conftest import HEADER, INFO, save_case, write_run
from tests.command_line import Done
from tests.command_line import run as command
from tests.paths import ROOT

IMAGES = [f"p{number:02}" for number in range(24)]


def colours(image: Image) -> np.ndarray:
    """Three features that are easy to check: the mean colour."""
    return image.reshape(-1, 3).mean(axis=0).astype(np.float32)


def small(key: str = "efficientnet_", side: int = 16) -> features.Network:
    return features.Network(key, "Own ", "mean colours", 3, side, lambda: colours)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two methods on 24 photographs of 32 px."""
    monkeypatch.setitem(features.NETWORKS, "efficientnet", small())
    monkeypatch.setitem(features.NETWORKS, "inception", small(""))
    rows = [f"{m},32,{i},ok,1,1,0,0,1,1,\n" for m in ("[a]", "b|ar") for i in IMAGES]
    folder = write_run(tmp_path / "run", described(IMAGES), HEADER + "".join(rows))
    for seed, image in enumerate(IMAGES):
        save_case(folder, 32, image, ["[a]", "b|ar"], (32, 32), seed)
    return folder


def described(images: list[str], masks: int = 1) -> dict[str, Any]:
    """run.json with several masks to a photograph."""
    info = copy.deepcopy(INFO)
    info["resolutions"], info["methods"] = [32], info["methods"][:2]
    info["dataset"]["images"] = [
        {"name": name, "file": f"{name}.png", "sha256": f"{number // masks}"}
        for number, name in enumerate(images)
    ]
    return info


def compute(folder: Path, out: Path, *words: str) -> Done:
    return command("analysis", "set-metrics", folder, "--out", out, *words)


def rows(out: Path) -> dict[tuple[str, str], dict[str, str]]:
    with (out / "set_metrics.csv").open(encoding="utf-8", newline="") as file:
        return {(row["method"], row["metric"]): row for row in csv.DictReader(file)}


def sets(folder: Path, method: str) -> tuple[np.ndarray, np.ndarray]:
    loaded = run.load(folder)
    found = []
    for name in ("reference", method):
        pictures = [loaded.read_image(name, 32, image) for image in IMAGES]
        found.append(np.array([colours(p) for p in pictures if p is not None], np.float64))
    return found[0], found[1]


def test_values_are_those_of_the_features(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = compute(folder, out)
    assert done.returncode == 0, done.stderr
    found = rows(out)
    for method in ("[a]", "b|ar"):
        x, y = sets(folder, method)
        sums = kernel_sums(x, y, np.arange(24))
        expected = {
            "efficientnet_fd": frechet_distance(x, y),
            "efficientnet_kd": kernel_distance(sums, same_photograph=True),
            "efficientnet_kd_u": kernel_distance(sums, same_photograph=False),
        }
        for key, value in expected.items():
            row = found[method, key]
            assert float(row["value"]) == pytest.approx(value)
            assert float(row["ci_low"]) < value < float(row["ci_high"])
            assert (row["images"], row["photographs"], row["samples"]) == ("24", "24", "24")
        assert 0 <= float(found[method, "efficientnet_u_ids"]["value"]) <= 0.5
    table = (out / "set_metrics.md").read_text()
    assert "Own Fréchet distance ↓" in table and "FID" not in table
    assert "\\label{tab:set_metrics}" in (out / "set_metrics.tex").read_text()


def test_the_names_of_inceptions(folder: Path, tmp_path: Path) -> None:
    compute(folder, tmp_path / "out", "--features", "inception")
    keys = {key for _, key in rows(tmp_path / "out")}
    assert keys == {"fid", "kid", "kid_u", "p_ids", "u_ids"}
    assert "| FID ↓ | KID ↓ | KID (U) ↓ |" in (tmp_path / "out" / "set_metrics.md").read_text()


def test_patches_show_the_hole_alone(folder: Path, tmp_path: Path) -> None:
    # The hole is 11 px wide: one patch of 16 px, whose mean the hole decides more.
    whole, around = tmp_path / "whole", tmp_path / "around"
    compute(folder, whole)
    assert compute(folder, around, "--patches").returncode == 0
    key = "[a]", "efficientnet_fd"
    assert float(rows(around)[key]["value"]) > 2 * float(rows(whole)[key]["value"])
    assert "squares of 16 x 16 px at full resolution" in (around / "set_metrics.md").read_text()


def test_the_same_seed_gives_the_same_files(folder: Path, tmp_path: Path) -> None:
    first, second, third = (tmp_path / name for name in "abc")
    compute(folder, first, "--seed", "1")
    compute(folder, second, "--seed", "1")
    compute(folder, third, "--seed", "2")
    texts = [(out / "set_metrics.csv").read_text() for out in (first, second, third)]
    assert texts[0] == texts[1] != texts[2]


def test_too_few_images_for_the_features_are_said(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # 24 images of 13 features: singular covariances are not far.
    many = replace(small(), features=13)
    monkeypatch.setitem(features.NETWORKS, "efficientnet", many)
    assert compute(folder, tmp_path / "out").returncode == 0
    found = rows(tmp_path / "out")
    assert found["[a]", "efficientnet_fd"]["value"] == ""
    assert found["[a]", "efficientnet_p_ids"]["value"] == ""
    assert float(found["[a]", "efficientnet_kd_u"]["value"]) > 0
    table = (tmp_path / "out" / "set_metrics.md").read_text()
    assert (
        "left out for 24 images, it needs 26, twice the 13 features: with fewer, the cov" in table
    )


def test_too_few_photographs_are_refused(folder: Path, tmp_path: Path) -> None:
    # The same images, but two masks to a photograph.
    write_run(folder, described(IMAGES, masks=2), (folder / "scores.csv").read_text())
    done = compute(folder, tmp_path / "out")
    assert done.returncode == 2 and not (tmp_path / "out").exists()
    assert "set metrics need 20 photographs with results, there are 12" in done.stderr


def test_a_row_of_fewer_images_is_marked(folder: Path, tmp_path: Path) -> None:
    scores = (folder / "scores.csv").read_text()
    failed = scores.replace("[a],32,p00,ok,1,1,0,0,1,1,", "[a],32,p00,failed,,,,,,,boom")
    write_run(folder, described(IMAGES), failed)
    assert compute(folder, tmp_path / "out").returncode == 0
    found = rows(tmp_path / "out")
    assert found["[a]", "efficientnet_kd"]["images"] == "23"
    table = (tmp_path / "out" / "set_metrics.md").read_text()
    assert "| 23* |" in table and "32 px: 23 images of 24; not comparable" in table


def test_what_has_no_reference_or_no_file_is_refused(folder: Path, tmp_path: Path) -> None:
    (folder / "outputs/32/[a]/p03.png").unlink()
    done = compute(folder, tmp_path / "out")
    assert done.returncode == 2 and "p03 of [a], 32 px: the file is missing" in done.stderr
    info = described(IMAGES)
    info["dataset"]["description"] = {"reference": False}
    write_run(folder, info, (folder / "scores.csv").read_text())
    done = compute(folder, tmp_path / "out")
    assert done.returncode == 2 and "the dataset has none (reference = false)" in done.stderr


def test_intervals_take_the_masks_of_a_photograph_together(folder: Path) -> None:
    """Copies of every photograph, as further masks, are no further evidence."""
    loaded = run.load(folder)
    once = set_metrics.set_metrics(loaded, small(), resamples=100)
    info = described([name for image in IMAGES for name in (image, f"{image}_2")], masks=2)
    lines = (folder / "scores.csv").read_text().splitlines(keepends=True)
    twice = lines + [line.replace(",ok", "_2,ok") for line in lines[1:]]
    for place in folder.rglob("p??.png"):
        place.with_name(f"{place.stem}_2.png").write_bytes(place.read_bytes())
    write_run(folder, info, "".join(twice))
    double = set_metrics.set_metrics(run.load(folder), small(), resamples=100)
    for a, b in zip(once.cells, double.cells, strict=True):
        assert (a.samples, b.samples, b.photographs) == (24, 48, 24)
        first, second = a.values["kd_u"], b.values["kd_u"]
        assert second.value == pytest.approx(first.value)
        assert second.ci_low == pytest.approx(first.ci_low)


def test_the_manual_names_the_limits() -> None:
    text = (ROOT / "docs" / "metrics.md").read_text()
    assert f"fewer than {set_metrics.FEWEST_PHOTOGRAPHS} photographs" in text
    for network, limit in (("efficientnet", "640"), ("inception", "4096")):
        metric = set_metrics.METRICS["fd"]
        assert f"{set_metrics.fewest_samples(metric, features.NETWORKS[network])}" == limit
        assert limit in text
