"""One small file of photographs for training elsewhere, and training for so many minutes."""

from __future__ import annotations

import dataclasses
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from methods.errors import InputError, MissingRequirementError
from methods.training import loop, pack, photos
from methods.training.__main__ import app
from methods.training.loop import train
from methods.training.schedule import Settings, learning_rate
from tests.methods.conftest import scene
from tests.methods.training.test_training import SETTINGS, Line


def write(folder: Path, *names: str, side: int = 560) -> None:
    for number, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(number).integers(-20, 20, (side, side + 40, 3))
        pixels = np.clip(scene(number, side, side + 40) + noise, 0, 255).astype(np.uint8)
        cv2.imwrite(str(folder / name), pixels)


def packed(folder: Path, out: Path, megabytes: float = 60) -> list[str]:
    said: list[str] = []
    pack.pack([folder], out, megabytes, said.append)
    return said


@pytest.mark.slow
def test_a_pack_has_the_same_photographs_on_the_same_sides_of_the_split(tmp_path: Path) -> None:
    names = [f"in/p{n}_x1_{n}.jpg" for n in range(4)]
    write(tmp_path / "photos", *names, "same.jpg", "same.png")
    (tmp_path / "photos" / "torn.jpg").write_bytes(b"\xff\xd8")
    write(tmp_path / "photos", "small.png", side=300)
    said = packed(tmp_path / "photos", tmp_path / "out.zip")
    found = photos.load([tmp_path / "out.zip"])
    before = photos.load([tmp_path / "photos"], smallest=512, report=lambda _: None)
    assert sorted(p.source for p in found) == [p.source for p in before]
    assert all(p.pixels.shape == (560, 600, 3) for p in found)
    assert len([line for line in said if "left out" in line]) == 2
    assert not (tmp_path / "out.zip.parts").exists()


@pytest.mark.slow
def test_a_pack_stays_below_its_size_and_uses_it(tmp_path: Path) -> None:
    write(tmp_path / "photos", *(f"p{n}.png" for n in range(5)), side=800)
    everything = packed(tmp_path / "photos", tmp_path / "all.zip")[-1]
    assert "5 photographs" in everything
    said = packed(tmp_path / "photos", tmp_path / "few.zip", 0.2)
    size = (tmp_path / "few.zip").stat().st_size
    assert 100_000 < size <= 200_000 < (tmp_path / "all.zip").stat().st_size
    assert "would not fit" in said[0] or "left out" in said[0]
    assert all(min(p.pixels.shape[:2]) >= 512 for p in photos.load([tmp_path / "few.zip"]))


@pytest.mark.slow
def test_a_pack_that_was_interrupted_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "photos", "a.png", "b.png", "c.png")
    packed(tmp_path / "photos", tmp_path / "whole.zip")
    encoded: list[int] = []

    def encode(pixels: np.ndarray, most: int) -> bytes:
        if len(encoded) == 2:
            raise KeyboardInterrupt
        encoded.append(most)
        return original(pixels, most)

    original = pack._encoded
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(pack, "_encoded", encode)
        packed(tmp_path / "photos", tmp_path / "again.zip")
    assert not (tmp_path / "again.zip").exists()
    again: list[int] = []
    monkeypatch.setattr(pack, "_encoded", lambda p, most: again.append(most) or original(p, most))
    packed(tmp_path / "photos", tmp_path / "again.zip")
    assert len(again) == 1, "two were encoded before"
    assert (tmp_path / "again.zip").read_bytes() == (tmp_path / "whole.zip").read_bytes()


@pytest.mark.parametrize(
    ("out", "reason"),
    [("out.tar", "must be called .zip"), ("there.zip", "exists already"), ("new.zip", "no photo")],
)
def test_what_cannot_be_packed_is_refused(tmp_path: Path, out: str, reason: str) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "there.zip").write_bytes(b"")
    with pytest.raises(InputError, match=reason):
        packed(tmp_path / "photos", tmp_path / out)


