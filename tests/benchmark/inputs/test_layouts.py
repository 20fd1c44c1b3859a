"""Published layouts: refused with the dataset.toml to write, and right once it is written."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from benchmark.inputs import dataset, protocol
from benchmark.inputs.description import open_dataset
from benchmark.inputs.photos import Photo, PhotoStore
from methods.errors import InputError
from tests.benchmark.conftest import save, scene
from tests.benchmark.inputs.layouts import LAYOUTS, SIZE, black_hole, hole, white_hole

NATIVE = protocol.load("native")


def verified(folder: Path) -> list[Photo]:
    return dataset.verify(open_dataset(folder), NATIVE, ["native"], {}, Console(quiet=True))


def written(message: str) -> str:
    """Return the file that an error tells to write."""
    said, _, text = message.partition("dataset.toml:\n\n")
    assert said and text, message
    return text


@pytest.mark.parametrize("whose", LAYOUTS)
def test_published_layout(whose: str, tmp_path: Path) -> None:
    layout = LAYOUTS[whose]
    folder = tmp_path / layout.folder
    layout.make(folder)
    with pytest.raises(InputError) as caught:
        verified(folder)
    text = written(str(caught.value))
    assert f"# the layout of {whose}" in text or whose in {"nipponjo"}
    for line in layout.written:
        assert line in text
    (folder / "dataset.toml").write_text(text)

    photos = verified(folder)
    assert [photo.name for photo in photos] == layout.names
    store = PhotoStore(folder)
    for photo in photos:
        _, mask = store.get(photo)
        assert mask is not None
        wrong = np.mean(mask != hole())
        assert wrong < 0.05 if layout.is_lossy else wrong == 0
        assert photo.is_reference is ("reference = false" not in text)


def test_a_photograph_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    for name in ("a", "b"):
        save(tmp_path / f"{name}.png", scene(1, SIZE, SIZE))
        save(tmp_path / f"{name}_mask.png", white_hole())
    (tmp_path / "b.png").write_bytes(b"")
    with pytest.raises(InputError, match=r"b\.png: the file is empty"):
        verified(tmp_path)


def test_a_guess_is_called_a_guess(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    for name in ("a", "b"):
        save(folder / f"{name}.png", scene(1, SIZE, SIZE))
        save(folder / f"{name}_mask.png", black_hole())
    with pytest.raises(InputError) as caught:
        verified(folder)
    text = written(str(caught.value))
    assert '\nhole = "black"' in text and "a guess" in text and "white covers 83% of" in text
    assert tomllib.loads(text)["masks"] == "{image}_mask.png"


@pytest.mark.parametrize(
    ("images", "masks"),
    [
        (["1.png", "2.png"], ["1_mask.png", "2_mask.png"]),
        (["x/image.png", "y/image.png"], ["x/mask.png", "y/mask.png"]),
        (["gt/1.jpg", "gt/2.jpg"], ["mask/mask_1.png", "mask/mask_2.png"]),
        (["photos/a.png", "photos/b.png"], ["holes/a.png", "holes/b.png"]),
        (["img1.png", "img2.png"], ["mask1.png", "mask2.png"]),
        (["image_1.png", "image_2.png"], ["mask_001.png", "mask_002.png"]),
        (["a.png", "b.png"], ["amask.png", "bmask.png"]),
        (["a.png", "b.png"], ["mask-a.png", "mask-b.png"]),
        (["mask_a.png.png", "a.png"], []),
    ],
)
def test_obvious_pairs_of_others(images: list[str], masks: list[str], tmp_path: Path) -> None:
    folder = tmp_path / "set"
    for number, name in enumerate([*images, *masks]):
        save(folder / name, white_hole() if name in masks else scene(number, SIZE, SIZE))
    with pytest.raises(InputError) as caught:
        verified(folder)
    if not masks:
        # Neither is a mask: nothing is proposed.
        assert "images =" not in str(caught.value).partition("dataset.toml:\n\n")[2]
        return
    (folder / "dataset.toml").write_text(written(str(caught.value)))
    found = {(photo.file, photo.mask_file) for photo in verified(folder)}
    assert found == set(zip(images, masks, strict=True))


def test_a_guess_that_is_the_default_is_no_answer(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    for name in ("a", "b"):
        save(folder / f"{name}.png", scene(1, SIZE, SIZE))
        save(folder / f"{name}_mask.png", white_hole())
    with pytest.raises(InputError) as caught:
        verified(folder)
    text = written(str(caught.value))
    assert '# hole = "white"   # a guess' in text and "hole" not in tomllib.loads(text)


def test_results_in_the_set_decide_the_proposal(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    for number in ("1", "2"):
        image = scene(int(number), SIZE, SIZE)
        save(folder / f"img/{number}.png", image)
        # Without the results white would be guessed: it covers less.
        mask = np.full((SIZE, SIZE), 0, np.uint8)
        mask[:20] = 255
        save(folder / f"mask/{number}.png", mask)
        image[20:] = 255 - image[20:]
        save(folder / f"results/ours/{number}.png", image)
    with pytest.raises(InputError) as caught:
        verified(folder)
    assert tomllib.loads(written(str(caught.value)))["hole"] == "black"


def test_images_without_a_mask_are_named_in_the_proposal(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    for name in ("a", "[b]", "c"):
        save(folder / f"{name}.png", scene(1, SIZE, SIZE))
    for name in ("a", "[b]"):
        save(folder / f"{name}_mask.png", white_hole())
    with pytest.raises(InputError) as caught:
        verified(folder)
    text = written(str(caught.value))
    assert "# left out, without a mask: c.png" in text
    (folder / "dataset.toml").write_text(text)
    assert [photo.name for photo in verified(folder)] == ["[b]", "a"]


def test_masks_in_the_folder_of_the_photographs(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    save(folder / "images/x.png", scene(1, SIZE, SIZE))
    save(folder / "images/x_mask001.png", white_hole())
    drawn = protocol.load("moskalenko2020")
    with pytest.raises(InputError, match=r"x_mask001\.png is named like a mask"):
        dataset.verify(open_dataset(folder), drawn, [SIZE], {}, Console(quiet=True))


def test_folders_that_nothing_pairs_are_to_be_described(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    save(folder / "faces/one.png", scene(1, SIZE, SIZE))
    save(folder / "keep/two.png", white_hole())
    with pytest.raises(InputError, match=r"images are in faces/, keep/: say in dataset.toml"):
        verified(folder)


def test_photographs_named_like_masks_are_photographs_if_one_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "venice"
    for name in ("carnival", "carnival_mask"):
        save(folder / f"{name}.png", scene(1, SIZE, SIZE))
    drawn = protocol.load("moskalenko2020")
    with pytest.raises(InputError, match=r'images = "\*"'):
        dataset.verify(open_dataset(folder), drawn, [SIZE], {}, Console(quiet=True))
    given = open_dataset(folder, {"images": ["*"]})
    photos = dataset.verify(given, drawn, [SIZE], {}, Console(quiet=True))
    assert [photo.name for photo in photos] == ["carnival", "carnival_mask"]


def test_a_folder_above_the_sets_names_them(tmp_path: Path) -> None:
    for name in ("CelebA-HQ", "Places"):
        LAYOUTS["MAT"].make(tmp_path / "test_sets" / name)
    with pytest.raises(InputError, match=r"images are below .*CelebA-HQ, .*Places: give one"):
        verified(tmp_path / "test_sets")


def test_results_beside_the_set_tell_that_black_is_the_hole(tmp_path: Path) -> None:
    from benchmark.inputs.inverted import refuse_inverted

    folder = tmp_path / "mine"
    image = scene(1, SIZE, SIZE)
    save(folder / "images/a.png", image)
    save(folder / "masks/a.png", black_hole())
    filled = image.copy()
    filled[hole()] = scene(2, SIZE, SIZE)[hole()] // 2
    save(folder / "results/ours/a.jpg", filled)
    with pytest.raises(InputError, match="--hole black"):
        refuse_inverted(open_dataset(folder), NATIVE, verified(folder))
    black = open_dataset(folder, {"hole": "black"})
    refuse_inverted(black, NATIVE, dataset.verify(black, NATIVE, ["native"], {}, Console()))
