"""Mask files of every kind: which pixels are the hole, or what the user has to say."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image as PillowImage

from benchmark.inputs.masks import MaskRule, read_hole
from methods.images import ImageFileError

WHITE = np.zeros((20, 30), bool)
WHITE[5:9, 10:22] = True


def stored(path: Path, pixels: np.ndarray, suffix: str = ".png") -> Path:
    file = path / f"mask{suffix}"
    PillowImage.fromarray(pixels).save(file)
    return file


def levels(low: int, high: int) -> np.ndarray:
    return np.where(WHITE, high, low).astype(np.uint8)


@pytest.mark.parametrize(("low", "high"), [(0, 255), (0, 1), (127, 255), (3, 250)])
def test_two_values_need_no_threshold(tmp_path: Path, low: int, high: int) -> None:
    file = stored(tmp_path, levels(low, high))
    assert np.array_equal(read_hole(file, MaskRule(), (20, 30)), WHITE)
    assert np.array_equal(read_hole(file, MaskRule(hole="black"), (20, 30)), ~WHITE)


def test_two_values_that_are_noise_are_refused(tmp_path: Path) -> None:
    file = stored(tmp_path, levels(254, 255))
    with pytest.raises(ImageFileError, match="--mask-threshold"):
        read_hole(file, MaskRule(), (20, 30))


def test_soft_masks_and_jpeg_need_a_threshold(tmp_path: Path) -> None:
    soft = cv2.GaussianBlur(levels(0, 255), (0, 0), 1)
    for file in (stored(tmp_path, soft), stored(tmp_path, soft, ".jpg")):
        with pytest.raises(ImageFileError, match=r"not two-valued .*--mask-threshold 128"):
            read_hole(file, MaskRule(), (20, 30))
        with PillowImage.open(file) as image:
            values = np.asarray(image)
        assert np.array_equal(read_hole(file, MaskRule(threshold=100), (20, 30)), values >= 100)
        black = read_hole(file, MaskRule(hole="black", threshold=100), (20, 30))
        assert np.array_equal(black, values < 100)


@pytest.mark.parametrize(("dark", "light", "level"), [(127, 255, 191), (0, 120, 60), (2, 250, 128)])
def test_the_threshold_that_is_advised_is_between_black_and_white(
    tmp_path: Path, dark: int, light: int, level: int
) -> None:
    noisy = levels(dark, light)
    noisy[0, :3] = (dark + 1, dark + 2, light - 1)
    file = stored(tmp_path, noisy)
    with pytest.raises(ImageFileError, match=f"--mask-threshold {level}, or"):
        read_hole(file, MaskRule(), (20, 30))


def test_a_mask_in_the_alpha_channel_is_pointed_out(tmp_path: Path) -> None:
    file = stored(tmp_path, np.dstack([levels(0, 0)] * 3 + [levels(0, 255)]))
    with pytest.raises(ImageFileError, match=r'mask is empty.*mask_channel = "alpha"'):
        read_hole(file, MaskRule(), (20, 30))


def test_alpha_says_nothing_unless_asked(tmp_path: Path) -> None:
    transparent = np.where(WHITE, 0, 255).astype(np.uint8)
    file = stored(tmp_path, np.dstack([levels(0, 255)] * 3 + [transparent]))
    assert np.array_equal(read_hole(file, MaskRule(), (20, 30)), WHITE)
    by_alpha = read_hole(file, MaskRule(hole="black", channel="alpha"), (20, 30))
    assert np.array_equal(by_alpha, transparent == 0)
    opaque = stored(tmp_path, levels(0, 255))
    with pytest.raises(ImageFileError, match="no alpha channel"):
        read_hole(opaque, MaskRule(channel="alpha"), (20, 30))


def test_a_coloured_mask_needs_its_channel(tmp_path: Path) -> None:
    file = stored(tmp_path, np.dstack([levels(0, 255), levels(0, 0), levels(90, 0)]))
    with pytest.raises(ImageFileError, match="mask_channel"):
        read_hole(file, MaskRule(), (20, 30))
    assert np.array_equal(read_hole(file, MaskRule(channel="red"), (20, 30)), WHITE)
    assert np.array_equal(read_hole(file, MaskRule(channel="blue"), (20, 30)), ~WHITE)
    # Its grey values are 76 and 10.
    assert np.array_equal(read_hole(file, MaskRule(threshold=50), (20, 30)), WHITE)


@pytest.mark.parametrize(
    ("level", "hole", "said"),
    [(0, "white", "empty"), (255, "white", "full"), (255, "black", "empty"), (0, "black", "full")],
)
def test_empty_and_full_masks(tmp_path: Path, level: int, hole: str, said: str) -> None:
    file = stored(tmp_path, levels(level, level))
    with pytest.raises(ImageFileError, match=f"mask is {said}"):
        read_hole(file, MaskRule(hole=hole), (20, 30))  # type: ignore[arg-type]


def test_another_size_is_refused_or_resampled_as_asked(tmp_path: Path) -> None:
    file = stored(tmp_path, levels(0, 255))
    with pytest.raises(ImageFileError, match=r"is 30x20, its photograph 60x40.*resize_masks"):
        read_hole(file, MaskRule(), (40, 60))
    with pytest.raises(ImageFileError, match="stretches it"):
        read_hole(file, MaskRule(), (40, 40))
    with pytest.raises(ImageFileError, match=r"sides are swapped.*EXIF") as caught:
        read_hole(file, MaskRule(), (30, 20))
    assert "resize_masks" not in str(caught.value)
    larger = read_hole(file, MaskRule(resize=True), (40, 60))
    assert np.array_equal(larger, WHITE.repeat(2, axis=0).repeat(2, axis=1))
