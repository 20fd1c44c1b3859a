"""`python -m methods fill`: one image, folders of them, and what is refused."""

from __future__ import annotations

import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np
import pytest

import methods
from methods.base import Image, Inpainter, Mask, MethodError
from tests.command_line import Done, run
from tests.methods.conftest import box, scene

HOLE = box(40, 56, slice(10, 25), slice(20, 40))
OWN = "tests.methods.fill.test_fill:Choosy"


@dataclass(kw_only=True)
class Choosy(Inpainter):
    """Fills with `seed`, but neither dark images nor those that begin grey."""

    name: ClassVar[str] = "choosy"
    summary: ClassVar[str] = "for tests"
    seed: int = 7

    def fill(self, image: Image, mask: Mask) -> Image:
        if image.max() < 30:
            raise MethodError("too dark\nto see")
        if (image[0, 0] == 128).all():
            raise ZeroDivisionError("grey")
        return np.full_like(image, self.seed)


def save(path: Path, pixels: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    stored = pixels.astype(np.uint8) * 255 if pixels.dtype == bool else pixels
    cv2.imwrite(str(path), stored[..., ::-1] if stored.ndim == 3 else stored)
    return path


def read(path: Path) -> np.ndarray:
    return cv2.cvtColor(cv2.imread(str(path), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


@pytest.fixture
def boat(tmp_path: Path) -> Path:
    """A folder with boat.png and mask.png."""
    save(tmp_path / "boat.png", scene(1, 40, 56))
    save(tmp_path / "mask.png", HOLE)
    return tmp_path


def fill(folder: Path, *words: object) -> Done:
    return run("methods", "fill", *words, cwd=folder)


def one(folder: Path, *words: object, method: str = "telea") -> Done:
    return fill(folder, method, "boat.png", "mask.png", "new/result.png", *words)


def test_an_image_is_filled_as_from_python(boat: Path) -> None:
    done = one(boat, "--option", "radius=5")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("new/result.png: 56x40, filled by telea in ")
    expected = methods.create("telea", radius=5).inpaint(scene(1, 40, 56), HOLE)
    assert np.array_equal(read(boat / "new/result.png"), expected)
    # Another one replaces it only on request.
    before = (boat / "new/result.png").read_bytes()
    again = one(boat)
    assert (again.returncode, again.stdout) == (2, "")
    assert again.stderr == "error: new/result.png: is there already; --overwrite replaces it\n"
    assert (boat / "new/result.png").read_bytes() == before
    assert one(boat, "--overwrite").returncode == 0
    assert (boat / "new/result.png").read_bytes() != before


@pytest.mark.parametrize(
    ("stored", "words"),
    [
        (255 - 255 * HOLE.astype(np.uint8), ["--hole", "black"]),
        (scene(2, 40, 56)[..., 0] // 3 + 100 * HOLE.astype(np.uint8), ["--mask-threshold", "100"]),
        (HOLE.astype(np.uint8), []),
    ],
)  # fmt: skip
def test_masks_of_every_kind(boat: Path, stored: np.ndarray, words: list[str]) -> None:
    save(boat / "mask.png", stored)
    assert one(boat, *words, method=OWN).returncode == 0
    expected = scene(1, 40, 56)
    # The seed of the command is 0, whatever the method's own default.
    expected[HOLE] = 0
    assert np.array_equal(read(boat / "new/result.png"), expected)


def test_seed_and_weights_are_passed_on(boat: Path) -> None:
    assert one(boat, "--seed", "9", method=OWN).returncode == 0
    assert (read(boat / "new/result.png")[HOLE] == 9).all()
    assert one(boat, "--option", "seed=5", "--overwrite", method=OWN).returncode == 0
    assert (read(boat / "new/result.png")[HOLE] == 5).all()
    done = one(boat, "--weights", "dfnet=nowhere.pt", "--overwrite", method="two-stage")
    assert done.returncode == 2 and "nowhere.pt" in done.stderr
    done = one(boat, "--weights", "lama=random", "--overwrite", method="two-stage")
    assert done.returncode == 2
    assert "two-stage takes no weights called 'lama' (those it takes: dfnet, ref" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["tela", "boat.png", "mask.png", "r.png"], "unknown method 'tela': did you mean 'telea'?"),
        (["telea", "boot.png", "mask.png", "r.png"], "boot.png: there is no such file"),
        (["telea", "boat.png", "mask.png", "r.jpg"], "r.jpg: results are PNG files"),
        (["telea", "boat.png", "mask.png", "."], "is a folder: name the file, such as boat.png"),
        (["telea", "boat.png", "mask.png", "boat.png"], "would replace its input"),
        (["telea", "boat.png", "wide.png", "r.png"], "mask is 57x40, its image 56x40"),
        (["telea", "boat.png", "boat.png", "r.png"], "--mask-threshold 1"),
        (["telea", "boat.png", "none.png", "r.png"], "empty: no pixel is hole (all of it is black"),
        (["telea", "text.png", "mask.png", "r.png"], "text.png: is not an image"),
        (["telea", "boat.png", "mask.png", "r.png", "--option", "radius"], "write it as KEY=VALUE"),
        (["telea", "boat.png", "mask.png", "r.png", "--option", "radio=3"], "unknown key 'radio'"),
        (["telea", "boat.png", "mask.png", "text.png/r.png"], "text.png/r.png cannot be written"),
        (["telea", ".", "mask.png", "r.png"], "mask.png is no folder"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line_and_leaves_nothing(boat: Path, words: list[str], said: str) -> None:
    save(boat / "wide.png", np.zeros((40, 57), np.uint8) + 255 * np.eye(40, 57, dtype=np.uint8))
    save(boat / "none.png", np.zeros((40, 56), np.uint8))
    (boat / "text.png").write_text("no image")
    before = {path: path.read_bytes() for path in boat.rglob("*")}
    done = fill(boat, *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr and done.stderr.startswith("error: ")
    assert len(done.stderr.splitlines()) == 1
    assert {path: path.read_bytes() for path in boat.rglob("*")} == before


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda image: image // 16, "error: too dark to see"),
        (lambda image: np.full_like(image, 128), "error: ZeroDivisionError: grey"),
    ],
)
def test_a_method_that_fails_is_exit_code_one(boat: Path, change: Any, said: str) -> None:
    save(boat / "boat.png", change(scene(1, 40, 56)))
    done = one(boat, method=OWN)
    assert (done.returncode, done.stdout, done.stderr.strip()) == (1, "", said)
    assert not (boat / "new").exists()


class PanicException(BaseException):  # as pyo3 names it
    def __str__(self) -> str:
        raise ValueError("no words")


@dataclass(kw_only=True)
class Rough(Choosy):
    """Ends by what `how` names, while it loads or fills; closes its output before."""

    name: ClassVar[str] = "rough"
    how: str = ""
    loading: bool = False

    def load(self) -> None:
        if self.loading:
            self._end()

    def fill(self, image: Image, mask: Mask) -> Image:
        self._end()
        return super().fill(image, mask)

    def _end(self) -> None:
        sys.stdout.close()
        sys.stderr.close()
        if self.how == "panic":
            raise PanicException
        if self.how == "exit":
            sys.exit(0)
        if self.how == "interrupt":
            raise KeyboardInterrupt
        if self.how == "ctrl-c":
            signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("panic", "PanicException: (no message: its __str__ raises ValueError)"),
        ("exit", "SystemExit: 0"),
        ("interrupt", "KeyboardInterrupt"),
    ],
)
def test_whatever_a_method_raises_is_one_line(folders: Path, how: str, said: str) -> None:
    method = OWN.replace("Choosy", "Rough"), "--option", f"how={how}"
    image, mask = folders / "images/boat.jpg", folders / "masks/boat_mask.png"
    done = fill(folders, method[0], image, mask, "one.png", *method[1:])
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"error: {said}\n")
    done = fill(folders, method[0], image, mask, "o.png", *method[1:], "--option", "loading=true")
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"error: {said}\n")
    done = fill(folders, method[0], "images", "masks", "all", *method[1:])
    assert done.returncode == 1 and done.stdout.endswith("0 were there before, 3 failed\n")
    assert len(done.stderr.splitlines()) == 3 and done.stderr.count(said) == 3


