"""Pictures keep what they are: grey, alpha, 16 bits, colour profile; only the hole is new."""

from __future__ import annotations

import itertools
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from methods.fill.picture import read_picture, write_picture
from methods.images import ImageFileError

RNG = np.random.default_rng(3)
HEIGHT, WIDTH = 6, 9
MASK = np.zeros((HEIGHT, WIDTH), bool)
MASK[2:4, 3:6] = True
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def pixels(channels: int, depth: type = np.uint8) -> np.ndarray:
    shape = (HEIGHT, WIDTH) if channels == 1 else (HEIGHT, WIDTH, channels)
    return RNG.integers(0, np.iinfo(depth).max, shape, depth, endpoint=True)


def save_deep(path: Path, stored: np.ndarray) -> Path:
    order = {2: None, 3: cv2.COLOR_RGB2BGR}.get(stored.ndim)
    if stored.ndim == 3 and stored.shape[2] == 4:
        order = cv2.COLOR_RGBA2BGRA
    cv2.imwrite(str(path), stored if order is None else cv2.cvtColor(stored, order))
    return path


def refilled(path: Path, colour: tuple[int, int, int]) -> Path:
    picture = read_picture(path)
    result = np.full((*picture.size, 3), colour, np.uint8)
    write_picture(path.with_name("result.png"), picture.filled(result, MASK))
    return path.with_name("result.png")


@pytest.mark.parametrize(("mode", "channels"), [("L", 1), ("LA", 2), ("RGB", 3), ("RGBA", 4)])
def test_eight_bits(tmp_path: Path, mode: str, channels: int) -> None:
    before = pixels(channels)
    Image.fromarray(before, mode).save(tmp_path / "a.png", icc_profile=PROFILE)
    with Image.open(refilled(tmp_path / "a.png", (10, 200, 90))) as image:
        assert image.mode == mode and image.info["icc_profile"] == PROFILE
        after = np.asarray(image)
    assert np.array_equal(after[~MASK], before[~MASK])
    # 0.299 * 10 + 0.587 * 200 + 0.114 * 90 = 130.65
    inside = {1: 131, 2: (131, 255), 3: (10, 200, 90), 4: (10, 200, 90, 255)}[channels]
    assert (after[MASK] == inside).all()


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_sixteen_bits(tmp_path: Path, channels: int, suffix: str) -> None:
    before = pixels(channels, np.uint16)
    path = save_deep(tmp_path / f"a{suffix}", before)
    after = cv2.imread(str(refilled(path, (10, 200, 90))), cv2.IMREAD_UNCHANGED)
    assert after.dtype == np.uint16
    after = after if channels == 1 else after[..., [2, 1, 0, 3][:channels]]
    assert np.array_equal(after[~MASK], before[~MASK])
    colour = [131] if channels == 1 else [10, 200, 90]
    inside = [257 * value for value in colour] + [65535] * (channels == 4)
    assert (after[MASK] == (inside[0] if channels == 1 else inside)).all()


def test_a_method_sees_sixteen_bits_rounded_to_eight(tmp_path: Path) -> None:
    values = np.array([0, 128, 129, 257, 385, 386, 65535, 65406, 30000], np.uint16)
    deep = np.broadcast_to(values, (HEIGHT, WIDTH)).copy()
    rgb = read_picture(save_deep(tmp_path / "a.png", deep)).rgb()
    assert rgb.shape == (HEIGHT, WIDTH, 3) and rgb.dtype == np.uint8
    assert rgb[0, :, 1].tolist() == [0, 0, 1, 1, 1, 2, 255, 254, 117]


def test_the_profile_of_sixteen_bits_is_kept(tmp_path: Path) -> None:
    path = save_deep(tmp_path / "plain.png", pixels(3, np.uint16))
    first = read_picture(path)
    assert first.profile is None
    with_profile = tmp_path / "profile.png"
    write_picture(with_profile, type(first)(first.pixels, PROFILE))
    again = read_picture(with_profile)
    assert again.profile == PROFILE and np.array_equal(again.pixels, first.pixels)
    with Image.open(with_profile) as image:
        image.load()  # checks the sum of every chunk


@pytest.mark.parametrize(("orientation", "depth"), list(itertools.product(range(1, 9), (8, 16))))
def test_exif_orientation_is_applied(tmp_path: Path, orientation: int, depth: int) -> None:
    numbers = np.arange(HEIGHT * WIDTH, dtype=np.uint8).reshape(HEIGHT, WIDTH)
    exif = Image.Exif()
    exif[0x0112] = orientation
    upright = Image.fromarray(numbers)
    upright.getexif()[0x0112] = orientation
    expected = np.asarray(ImageOps.exif_transpose(upright))
    stored = numbers if depth == 8 else numbers.astype(np.uint16) * 257
    Image.fromarray(stored).save(tmp_path / "a.png", exif=exif)
    picture = read_picture(tmp_path / "a.png")
    assert np.array_equal(picture.rgb()[..., 0], expected)
    assert picture.pixels.dtype == (np.uint8 if depth == 8 else np.uint16)


def test_palettes_and_transparent_colours(tmp_path: Path) -> None:
    flat = Image.new("RGB", (WIDTH, HEIGHT), (10, 20, 30))
    flat.quantize(4).save(tmp_path / "palette.png")
    assert read_picture(tmp_path / "palette.png").pixels[0, 0].tolist() == [10, 20, 30]
    flat.save(tmp_path / "key.png", transparency=(10, 20, 30))
    assert read_picture(tmp_path / "key.png").pixels[0, 0].tolist() == [10, 20, 30, 0]
    Image.new("1", (WIDTH, HEIGHT), 1).save(tmp_path / "bits.png")
    assert read_picture(tmp_path / "bits.png").pixels[0, 0].tolist() == [255]


@pytest.mark.parametrize(("mode", "said"), [("CMYK", "colour mode CMYK"), ("F", "more than 16 bi")])
def test_other_colours_are_refused(tmp_path: Path, mode: str, said: str) -> None:
    Image.new(mode, (WIDTH, HEIGHT)).save(tmp_path / "a.tif")
    with pytest.raises(ImageFileError, match=said):
        read_picture(tmp_path / "a.tif")
