"""Image files as people have them: from a Mac, with 16 bits, named in any script."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import cv2
import numpy as np
import pytest

from survey.study import stimuli
from tests.command_line import Done
from tests.survey.conftest import run, write_images

NAME = "café"


def create(tmp_path: Path, given: list[str]) -> Done:
    words = [word for one in given for word in ("--images", one)]
    return run("create", *words, "--check", "telea", "--out", tmp_path / "study")


def test_hidden_files_are_passed_over_and_named(tmp_path: Path) -> None:
    given = write_images(tmp_path)
    hidden = tmp_path / "telea" / "._photo0.png"
    hidden.write_bytes(b"\0\5\x16\7Mac OS X")
    said = create(tmp_path, given)
    assert said.returncode == 0, said.stderr
    assert f"passed over: {hidden}, a hidden file" in said.stdout
    assert len(stimuli.read(tmp_path / "study")) == 24


def test_a_folder_of_hidden_files_alone_has_no_images(tmp_path: Path) -> None:
    given = write_images(tmp_path)
    for path in (tmp_path / "telea").iterdir():
        path.rename(path.with_name(f"._{path.name}"))
    said = create(tmp_path, given)
    assert said.returncode == 2 and "no images in it" in said.stderr


def test_names_are_one_in_either_unicode_form(tmp_path: Path) -> None:
    given = write_images(tmp_path, images=2)
    for number, form in enumerate(("NFC", "NFD", "NFC", "NFD")):
        folder = Path(given[number].split("=")[1])
        (folder / "photo0.png").rename(folder / f"{unicodedata.normalize(form, NAME)}.png")
    assert create(tmp_path, given).returncode == 0
    listed = stimuli.read(tmp_path / "study")
    assert {one.image for one in listed} == {NAME, "photo1"} and len(listed) == 8


def test_one_image_in_both_forms_is_refused(tmp_path: Path) -> None:
    given = write_images(tmp_path)
    folder = tmp_path / "telea"
    for number, form in enumerate(("NFC", "NFD")):
        name = f"{unicodedata.normalize(form, NAME)}.png"
        (folder / f"photo{number}.png").rename(folder / name)
    said = create(tmp_path, given)
    assert said.returncode == 2 and "two files of one image; keep one" in said.stderr


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_sixteen_bits_are_refused_in_one_line(tmp_path: Path, suffix: str, channels: int) -> None:
    """Pillow would cut off the lower eight without a word."""
    given = write_images(tmp_path)
    deep = np.random.default_rng(0).integers(0, 65536, (48, 48, channels), np.uint16)
    path = tmp_path / "telea" / "photo0.png"
    path.unlink()
    cv2.imwrite(str(path.with_suffix(suffix)), deep)
    said = create(tmp_path, given)
    assert said.returncode == 2 and not (tmp_path / "study").exists()
    assert said.stderr.count("\n") == 1
    assert f"photo0{suffix}: more than 8 bits a channel; save it as 8-bit RGB" in said.stderr