@pytest.mark.parametrize("words", [(), ("--option", "loading=true")])
def test_ctrl_c_ends_it_whatever_is_left(folders: Path, words: tuple[str, ...]) -> None:
    method = OWN.replace("Choosy", "Rough"), "images", "masks", "all"
    done = fill(folders, *method, "--option", "how=ctrl-c", *words)
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr == "error: interrupted\n"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_method_that_closes_the_output_is_reported_on_it(boat: Path) -> None:
    done = one(boat, method=OWN.replace("Choosy", "Rough"))
    assert done.returncode == 0 and done.stdout.startswith("new/result.png: 56x40, filled by ")


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """images/ and masks/, with masks of both kinds of names."""
    for seed, name in enumerate(["boat.jpg", "Été 1.png", "house.png"]):
        save(tmp_path / "images" / name, scene(seed, 40, 56))
    for name in ("boat_mask.png", "été 1.png", "house.bmp"):
        save(tmp_path / "masks" / name, HOLE)
    (tmp_path / "images" / "notes.txt").write_text("mine")
    return tmp_path


def test_folders_go_on_after_a_failure_and_where_they_were(folders: Path) -> None:
    save(folders / "images/house.png", scene(2, 40, 56) // 16)
    done = fill(folders, OWN, "images", "masks", "results")
    assert done.returncode == 1
    assert done.stderr == "images/house.png: too dark to see\n"
    assert done.stdout == f"results: 2 filled by {OWN}, 0 were there before, 1 failed\n"
    assert {path.name for path in (folders / "results").iterdir()} == {"boat.png", "Été 1.png"}
    image, result = read(folders / "images/boat.jpg"), read(folders / "results/boat.png")
    assert np.array_equal(result[~HOLE], image[~HOLE]) and (result[HOLE] == 0).all()

    stamps = {path: path.stat().st_mtime_ns for path in (folders / "results").iterdir()}
    save(folders / "images/house.png", scene(2, 40, 56))
    done = fill(folders, OWN, "images", "masks", "results", "--seed", "5")
    assert done.returncode == 0 and "1 filled by" in done.stdout and "2 were there" in done.stdout
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in stamps.items())
    assert (read(folders / "results/house.png")[HOLE] == 5).all()
    done = fill(folders, OWN, "images", "masks", "results", "--seed", "5", "--overwrite")
    assert "3 filled by" in done.stdout
    assert (read(folders / "results/boat.png")[HOLE] == 5).all()


