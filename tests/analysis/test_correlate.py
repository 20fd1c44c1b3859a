"""Metrics against people, where one metric is what people judge by and one is noise."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.special import expit
from typer.testing import CliRunner

from analysis import correlate, per_image
from analysis import run as runs
from analysis.__main__ import app
from analysis.errors import InputError
from analysis.ranking import coded
from analysis.votes import Votes, read
from tests.analysis.conftest import INFO, METRIC

METHODS = ("a", "b", "c", "d")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return written(tmp_path, seed=3)


def written(tmp_path: Path, seed: int) -> Path:
    """People judge by `l1` (lower is better); `psnr` says nothing."""
    rng = np.random.default_rng(seed)
    images = [f"i{i}" for i in range(12)]
    info = {
        **INFO,
        "methods": [
            {"label": m, "method": m, "options": {}, "note": ""} for m in METHODS
        ],
        "resolutions": [64],
        "dataset": {"path": "", "images": [{"name": image} for image in images]},
        "metrics": {
            "psnr": {**METRIC, "label": "PSNR", "better": "higher"},
            "l1": {**METRIC, "label": "L1", "better": "lower"},
        },
    }  # fmt: skip
    (tmp_path / "run.json").write_text(json.dumps(info))
    rows = ["method,resolution,image,status,l1,psnr,error"]
    votes = ["participant,image,left,right,choice"]
    for image in images:
        level = rng.normal(0, 50)
        good = dict(zip(METHODS, rng.normal(0, 1.5, 4), strict=True))
        for method in METHODS:
            rows.append(f"{method},64,{image},ok,{100 + level - good[method]},{rng.normal(30, 2)},")
        for person in range(40):
            left, right = rng.choice(METHODS, 2, replace=False)
            choice = "left" if rng.random() < expit(good[left] - good[right]) else "right"
            votes.append(f"p{person},{image},{left},{right},{choice}")
    (tmp_path / "scores.csv").write_text("\n".join(rows) + "\n")
    (tmp_path / "votes.csv").write_text("\n".join(votes) + "\n")
    return tmp_path


def found(folder: Path, **options: int) -> list[correlate.Correlation]:
    votes = read(folder / "votes.csv")
    return correlate.correlations(runs.load(folder), votes, 64, samples=200, **options).rows


def test_the_metric_that_people_judge_by_comes_first_and_the_other_is_chance(folder: Path) -> None:
    l1, psnr = found(folder)
    assert (l1.metric, psnr.metric) == ("L1", "PSNR")
    assert l1.spearman_low > 0.6 and l1.kendall_low > 0.4 and l1.pearson_low > 0.6
    assert psnr.spearman_low < 0 < psnr.spearman_high
    assert psnr.predicted_low < 0.5 < psnr.predicted_high < l1.predicted_low
    assert (l1.points, l1.images, l1.votes) == (48, 12, 480)


def test_votes_predicted_are_counted_one_by_one(folder: Path) -> None:
    scores = {}
    for row in csv.DictReader((folder / "scores.csv").open()):
        scores[row["method"], row["image"]] = float(row["l1"])
    right = [
        (scores[v["left"], v["image"]] < scores[v["right"], v["image"]]) == (v["choice"] == "left")
        for v in csv.DictReader((folder / "votes.csv").open())
    ]
    assert found(folder)[0].predicted == pytest.approx(np.mean(right))


def test_a_metric_that_people_contradict_does_not_agree_after_the_logistic_fit(
    folder: Path,
) -> None:
    info = json.loads((folder / "run.json").read_text())
    info["metrics"]["l1"]["better"] = "higher"
    (folder / "run.json").write_text(json.dumps(info))
    l1 = next(c for c in found(folder) if c.metric == "L1")
    assert l1.spearman < -0.6 and l1.pearson < 0.2


def test_abilities_of_an_image_lie_between_its_votes_and_the_overall_ones(tmp_path: Path) -> None:
    rows = ["image,left,right,choice"]
    rows += [f"x,a,b,{'left' if i < 70 else 'right'}" for i in range(100)]
    rows += ["y,a,b,right"] * 4
    (tmp_path / "v.csv").write_text("\n".join(rows) + "\n")
    votes: Votes = read(tmp_path / "v.csv")
    data, _ = coded(votes, "image")
    leads = -np.diff(per_image.abilities(data, 2))[:, 0]
    overall = np.log(70 / 34)
    assert overall < leads[0] < np.log(70 / 30)
    share = per_image.PRIOR_VOTES * 70 / 104
    assert leads[1] == pytest.approx(np.log(share / (per_image.PRIOR_VOTES - share + 4)))


def test_too_few_points_and_foreign_votes_are_refused(folder: Path) -> None:
    text = (folder / "votes.csv").read_text().splitlines()
    few = [text[0], *(line for line in text if ",i1," in line)]
    (folder / "votes.csv").write_text("\n".join(few) + "\n")
    with pytest.raises(InputError, match="4 methods on images have votes and scores at 64 px"):
        found(folder)
    (folder / "votes.csv").write_text("image,left,right,choice\nz,k,l,left\n")
    with pytest.raises(InputError, match="no vote on images and methods"):
        found(folder)


def test_the_command_line_writes_a_table_and_a_plot(folder: Path) -> None:
    words = ["correlate", str(folder), str(folder / "votes.csv"), "--out", str(folder / "out")]
    done = CliRunner().invoke(app, [*words, "--samples", "100"])
    assert done.exit_code == 0, done.output
    assert "48 results on 12 images at 64 px; 480 decided votes of 480" in done.output
    rows = list(csv.DictReader((folder / "out/correlate.csv").open()))
    assert [row["metric"] for row in rows] == ["L1", "PSNR"]
    assert cv2.imread(str(folder / "out/correlate.png")).std() > 10