def test_files_that_cannot_be_read_are_left_out(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    write(folder, "good.png")
    (folder / "broken.jpg").symlink_to("/proc/self/mem")
    (folder / "gone.jpg").symlink_to(tmp_path / "nowhere")
    (folder / "album.jpg").mkdir()
    torn = tmp_path / "torn.zip"
    with zipfile.ZipFile(torn, "w") as archive:
        archive.writestr("torn.png", (folder / "good.png").read_bytes())
    content = bytearray(torn.read_bytes())
    content[500] ^= 255
    torn.write_bytes(content)
    said: list[str] = []
    pack.pack([folder, torn], tmp_path / "out.zip", 60, said.append)
    assert zipfile.ZipFile(tmp_path / "out.zip").namelist() == ["good.webp"]
    assert sorted(line.split(":")[0] for line in said[:-1]) == [
        "broken.jpg", "gone.jpg", "torn.png",
    ]  # fmt: skip
    loaded = photos.load([folder, torn], report=lambda _: None)
    assert [photo.name for photo in loaded] == ["good.png"]


def test_a_wide_panorama_is_packed(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    cv2.imwrite(str(tmp_path / "photos/wide.png"), np.zeros((1024, 17_000, 3), np.uint8))
    packed(tmp_path / "photos", tmp_path / "out.zip")
    (photo,) = photos.load([tmp_path / "out.zip"])
    assert photo.pixels.shape[0] == 896


def test_a_file_that_cannot_be_written_is_one_line_and_nothing_stays(tmp_path: Path) -> None:
    write(tmp_path / "photos", "good.png")
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"out\.zip: cannot be written \(Not a directory\)"):
        packed(tmp_path / "photos", tmp_path / "file" / "out.zip")
    write(tmp_path / "small", "small.png", side=100)
    with pytest.raises(InputError, match="fits 60 MB"):
        packed(tmp_path / "small", tmp_path / "small.zip")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "photos", "small"]


def test_a_folder_of_the_user_that_has_the_name_of_the_parts_is_left_alone(tmp_path: Path) -> None:
    write(tmp_path / "in", "a.jpg")
    own = tmp_path / "out.zip.parts" / "own.txt"
    own.parent.mkdir()
    own.write_text("mine")
    with pytest.raises(InputError, match=r"out\.zip\.parts is not of a pack; rename it"):
        packed(tmp_path / "in", tmp_path / "out.zip")
    assert own.read_text() == "mine"


def test_validation_photographs_are_written_for_the_benchmark(tmp_path: Path) -> None:
    names = [f"s{n}" for n in range(30)]
    with zipfile.ZipFile(tmp_path / "data.zip", "w") as archive:
        for number, name in enumerate(names):
            content = cv2.imencode(".png", scene(number, 64, 64))[1].tobytes()
            archive.writestr(f"{name}.png", content)
    words = ["validation", "--data", str(tmp_path / "data.zip"), str(tmp_path / "out")]
    assert CliRunner().invoke(app, words).exit_code == 0
    written = sorted(path.stem for path in (tmp_path / "out").iterdir())
    assert written == sorted(name for name in names if photos.is_validation(name)) != []
    assert isinstance(CliRunner().invoke(app, words).exception, InputError)


class Clock:
    """A clock that every look at moves on by a second."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        self.now += 1
        return self.now


def test_training_ends_when_its_minutes_are_over_also_when_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "time", Clock())
    limited = dataclasses.replace(SETTINGS, steps=10_000, minutes=0.5, checkpoint_minutes=0.1)

    said: list[str] = []

    def stop(text: str) -> None:
        said.append(text)
        if len(said) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(Line(), limited, tmp_path, False, report=stop)
    resumed: list[str] = []
    train(Line(), limited, tmp_path, True, report=resumed.append)
    state = torch.load(tmp_path / "last.pt", weights_only=True)
    first = said[0].split()[1]
    assert resumed[0] == f"going on at step {first}"
    # Of 30 s every step takes two or three.
    assert 30 <= state["seconds"] < 40 and 8 <= state["step"] < 20
    train(Line(), limited, tmp_path, True, report=resumed.append)
    assert torch.load(tmp_path / "last.pt", weights_only=True)["step"] == state["step"]


def test_a_device_that_is_not_there_is_told_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(MissingRequirementError, match="device 'cuda:99' cannot be used"):
        train(Line(), dataclasses.replace(SETTINGS, device="cuda:99"), tmp_path / "out", False)
    assert not (tmp_path / "out").exists()


def test_the_learning_rate_follows_time_where_that_runs_out_first() -> None:
    settings = Settings(steps=1000, learning_rate=1.0, warmup=10, minutes=1)
    assert learning_rate(5, settings, 50) == pytest.approx(0.6)
    assert learning_rate(100, settings, 60) == pytest.approx(0)
    assert learning_rate(100, settings, 6) == pytest.approx(learning_rate(100, settings, 1))
    assert learning_rate(100, settings, 30) < learning_rate(100, settings, 15)
