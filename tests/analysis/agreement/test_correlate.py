"""Metrics against people, where one metric is what people judge by and one is noise."""

from __future__ import annotations

import csv
import json
import re
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import cv2
import numpy as np
import pandas as pd
import pytest
from scipy.optimize import curve_fit
from scipy.special import expit
from typer.testing import CliRunner

from analysis.__main__ import app
from analysis.agreement import correlate, logistic
from analysis.agreement.correlate import Comparison
from analysis.bradley_terry import Array
from analysis.ranking import per_image
from analysis.runs import run as runs
from analysis.votes.answers import CHOICE
from analysis.votes.votes import Votes, read, vote_arrays
from methods.errors import InputError
from tests.analysis.conftest import INFO, METRIC
from tests.analysis.figures.test_figures import command

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


def test_names_of_a_run_and_of_votes_are_compared_in_form_nfc(folder: Path) -> None:
    """As of a run on a Mac, whose file system divides letters and accents."""
    expected = [row.spearman for row in found(folder)]
    for name, e in {"run.json": "e\u0301", "scores.csv": "e\u0301", "votes.csv": "\u00e9"}.items():
        text = (folder / name).read_text(encoding="utf-8")
        text = re.sub(r'(?<=[",\n])(i3|c)(?=[",])', rf"\1{e}", text)
        (folder / name).write_text(text, encoding="utf-8")
    assert runs.load(folder).methods[2] == "ce\u0301"
    assert [row.spearman for row in found(folder)] == expected


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
    assert l1.spearman < -0.6 and np.isnan(l1.pearson) and np.isnan(l1.pearson_low)


def judged_by_coins(seed: int) -> Comparison:
    """40 images, 4 methods, 10 votes on each; the metric has a stable order of methods."""
    rng = np.random.default_rng(seed)
    images, k, each = 40, 4, 10
    image = np.repeat(np.arange(images), each)
    left = rng.integers(0, k, images * each)
    right = (left + rng.integers(1, k, images * each)) % k
    texts = {
        "image": [f"i{i:02d}" for i in image],
        "left": [METHODS[i] for i in left],
        "right": [METHODS[i] for i in right],
    }
    choice = pd.Series(rng.choice(["left", "right"], len(left)), dtype=CHOICE)
    frame = pd.DataFrame(texts, dtype="category").assign(choice=choice, weight=1.0)
    values = np.arange(k) + rng.normal(0, 0.5, (images, k))
    cases = [
        SimpleNamespace(method=m, image=f"i{i:02d}", resolution=64, values={"q": values[i, j]})
        for i in range(images)
        for j, m in enumerate(METHODS)
    ]
    run = SimpleNamespace(
        images=[f"i{i:02d}" for i in range(images)], methods=list(METHODS), cases=cases,
        path=Path("run"), photographs={f"i{i:02d}": i for i in range(images)},
        metrics=[SimpleNamespace(key="q", label="Q", better="higher")],
        not_finite=lambda metric: {},
    )  # fmt: skip
    votes = Votes(frame, sided=True, source=Path("votes.csv"))
    return correlate.correlations(cast(runs.Run, run), votes, 64, samples=100, seed=seed)


@pytest.mark.slow
def test_coins_agree_with_no_metric_more_often_than_intervals_say() -> None:
    """With overall abilities held fixed in the draws it was 68 % of studies."""
    rows = [judged_by_coins(seed).rows[0] for seed in range(40)]
    for name in ("spearman", "kendall", "predicted", "pearson"):
        chance = 0.5 if name == "predicted" else 0
        low, high = (np.array([getattr(c, name + end) for c in rows]) for end in ("_low", "_high"))
        assert np.mean((low > chance) | (high < chance)) < 0.2, name


def test_the_logistic_fit_is_that_of_least_squares() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(3, 2, 200)
    y = expit(2 * (x - 4)) + rng.normal(0, 0.1, 200)

    def curve(x: Array, low: float, height: float, steep: float, middle: float) -> Array:
        return low + height * expit(steep * (x - middle))

    best, _ = curve_fit(curve, x, y, p0=(0, 1, 1, 3))
    expected = np.corrcoef(curve(x, *best), y)[0, 1]
    often = rng.integers(0, 3, 200).astype(float)
    found = logistic.correlations(x, np.stack([y, y]), np.stack([np.ones(200), often]))
    assert found[0] == pytest.approx(expected, abs=2e-3)
    again = np.repeat(x, often.astype(int)), np.repeat(y, often.astype(int))
    repeated = logistic.correlations(again[0], again[1][None], np.ones((1, len(again[0]))))
    assert found[1] == pytest.approx(repeated[0], abs=2e-3)


@pytest.mark.slow
def test_weights_count_in_votes_predicted(folder: Path) -> None:
    before = (folder / "votes.csv").read_text().splitlines()
    weights = np.random.default_rng(0).integers(0, 4, len(before) - 1)
    weighted = [f"{line},{w}" for line, w in zip(before[1:], weights, strict=True)]
    (folder / "votes.csv").write_text("\n".join([before[0] + ",weight", *weighted]) + "\n")
    one = found(folder)[0]
    repeated = [line for line, w in zip(before[1:], weights, strict=True) for _ in range(w)]
    (folder / "votes.csv").write_text("\n".join([before[0], *repeated]) + "\n")
    assert one.predicted == pytest.approx(found(folder)[0].predicted)
    assert one.spearman == pytest.approx(found(folder)[0].spearman)


