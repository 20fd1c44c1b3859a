"""Image files: what is read, as what, and what is refused with which words."""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image as PillowImage

from methods.images import (
    ImageFileError,
    read_mask,
    read_rgb,
    resample_nearest,
    write_png,
)
from tests.methods.conftest import scene

IMAGE = scene(1, 24, 40)
PICTURE = PillowImage.fromarray(IMAGE)


def refusal(path: Path) -> str:
    with pytest.raises(ImageFileError) as caught:
        read_rgb(path)
    message = str(caught.value)
    assert str(path) in message and "\n" not in message
    return message


@pytest.mark.parametrize("suffix", [".png", ".tif", ".tiff", ".webp"])
def test_lossless_formats_read_back_exactly(tmp_path: Path, suffix: str) -> None:
    PICTURE.save(tmp_path / f"a{suffix}", lossless=True)
    assert np.array_equal(read_rgb(tmp_path / f"a{suffix}"), IMAGE)


def test_jpeg_is_what_pillow_decodes(tmp_path: Path) -> None:
    PICTURE.save(tmp_path / "a.jpg", quality=95)
    with PillowImage.open(tmp_path / "a.jpg") as decoded:
        assert np.array_equal(read_rgb(tmp_path / "a.jpg"), np.asarray(decoded))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(tmp_path: Path, orientation: int) -> None:
    turn = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.swapaxes(0, 1),
        6: lambda a: np.rot90(a, -1),
        7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
        8: lambda a: np.rot90(a),
    }[orientation]
    exif = PillowImage.Exif()
    exif[0x0112] = orientation
    PICTURE.save(tmp_path / "a.png", exif=exif)
    assert np.array_equal(read_rgb(tmp_path / "a.png"), turn(IMAGE))


def test_grey_palette_and_opaque_alpha_become_rgb(tmp_path: Path) -> None:
    grey = PICTURE.convert("L")
    grey.save(tmp_path / "grey.png")
    assert np.array_equal(read_rgb(tmp_path / "grey.png"), np.stack([np.asarray(grey)] * 3, axis=2))
    palette = PICTURE.quantize(16)
    palette.save(tmp_path / "palette.png")
    assert np.array_equal(read_rgb(tmp_path / "palette.png"), np.asarray(palette.convert("RGB")))
    PICTURE.convert("RGBA").save(tmp_path / "opaque.png")
    assert np.array_equal(read_rgb(tmp_path / "opaque.png"), IMAGE)
    PillowImage.fromarray(IMAGE[..., 0] > 120).save(tmp_path / "bits.png")
    assert set(np.unique(read_rgb(tmp_path / "bits.png"))) == {0, 255}


def test_real_transparency_is_refused(tmp_path: Path) -> None:
    transparent = PICTURE.convert("RGBA")
    transparent.putpixel((3, 3), (1, 2, 3, 254))
    transparent.save(tmp_path / "a.png")
    assert "transparent" in refusal(tmp_path / "a.png")
    PICTURE.save(tmp_path / "key.png", transparency=(1, 2, 3))
    assert "transparent" in refusal(tmp_path / "key.png")


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_more_than_eight_bits_are_refused(tmp_path: Path, channels: int, suffix: str) -> None:
    deep = IMAGE.astype(np.uint16) * 257
    cv2.imwrite(str(tmp_path / f"a{suffix}"), deep if channels == 3 else deep[..., 0])
    # Pillow cannot open 16-bit RGB TIFF at all: refused either way, in one line.
    message = refusal(tmp_path / f"a{suffix}")
    assert "8 bits" in message or "not an image" in message


def test_cmyk_is_refused(tmp_path: Path) -> None:
    PICTURE.convert("CMYK").save(tmp_path / "a.jpg")
    assert "CMYK" in refusal(tmp_path / "a.jpg")


