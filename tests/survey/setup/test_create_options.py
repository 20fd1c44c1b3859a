"""What `create` makes of its options together, and what it says where they do not fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image as PillowImage

from survey.study import config, stimuli, texts
from tests.analysis.conftest import HEADER, INFO, write_pictures, write_run
from tests.command_line import Done
from tests.command_line import run as run_command
from tests.survey.conftest import run, write_images


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    """A run of two methods on three images, without their PSNR."""
    rows = [
        f"{method},64,{image},ok,1.0,,0,0,1.0,1.0,\n"
        for method in ("telea", "dfnet")
        for image in "xyz"
    ]
    folder = write_run(tmp_path / "run", INFO, HEADER + "".join(rows))
    write_pictures(folder, ["telea", "dfnet"], ["x", "y", "z"], 64)
    return folder


def grey(folder: Path, level: int, names: str = "xyz") -> Path:
    folder.mkdir(parents=True)
    for name in names:
        PillowImage.new("RGB", (64, 64), (level, level, level)).save(folder / f"{name}.png")
    return folder


def given(**folders: Path) -> list[str]:
    return [word for name, folder in folders.items() for word in ("--images", f"{name}={folder}")]


def refused(said: Done) -> str:
    assert said.returncode == 2 and said.stderr.count("\n") == 1, said
    assert said.stderr.startswith("error: ") and said.stdout == ""
    return said.stderr


def design(out: Path) -> Any:
    return config.read(out).design


def test_a_check_method_of_a_folder_is_no_competitor(finished: Path, tmp_path: Path) -> None:
    bad, out = grey(tmp_path / "bad", 99), tmp_path / "study"
    words = ["--run", finished, *given(bad=bad), "--check", "bad", "--out"]
    said = run("create", *words, out, "--methods", "telea,dfnet")
    assert said.returncode == 0 and "3 questions on telea, dfnet\n" in said.stdout, said
    assert design(out).methods == ["telea", "dfnet"] and design(out).check_method == "bad"
    assert {one.method for one in stimuli.read(out)} == {"telea", "dfnet", "bad", "reference"}
    run("create", *words, tmp_path / "all")
    assert design(tmp_path / "all").methods == ["dfnet", "telea", "bad"]
    run("create", *words, tmp_path / "named", "--methods", "telea,bad")
    assert design(tmp_path / "named").methods == ["telea", "bad"]


def test_methods_of_folders_that_others_are_named_beside(finished: Path, tmp_path: Path) -> None:
    folders = given(a=grey(tmp_path / "a", 9), b=grey(tmp_path / "b", 99))
    words = ["--run", finished, *folders, "--check", "dfnet", "--out"]
    run("create", *words, tmp_path / "one", "--methods", "telea,a")
    assert design(tmp_path / "one").methods == ["telea", "a"]
    run("create", *words, tmp_path / "both", "--methods", "telea")
    assert design(tmp_path / "both").methods == ["telea", "a", "b"]
    said = run("create", *words, tmp_path / "folders", "--methods", "a,b")
    assert said.returncode == 0, said
    assert design(tmp_path / "folders").methods == ["a", "b"]


def test_only_originals_of_a_run(finished: Path, tmp_path: Path) -> None:
    folders = given(a=grey(tmp_path / "a", 9), b=grey(tmp_path / "b", 99))
    words = ["--run", finished, *folders, "--methods", "a,b", "--check", "b"]
    said = run("create", *words, "--out", tmp_path / "study")
    assert said.returncode == 0 and "2 of b against the original" in said.stdout, said


@pytest.mark.parametrize("name", ["left", "Right", "TIE"])
def test_no_method_is_called_as_an_answer(finished: Path, tmp_path: Path, name: str) -> None:
    """`analysis rank` could not tell one from the other in votes.csv."""
    folders = given(**{name: grey(tmp_path / "a", 9), "other": grey(tmp_path / "b", 99)})
    said = refused(run("create", *folders, "--out", tmp_path / "study"))
    assert f"{name}: cannot be told from the answer '{name.lower()}'" in said
    assert "--images NAME=DIR" in said
    beside = ["--run", finished, *folders[:2], "--methods", "telea,dfnet", "--check", name]
    assert "cannot be told" in refused(run("create", *beside, "--out", tmp_path / "study"))
    assert not (tmp_path / "study").exists()


@pytest.mark.parametrize("language", texts.languages())
def test_consent_tells_of_validation_questions_where_there_are_some(
    finished: Path, tmp_path: Path, language: str
) -> None:
    sentence = texts.load(language)["consent"]["checks"].strip()
    words = ["--run", finished, "--check", "telea", "--language", language, "--out"]
    for out, option in (("with", []), ("without", ["--checks", "0"])):
        assert run("create", *words, tmp_path / out, *option).returncode == 0
    consents = [config.read(tmp_path / out).consent for out in ("with", "without")]
    assert sentence in consents[0] and sentence not in consents[1]
    assert consents[0].replace(f"{sentence} ", "") == consents[1]
    assert "{" not in consents[0] and "\n\n " not in consents[1]


def test_consent_where_validation_questions_are_not_possible(tmp_path: Path) -> None:
    words = given(a=grey(tmp_path / "a", 9), b=grey(tmp_path / "b", 99))
    run("create", *words, "--out", tmp_path / "study")
    assert "Some questions check" not in config.read(tmp_path / "study").consent


@pytest.mark.parametrize("out", [".", "..", "new/..", "../here"])
def test_a_study_needs_a_folder_of_its_own(tmp_path: Path, out: str) -> None:
    here = tmp_path / "here"
    here.mkdir()
    words = given(a=grey(tmp_path / "a", 9), b=grey(tmp_path / "b", 99))
    said = refused(run_command("survey", "create", *words, "--out", out, cwd=here))
    assert f"--out {out}: name a folder to be made, such as " in said
    assert here.is_dir() and not list(here.iterdir())


def test_the_home_is_found_where_the_shell_leaves_it(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    grey(tmp_path / "mine", 9)
    words = ["--run=~/run", "--images", "mine=~/mine", "--check", "telea", "--out=~/study"]
    said = run_command("survey", "create", *words, cwd=finished)
    assert said.returncode == 0, said
    assert design(tmp_path / "study").methods == ["dfnet", "telea", "mine"]
    said = refused(run("create", "--images", "a=~nobody-of-this-name/x", "--out", "~/other"))
    assert "a=~nobody-of-this-name/x: no such folder" in said


def test_options_that_lack_others(finished: Path, tmp_path: Path) -> None:
    a, b, originals = (grey(tmp_path / name, 9 * len(name)) for name in ("a", "bb", "reference"))
    out = ["--out", tmp_path / "study"]
    two, three = given(a=a, b=b), given(a=a, b=b, reference=originals)

    def said(*words: object) -> str:
        return refused(run("create", *words, *out))

    assert "two methods are needed to compare, but there is only a:" in said(*given(a=a))
    assert "but there is only a:" in said(*given(a=a, reference=originals), "--check", "a")
    assert "but there is none:" in said(*two, "--methods", " , ")
    needed = "--checks 2: no validation questions: they need the originals, --images reference=DIR"
    assert needed in said(*two, "--checks", "2")
    assert "they need --check METHOD, the worst" in said(*three, "--checks", "2")
    assert "they need --check METHOD" in said("--run", finished, "--checks", "1")
    assert "--resolution 512: that of the results in --run" in said(*two, "--resolution", "512")
    other = given(a=a, b=b, reference=grey(tmp_path / "other", 7, "w"))
    no_common = "no image has both a result of a and the original"
    assert no_common in said(*other, "--check", "a", "--checks", "1")
    assert not (tmp_path / "study").exists()


def test_why_there_are_no_validation_questions(finished: Path, tmp_path: Path) -> None:
    a, b, originals = (grey(tmp_path / name, 9 * len(name)) for name in ("a", "bb", "reference"))
    told = {
        "they need the originals, --images reference=DIR, and --check": given(a=a, b=b),
        "they need --check METHOD": given(a=a, b=b, reference=originals),
    }
    for number, (reason, words) in enumerate(told.items()):
        said = run("create", *words, "--out", tmp_path / f"study{number}")
        assert said.returncode == 0 and f"no validation questions: {reason}" in said.stdout


def test_an_empty_word_in_methods_is_nothing(tmp_path: Path) -> None:
    words = given(a=grey(tmp_path / "a", 9), b=grey(tmp_path / "b", 99))
    said = run("create", *words, "--methods", "a, b,", "--out", tmp_path / "study")
    assert said.returncode == 0 and design(tmp_path / "study").methods == ["a", "b"], said


@pytest.mark.parametrize("quality", [0, 80])
def test_methods_whose_images_are_the_same_are_named(tmp_path: Path, quality: int) -> None:
    """A folder given twice, and a copy in other files."""
    folders = [Path(one.split("=")[1]) for one in write_images(tmp_path / "images", 2)]
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in folders[1].iterdir():
        PillowImage.open(path).save(copy / f"{path.stem}.bmp")
    words = given(a=folders[0], b=folders[1], again=folders[0], copy=copy)
    said = run("create", *words, "--quality", quality, "--out", tmp_path / "study")
    assert said.returncode == 0, said
    assert said.stderr == (
        "warning: the same pixels on all images by a and again, b and copy; is a folder given "
        "twice?\n"
    )
    one_differs = tmp_path / "copy/photo0.bmp"
    PillowImage.new("RGB", (48, 48)).save(one_differs)
    said = run("create", *given(b=folders[1], copy=copy), "--out", tmp_path / "other")
    assert said.returncode == 0 and said.stderr == ""


def test_one_question_is_told_as_one(tmp_path: Path) -> None:
    words = given(a=grey(tmp_path / "a", 9, "x"), b=grey(tmp_path / "b", 99, "x"))
    said = run("create", *words, "--out", tmp_path / "study")
    assert ": 1 question on a, b\n" in said.stdout
    assert "each person: 1 question and no validation questions\n" in said.stdout