def test_a_broken_file_is_the_failure_of_its_image_alone(folders: Path) -> None:
    (folders / "images/boat.jpg").write_bytes(b"")
    save(folders / "masks/house.bmp", HOLE[:-1])
    done = fill(folders, "telea", "images", "masks", "results")
    assert done.returncode == 1 and "1 filled by telea" in done.stdout
    empty, size = done.stderr.splitlines()
    assert empty == "images/boat.jpg: the file is empty (0 bytes); restore or remove it"
    assert size.startswith("images/house.png: masks/house.bmp: mask is 56x39")


def test_images_and_masks_in_one_folder(folders: Path) -> None:
    for path in (folders / "masks").iterdir():
        path.rename(folders / "images" / f"{path.stem.removesuffix('_mask')}_mask.png")
    done = fill(folders, "telea", "images", "images", "results")
    assert done.returncode == 0, done.stderr
    assert {path.stem for path in (folders / "results").iterdir()} == {"boat", "Été 1", "house"}


@pytest.mark.parametrize(
    ("added", "removed", "said"),
    [
        ([], ["masks/house.bmp"], "images without a mask in masks: house.png;"),
        (["masks/tree.png"], [], "masks without an image in images: tree.png;"),
        (["masks/boat.png"], [], "several masks of one image: boat.png, boat_mask.png;"),
        (["images/boat.png"], [], "images of one name: boat.jpg, boat.png;"),
        ([f"images/{i}.png" for i in range(7)], [], "0.png, 1.png, 2.png, 3.png, 4.png and 2 more"),
        (["results"], [], "results is a file: give a folder"),
    ],
)  # fmt: skip
def test_what_does_not_pair_is_refused_before_anything_runs(
    folders: Path, added: list[str], removed: list[str], said: str
) -> None:
    for name in added:
        save(folders / "new.png", HOLE).rename(folders / name)
    for name in removed:
        (folders / name).unlink()
    done = fill(folders, "telea", "images", "masks", "results")
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr and len(done.stderr.splitlines()) == 1
    assert not (folders / "results").is_dir()


def test_results_do_not_lie_among_their_inputs(folders: Path) -> None:
    for folder in ("images", "masks"):
        done = fill(folders, "telea", "images", "masks", folder)
        assert done.returncode == 2 and f"{folder}: results would lie among" in done.stderr


def test_results_made_elsewhere_are_found_by_name(folders: Path) -> None:
    save(folders / "elsewhere/house.png", np.full((40, 56, 3), 33, np.uint8))
    words = "images/house.png", "masks/house.bmp", "r.png", "--option", "folder=elsewhere"
    assert fill(folders, "external", *words).returncode == 0
    assert (read(folders / "r.png")[HOLE] == 33).all()