def test_several_pages_are_refused_but_a_phones_second_picture_is_not(tmp_path: Path) -> None:
    PICTURE.save(tmp_path / "a.tif", save_all=True, append_images=[PICTURE])
    assert "2 frames" in refusal(tmp_path / "a.tif")
    PICTURE.save(tmp_path / "a.jpg", format="MPO", save_all=True, append_images=[PICTURE])
    assert read_rgb(tmp_path / "a.jpg").shape == IMAGE.shape


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_truncated_files_are_refused(tmp_path: Path, format: str) -> None:
    buffer = io.BytesIO()
    PillowImage.fromarray(scene(2, 200, 200)).save(buffer, format=format)
    (tmp_path / "a.png").write_bytes(buffer.getvalue()[: len(buffer.getvalue()) * 2 // 3])
    refusal(tmp_path / "a.png")


def test_empty_missing_and_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.png").write_bytes(b"")
    assert "empty" in refusal(tmp_path / "empty.png")
    (tmp_path / "page.png").write_text("<html>not found</html>")
    assert "not an image" in refusal(tmp_path / "page.png")
    assert "No such file" in refusal(tmp_path / "nothing.png")


def test_masks(tmp_path: Path) -> None:
    mask = np.zeros((20, 30), bool)
    mask[4:9, 3:8] = True
    write_png(tmp_path / "m.png", mask)
    assert np.array_equal(read_mask(tmp_path / "m.png"), mask)
    bad = {
        "not binary": np.where(mask, 255, 1).astype(np.uint8),
        "coloured": np.dstack([mask * 255, mask * 0, mask * 255]).astype(np.uint8),
        "empty": np.zeros((9, 9), np.uint8),
        "full": np.full((9, 9), 255, np.uint8),
    }
    for said, pixels in bad.items():
        PillowImage.fromarray(pixels).save(tmp_path / "bad.png")
        with pytest.raises(ImageFileError, match=said):
            read_mask(tmp_path / "bad.png")


def test_png_holds_exactly_the_pixels(tmp_path: Path) -> None:
    write_png(tmp_path / "new" / "a.png", IMAGE)
    with PillowImage.open(tmp_path / "new" / "a.png") as stored:
        assert stored.mode == "RGB" and np.array_equal(np.asarray(stored), IMAGE)


@pytest.mark.parametrize("target", [1024, 1536, 1792, 2048])
def test_nearest_is_opencvs_at_every_size_up_to_8192(target: int) -> None:
    """On a ramp: its columns tell their number in two bytes. The rule by hand, and OpenCV's own."""
    numbers = np.arange(8192)
    ramp = np.stack([numbers % 256, numbers // 256, 0 * numbers], axis=-1).astype(np.uint8)[None]
    for source in range(target, 8193):
        low, high, _ = resample_nearest(ramp[:, :source], 1, target)[0].astype(int).T
        # Not floor(i * source / target): the reciprocal of the factor is rounded first.
        by_hand = np.floor(np.arange(target) * (1 / (target / source))).astype(int)
        assert np.array_equal(low + 256 * high, by_hand), source
    line = np.arange(1488, dtype=np.int32)[None]
    opencv = cv2.resize(line, (1024, 1), interpolation=cv2.INTER_NEAREST)[0]
    integers = np.arange(1024) * 1488 // 1024
    assert (opencv != integers).sum() == 15
    mask = np.random.default_rng(0).random((1488, 1488)) < 0.5
    expected = cv2.resize(mask.astype(np.uint8), (1024, 1024), interpolation=cv2.INTER_NEAREST)
    assert np.array_equal(resample_nearest(mask, 1024, 1024), expected > 0)


def test_nearest_by_hand() -> None:
    line = np.arange(7, dtype=np.uint8)[None]
    assert resample_nearest(line, 1, 3).tolist() == [[0, 2, 4]]
    assert resample_nearest(line, 2, 14)[0].tolist() == sorted([*range(7), *range(7)])
