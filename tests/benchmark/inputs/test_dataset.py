"""Datasets: what is found, and every bad file refused by name before any work."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage
from rich.console import Console

from benchmark.inputs import dataset, protocol
from benchmark.inputs.description import open_dataset
from benchmark.inputs.photos import Photo, PhotoStore
from methods import files
from methods.errors import InputError
from tests.benchmark.conftest import PROTOCOL, save, scene


def verified(folder: Path, tmp_path: Path, **changes: str) -> list[Photo]:
    text = PROTOCOL
    for old, new in changes.items():
        text = text.replace(old.replace("_", "-"), new)
    (tmp_path / "own.toml").write_text(text)
    own = protocol.load(str(tmp_path / "own.toml"))
    return dataset.verify(open_dataset(folder), own, own.resolutions, {}, Console(quiet=True))


def refusal(folder: Path, tmp_path: Path, **changes: str) -> str:
    with pytest.raises(InputError) as caught:
        verified(folder, tmp_path, **changes)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_flat_folder_and_images_with_masks(photos: Path, tmp_path: Path) -> None:
    (photos / "SOURCES.csv").write_text("file,licence\n")
    (photos / ".DS_Store").write_bytes(b"x")
    assert [photo.name for photo in verified(photos, tmp_path)] == [
        "bright",
        "cliff",
        "dunes",
        "été 1",
    ]
    tree = tmp_path / "tree"
    save(tree / "images" / "a.jpg", scene(1, 96, 96))
    mask = np.zeros((96, 96), np.uint8)
    mask[20:40, 30:80] = 255
    save(tree / "masks" / "a.png", mask)
    (photo,) = verified(tree, tmp_path, **{"middle_third": "dataset"})
    assert (photo.file, photo.mask_file) == ("images/a.jpg", "masks/a.png")
    _, own_mask = PhotoStore(tree).get(photo)
    assert own_mask is not None and np.array_equal(own_mask, mask == 255)


def test_exif_rotation_decides_the_size(photos: Path, tmp_path: Path) -> None:
    exif = PillowImage.Exif()
    exif[0x0112] = 6
    image = PillowImage.fromarray(scene(5, 96, 120))
    image.save(photos / "turned.jpg", exif=exif)
    (photo,) = (
        photo
        for photo in verified(photos, tmp_path, refuse="centre-square")
        if photo.name == "turned"
    )
    assert (photo.width, photo.height, photo.crop) == (96, 120, (0, 12, 96, 108))


def test_too_small_is_refused_never_enlarged(photos: Path, tmp_path: Path) -> None:
    save(photos / "small.png", scene(1, 95, 95))
    message = refusal(photos, tmp_path)
    assert "small.png" in message and "95x95" in message and "96 px" in message


def test_not_square_is_refused_unless_the_protocol_crops(photos: Path, tmp_path: Path) -> None:
    save(photos / "wide.png", scene(1, 96, 130))
    assert "wide.png: is 130x96" in refusal(photos, tmp_path)
    crops = {photo.name: photo.crop for photo in verified(photos, tmp_path, refuse="centre-square")}
    assert crops["wide"] == (17, 0, 113, 96) and crops["cliff"] is None


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"hello", "not an image"),
        ("half", "truncated, corrupt"),
        ("flip", "truncated, corrupt"),
    ],
)
def test_broken_files_are_named(
    photos: Path, tmp_path: Path, content: bytes | str, said: str
) -> None:
    whole = (photos / "cliff.png").read_bytes()
    if content == "half":
        content = whole[: len(whole) // 2]
    elif content == "flip":
        middle = len(whole) // 2
        content = whole[:middle] + bytes([whole[middle] ^ 255]) + whole[middle + 1 :]
    assert isinstance(content, bytes)
    (photos / "broken.png").write_bytes(content)
    message = refusal(photos, tmp_path)
    assert "broken.png" in message and said in message


def test_first_problem_is_named_and_the_others_counted(photos: Path, tmp_path: Path) -> None:
    for name in ("x1.png", "x2.png", "x3.png"):
        (photos / name).write_bytes(b"")
    message = refusal(photos, tmp_path)
    assert "x1.png" in message and "and 2 more" in message


def test_ambiguous_and_unusable_names(photos: Path, tmp_path: Path) -> None:
    save(photos / "Cliff.jpg", scene(1, 96, 96))
    assert "same name" in refusal(photos, tmp_path)
    (photos / "Cliff.jpg").unlink()
    save(photos / "two\nlines.png", scene(1, 96, 96))
    assert "rename" in refusal(photos, tmp_path)
    (photos / "two\nlines.png").unlink()
    save(photos / f"{'雪' * 80}.png", scene(1, 96, 96))
    assert "longer than 220 bytes: shorten the name" in refusal(photos, tmp_path)


def test_a_hole_of_a_few_pixels_is_no_painted_hole(tmp_path: Path) -> None:
    mask = np.zeros((96, 96), np.uint8)
    mask[40:44, 50:54] = 255
    folder, grey = tmp_path / "tree", np.full((96, 96, 3), 9, np.uint8)
    save(folder / "images" / "a.png", grey)
    save(folder / "masks" / "a.png", mask)
    [photo] = verified(folder, tmp_path, middle_third="dataset")
    assert not photo.hole_is_plain


def test_odd_but_usable_names(photos: Path, tmp_path: Path) -> None:
    for name in ("-rf", "a b,c", "雪山", "50%", "name.with.dots"):
        save(photos / f"{name}.png", scene(1, 96, 96))
    assert {"-rf", "a b,c", "雪山", "50%", "name.with.dots"} <= {
        photo.name for photo in verified(photos, tmp_path)
    }


def test_unsupported_format_is_not_skipped_in_silence(photos: Path, tmp_path: Path) -> None:
    (photos / "phone.heic").write_bytes(b"x")
    assert "phone.heic" in refusal(photos, tmp_path)


def test_nothing_there(tmp_path: Path) -> None:
    assert "nowhere" in refusal(tmp_path / "nowhere", tmp_path)
    (tmp_path / "bare").mkdir()
    assert "contains no image" in refusal(tmp_path / "bare", tmp_path)


@pytest.mark.parametrize(
    ("mask", "said"),
    [
        (np.zeros((96, 96), np.uint8), "empty"),
        (np.full((96, 96), 255, np.uint8), "full"),
        (np.full((96, 96), 7, np.uint8), "empty"),
        (np.arange(96, dtype=np.uint8) * np.ones((96, 1), np.uint8), "--mask-threshold"),
        (np.eye(95, dtype=np.uint8) * 255, "95x95"),
        (None, "has no mask"),
    ],
)
def test_bad_masks_are_named(tmp_path: Path, mask: np.ndarray | None, said: str) -> None:
    folder = tmp_path / "tree"
    save(folder / "images" / "a.png", scene(1, 96, 96))
    if mask is not None:
        save(folder / "masks" / "a.png", mask)
    message = refusal(folder, tmp_path, **{"middle_third": "dataset"})
    assert "a.png" in message and said in message


def test_a_mask_that_vanishes_at_a_resolution_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "tree"
    save(folder / "images" / "a.png", scene(1, 96, 96))
    mask = np.zeros((96, 96), np.uint8)
    mask[:, 1] = 255
    save(folder / "masks" / "a.png", mask)
    message = refusal(folder, tmp_path, **{"middle_third": "dataset"})
    assert "masks/a.png" in message and "empty at 48 px" in message


def test_mask_without_image(photos: Path, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    save(tree / "images" / "a.png", scene(1, 96, 96))
    save(tree / "masks" / "b.png", np.eye(96, dtype=np.uint8) * 255)
    assert "b.png" in refusal(tree, tmp_path)


def test_changed_bytes_are_noticed_whatever_size_and_time_say(tmp_path: Path) -> None:
    path = tmp_path / "photos" / "a.tif"
    path.parent.mkdir()
    PillowImage.fromarray(scene(1, 96, 96)).save(path)
    (before,) = verified(path.parent, tmp_path)
    stat = path.stat()
    PillowImage.fromarray(scene(2, 96, 96)).save(path)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert path.stat().st_size == stat.st_size
    own = protocol.load(str(tmp_path / "own.toml"))
    # Checksums are cached within a process; this is what the next command sees.
    files._sha256.cache_clear()
    known = {(before.sha256, None): asdict(before)}
    (after,) = dataset.verify(
        open_dataset(path.parent), own, own.resolutions, known, Console(quiet=True)
    )
    assert after.sha256 != before.sha256


def test_photo_store_keeps_within_its_budget(photos: Path, tmp_path: Path) -> None:
    found = verified(photos, tmp_path)
    store = PhotoStore(photos, budget_bytes=2 * 96 * 96 * 3)
    first = [store.get(photo)[0] for photo in found]
    again = [store.get(photo)[0] for photo in found]
    assert [a is b for a, b in zip(first, again, strict=True)] == [True, True, False, False]
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))


def test_a_photograph_that_changes_during_a_run_is_noticed(photos: Path, tmp_path: Path) -> None:
    """Also where its size and its time of change are those of before."""
    photo, *_ = verified(photos, tmp_path)
    path = photos / photo.file
    state = path.stat()
    changed = bytearray(path.read_bytes())
    changed[-20] ^= 1
    path.write_bytes(changed)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    own = protocol.load(str(tmp_path / "own.toml"))
    with pytest.raises(InputError, match="has changed since it was checked; the file has changed"):
        PhotoStore(photos).inputs(photo, 48, own)