def test_what_the_run_does_not_have_is_named_and_what_is_empty_explained(folder: Path) -> None:
    lines = (folder / "votes.csv").read_text().splitlines()
    lines += ["p0,torii_walkwai,a,b,left"] * 3 + ["p0,i1,a,zz,left"]
    (folder / "votes.csv").write_text("\n".join(lines) + "\n")
    scores = (folder / "scores.csv").read_text().replace(",i7,", ",torii_walkway,")
    (folder / "scores.csv").write_text(scores)
    info = (folder / "run.json").read_text().replace('"i7"', '"torii_walkway"')
    (folder / "run.json").write_text(info)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = correlate.correlations(
            runs.load(folder), read(folder / "votes.csv"), 64, samples=100
        )
    text = "\n".join(made.notes)
    assert "3 votes on the image 'torii_walkwai' are left out: the run does not have it (is" in text
    assert "(is 'torii_walkway' meant?)" in text and "40 votes on the image 'i7'" in text
    assert "1 votes on the method 'zz' are left out" in text
    assert "No Pearson for PSNR: Spearman's interval is not above 0" in text
    assert "only 11 images: intervals may be too narrow" in text


def test_scores_that_are_all_equal_have_no_correlation_and_no_noise(folder: Path) -> None:
    rows = (folder / "scores.csv").read_text().splitlines()
    flat = [",".join([*row.split(",")[:5], "0.1", ""]) for row in rows[1:]]
    (folder / "scores.csv").write_text("\n".join([rows[0], *flat]) + "\n")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        psnr = next(c for c in found(folder) if c.metric == "PSNR")
    assert np.isnan([psnr.spearman, psnr.spearman_low, psnr.kendall, psnr.pearson]).all()
    assert psnr.predicted == psnr.predicted_low == 0.5


def test_abilities_of_an_image_lie_between_its_votes_and_the_overall_ones(tmp_path: Path) -> None:
    rows = ["image,left,right,choice"]
    rows += [f"x,a,b,{'left' if i < 70 else 'right'}" for i in range(100)]
    rows += ["y,a,b,right"] * 4
    (tmp_path / "v.csv").write_text("\n".join(rows) + "\n")
    votes: Votes = read(tmp_path / "v.csv")
    data, _ = vote_arrays(votes, "image")
    leads = -np.diff(per_image.abilities(data))[:, 0]
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


@pytest.mark.slow
def test_images_of_one_photograph_are_no_further_evidence(tmp_path: Path) -> None:
    """Each photograph three times: every count is triple, the intervals are those of one."""
    folder = written(tmp_path, seed=3)
    alone = found(folder)
    info = json.loads((folder / "run.json").read_text())
    info["dataset"]["images"] = [
        {"name": f"{image['name']}-{mask}", "file": image["name"], "sha256": image["name"]}
        for image in info["dataset"]["images"]
        for mask in "abc"
    ]
    (folder / "run.json").write_text(json.dumps(info))
    for name in ("scores.csv", "votes.csv"):
        heading, *rows = (folder / name).read_text().splitlines()
        tripled = [re.sub(r",(i\d+),", rf",\1-{mask},", row) for row in rows for mask in "abc"]
        (folder / name).write_text("\n".join([heading, *tripled]) + "\n")
    tripled = found(folder)
    assert [(row.images, row.points) for row in tripled] == [(36, 144)] * 2
    for one, three in zip(alone, tripled, strict=True):
        limits = [[r.spearman_low, r.spearman_high, r.predicted_low] for r in (one, three)]
        assert limits[0] == pytest.approx(limits[1])
    done = command("correlate", folder, folder / "votes.csv", "--out", folder / "out")
    assert "whole photographs with all their masks resampled" in done.stdout
    assert "only 12 photographs: intervals may be too narrow" in done.stdout


def test_without_a_reference_only_metrics_that_need_none_are_compared(folder: Path) -> None:
    info = json.loads((folder / "run.json").read_text())
    info["dataset"]["description"] = {"reference": False}
    info["metrics"]["l1"]["needs_reference"] = False
    (folder / "run.json").write_text(json.dumps(info))
    assert [row.metric for row in found(folder)] == ["L1"]
    del info["metrics"]["l1"]["needs_reference"]
    (folder / "run.json").write_text(json.dumps(info))
    done = command("correlate", folder, folder / "votes.csv", "--out", folder / "out")
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1
    assert "PSNR, L1 need a reference, and the dataset has none" in done.stderr
    assert "python -m analysis rank" in done.stderr and not (folder / "out").exists()


@pytest.mark.slow
def test_the_command_line_writes_a_table_and_a_plot(folder: Path) -> None:
    words = ["correlate", str(folder), str(folder / "votes.csv"), "--out", str(folder / "out")]
    done = CliRunner().invoke(app, [*words, "--samples", "100"])
    assert done.exit_code == 0, done.output
    assert "48 results on 12 images at 64 px; 480 decided votes of 480" in done.output
    rows = list(csv.DictReader((folder / "out/correlate.csv").open()))
    assert [row["metric"] for row in rows] == ["L1", "PSNR"]
    assert cv2.imread(str(folder / "out/correlate.png")).std() > 10
