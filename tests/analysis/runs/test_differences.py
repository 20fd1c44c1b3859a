"""Paired differences and their intervals, against scipy's t interval and by hand."""

from __future__ import annotations

import csv
import math
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from analysis.runs import differences, run
from tests.analysis.conftest import HEADER, INFO, METRIC, write_run

IMAGES = [f"i{n}" for n in range(30)]


def folder_of(tmp_path: Path, scores: dict[tuple[str, int], list[float]], better: str) -> run.Run:
    """A run with one metric, `q`, and the given scores by image."""
    info = {
        **INFO,
        "methods": [{"label": m, "note": ""} for m in dict.fromkeys(m for m, _ in scores)],
        "resolutions": sorted({size for _, size in scores}),
        "metrics": {"q": {**METRIC, "label": "Q", "better": better}},
        "protocol": {"name": "tiny", "metrics": ["q"]},
        "dataset": {"images": [{"name": name} for name in IMAGES]},
    }
    rows = [
        f"{method},{size},{image},ok,{float(value)!r},\n"
        for (method, size), values in scores.items()
        for image, value in zip(IMAGES, values, strict=True)
    ]
    return run.load(
        write_run(tmp_path, info, "method,resolution,image,status,q,error\n" + "".join(rows))
    )


def test_differences_are_paired_and_agree_with_the_t_interval(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    # Images differ by tens, methods by one: only pairing can see it.
    photos = rng.normal(30, 10, 30)
    shifts = rng.normal(1.0, 0.5, 30)
    scores = {("low", 64): list(photos - shifts), ("top", 64): list(photos)}
    (found,) = differences.to_best(folder_of(tmp_path, scores, "higher"))
    assert (found.method, found.other, found.images, found.outcome) == ("low", "top", 30, "worse")
    assert found.difference == pytest.approx(-shifts.mean())
    low, high = stats.t.interval(0.95, 29, -shifts.mean(), shifts.std(ddof=1) / math.sqrt(30))
    assert found.ci_low == pytest.approx(low, abs=0.03)
    assert found.ci_high == pytest.approx(high, abs=0.03)


@pytest.mark.parametrize(("better", "best"), [("higher", "b"), ("lower", "a")])
def test_the_best_is_by_the_metrics_direction(tmp_path: Path, better: str, best: str) -> None:
    scores = {("a", 64): [1.0] * 30, ("b", 64): [2.0] * 30}
    (found,) = differences.to_best(folder_of(tmp_path, scores, better))
    assert found.other == best and found.outcome == "worse"
    assert (found.difference, found.ci_low, found.ci_high) == (
        (1, 1, 1) if best == "a" else (-1,) * 3
    )


def test_an_interval_that_holds_zero_is_unclear(tmp_path: Path) -> None:
    noise = np.random.default_rng(2).normal(0, 1, 30)
    scores = {("a", 64): list(noise - noise.mean() - 0.01), ("b", 64): [0.0] * 30}
    (found,) = differences.to_best(folder_of(tmp_path, scores, "higher"))
    assert found.outcome == "unclear" and found.ci_low < 0 < found.ci_high  # type: ignore[operator]


def test_an_exact_result_takes_its_photograph_out_for_all_methods(tmp_path: Path) -> None:
    """It made its method the best, with an infinite mean, and absent from all differences."""
    scores = {
        ("a", 64): [9.0] + [1.0] * 29,
        ("b", 64): [0.0] + [2.0] * 29,
        ("exact once", 64): [math.inf] + [1.5] * 29,
    }
    loaded = folder_of(tmp_path, scores, "higher")
    found = {d.method: d for d in differences.to_best(loaded)}
    assert {d.other for d in found.values()} == {"b"} and set(found) == {"a", "exact once"}
    assert found["a"].difference == -1 and found["a"].images == 29
    assert found["exact once"].difference == -0.5


def test_resolution_is_compared_within_a_method_and_only_where_that_means_something(
    tmp_path: Path,
) -> None:
    rng = np.random.default_rng(3)
    before = rng.normal(25, 3, 30)
    scores = {
        ("native", 64): list(before),
        ("native", 96): list(before - 1),
        ("native", 128): list(before - 2 + rng.normal(0, 0.1, 30)),
    }
    loaded = folder_of(tmp_path, scores, "higher")
    (found,) = differences.across_resolutions(loaded)
    assert (found.resolution, found.other_resolution, found.outcome) == (128, 64, "worse")
    assert found.difference == pytest.approx(-2, abs=0.1)
    loaded.info["metrics"]["q"]["across_resolutions"] = False
    assert differences.across_resolutions(loaded) == []


def test_few_images_give_no_interval(tmp_path: Path) -> None:
    assert differences.interval([0.5, 0.4, 0.6, 0.7]) is None
    assert differences.interval([0.5, 0.4, 0.6, 0.7, 0.5]) is not None
    info = {**INFO, "dataset": {"images": [{"name": "x"}]}, "resolutions": [64]}
    scores = HEADER + "[a],64,x,ok,1,20,0,0,1,1,\nb|ar,64,x,ok,2,10,0,0,1,1,\n"
    found = differences.to_best(run.load(write_run(tmp_path, info, scores)))
    assert [d.outcome for d in found] == ["unclear"] * 2 and found[0].ci_low is None


def test_masks_of_one_photograph_are_no_further_evidence(tmp_path: Path) -> None:
    values = np.random.default_rng(5).normal(1, 1, 12)
    alone = differences.interval(values)
    tripled, owners = np.repeat(values, 3), np.repeat(np.arange(12), 3).tolist()
    assert differences.interval(tripled, owners) == pytest.approx(alone)
    assert differences.interval(np.repeat(values[:4], 3), owners[:12]) is None
    # One photograph with most of the masks: the mean is still that over images.
    unequal = differences.interval([*values[:6], *[values[6]] * 9], [*range(6), *[6] * 9])
    assert unequal is not None and unequal[0] < np.mean([*values[:6], *[values[6]] * 9])


def test_differences_of_a_run_are_resampled_by_photograph(tmp_path: Path) -> None:
    scores = {("a", 64): [20.0] * 30, ("b", 64): [21.0, 22.0, 23.0] * 10}
    loaded = folder_of(tmp_path, scores, "higher")
    for number, image in enumerate(loaded.info["dataset"]["images"]):
        image["sha256"] = f"{number % 3}"
    (found,) = differences.to_best(loaded)
    assert (found.images, found.ci_low, found.outcome) == (30, None, "unclear")


@pytest.mark.slow
@pytest.mark.parametrize(("images", "least"), [(8, 0.90), (34, 0.92)])
def test_intervals_hold_the_truth_about_as_often_as_they_say(images: int, least: float) -> None:
    rng = np.random.default_rng(4)
    held = 0
    for _ in range(200):
        found = differences.interval(rng.normal(0, 1, images))
        assert found is not None
        held += found[0] <= 0 <= found[1]
    assert least <= held / 200 <= 0.99


@pytest.mark.slow
def test_many_images_take_little_memory_for_the_interval_that_is_drawn_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    values = np.random.default_rng(3000).exponential(size=3000) - 0.9
    tracemalloc.start()
    found = differences.interval(values)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # At once: 9999 x 3000 resamples, half a gigabyte.
    assert peak < 32 * 2**20
    monkeypatch.setattr(differences, "_BATCH", 2**40)
    assert differences.interval(values) == found


def test_files_hold_what_was_computed(folder: Path) -> None:
    loaded = run.load(folder)
    differences.write(loaded)
    with (folder / "tables/differences.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    # At 128 px [a] lacks an image: nothing to compare.
    assert [(row["metric"], row["method"], row["resolution"], row["other"]) for row in rows] == [
        ("l1", "b|ar", "64", "[a]"),
        ("psnr", "b|ar", "64", "[a]"),
    ]
    assert float(rows[0]["difference"]) == pytest.approx((1.501 - 1.0 + 1.5 - 2.0) / 2)
    with (folder / "tables/across_resolutions.csv").open(newline="") as file:
        assert [row["method"] for row in csv.DictReader(file)] == ["b|ar", "b|ar"]
