"""Studies of runs at native size, and of object removal."""

from __future__ import annotations

from pathlib import Path

import pytest

from survey.study import config, stimuli
from tests.analysis.own_sizes import METHODS, native_info, write_native, write_native_pictures
from tests.survey.conftest import run

SIZES = {"x": (60, 120), "y": (150, 90), "z": (64, 64)}


def written(folder: Path, *, reference: bool) -> Path:
    info = native_info(dict.fromkeys(SIZES, 0.1), reference=reference)
    write_native(folder, info)
    write_native_pictures(folder, SIZES)
    return folder


def test_a_run_at_native_size_becomes_a_study(tmp_path: Path) -> None:
    finished, out = written(tmp_path / "run", reference=True), tmp_path / "study"
    said = run("create", "--run", finished, "--resolution", "native", "--reference", "--out", out)
    assert said.returncode == 0, said.stderr
    assert config.read(out).stimuli.resolution == "native"
    shown = {(one.image, one.method): (one.height, one.width) for one in stimuli.read(out)}
    methods = (*METHODS, "reference")
    assert shown == {(image, method): SIZES[image] for image in SIZES for method in methods}
    assert config.read(out).design.check_method == "one"


def test_the_original_is_never_shown_where_it_has_the_object(tmp_path: Path) -> None:
    finished, out = written(tmp_path / "run", reference=False), tmp_path / "study"
    said = run("create", "--run", finished, "--out", out)
    assert said.returncode == 0, said.stderr
    assert {one.method for one in stimuli.read(out)} == set(METHODS)
    assert config.read(out).design.checks_per_person == 0
    assert "no validation questions: the originals of the run show the object" in said.stdout


@pytest.mark.parametrize("option", [["--reference"], ["--check", "one"]])
def test_the_original_with_the_object_is_refused(tmp_path: Path, option: list[str]) -> None:
    finished = written(tmp_path / "run", reference=False)
    said = run("create", "--run", finished, *option, "--out", tmp_path / "study")
    assert said.returncode == 2 and said.stderr.count("\n") == 1
    assert f"{' '.join(option)}: the originals of the run show the object to be" in said.stderr
    assert not (tmp_path / "study").exists()


def test_results_retouched_by_hand_are_right_in_validation_questions(tmp_path: Path) -> None:
    finished, out = written(tmp_path / "run", reference=False), tmp_path / "study"
    by_hand = finished / "outputs/native/reference"
    words = ["--images", f"reference={by_hand}", "--check", "one"]
    said = run("create", "--run", finished, *words, "--out", out)
    assert said.returncode == 0 and "2 of one against the original" in said.stdout, said
    assert config.read(out).design.methods == list(METHODS)
