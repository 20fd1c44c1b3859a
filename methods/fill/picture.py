"""Image files whose known pixels are kept as they are stored: grey, with alpha, with 16 bits."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage
from PIL import ImageOps

from methods.base import Image, Mask
from methods.files import write_atomically
from methods.images import HEADER, ORIENTATION, ImageFileError, bit_depth, open_image, opened

Pixels = NDArray[np.uint8] | NDArray[np.uint16]

# From 16 to 8 bits and back.
_STEPS = 257
# Bytes of a PNG file before its second chunk.
_PNG_HEADER = 33
# Of a photograph a seventh smaller than zlib's level 3 with its own strategy, and in half the time.
_FAST = (
    *(cv2.IMWRITE_PNG_COMPRESSION, 1),
    *(cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE),
)
# How an image is turned upright for each value of the EXIF tag.
_UPRIGHT: dict[int, Callable[[Any], Any]] = {
    2: np.fliplr,
    3: lambda pixels: np.rot90(pixels, 2),
    4: np.flipud,
    5: lambda pixels: pixels.swapaxes(0, 1),
    6: lambda pixels: np.rot90(pixels, -1),
    7: lambda pixels: np.rot90(pixels, 2).swapaxes(0, 1),
    8: lambda pixels: np.rot90(pixels),
}


@dataclass(frozen=True)
class Picture:
    """The pixels of an image file, upright.

    Parameters
    ----------
    pixels
        uint8 or uint16 (H, W, C) with C = 1 (grey), 2 (grey, alpha), 3 (RGB) or 4 (RGB, alpha).
    profile
        The colour profile (ICC), if there is one.
    """

    pixels: Pixels
    profile: bytes | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.pixels.shape[:2]

    def rgb(self) -> Image:
        """Return the colours for a method, uint8 (H, W, 3), without alpha."""
        colours = self.pixels[..., : self._colours]
        if colours.dtype == np.uint16:
            colours = ((colours.astype(np.uint32) + _STEPS // 2) // _STEPS).astype(np.uint8)
        return np.ascontiguousarray(np.broadcast_to(colours, (*self.size, 3)))

    def filled(self, result: Image, mask: Mask) -> Picture:
        """Return the picture with its hole from a result, uint8 (H, W, 3), and opaque there."""
        inside = result[mask]
        if self._colours == 1:
            inside = cv2.cvtColor(inside[None], cv2.COLOR_RGB2GRAY).reshape(-1, 1)
        pixels = self.pixels.copy()
        steps = _STEPS if pixels.dtype == np.uint16 else 1
        pixels[mask, self._colours :] = np.iinfo(pixels.dtype).max
        pixels[mask, : self._colours] = inside.astype(pixels.dtype) * steps
        return replace(self, pixels=pixels)

    @property
    def _colours(self) -> int:
        return 1 if self.pixels.shape[2] < 3 else 3


def read_picture(path: Path) -> Picture:
    """Read an image file with one of `methods.images.SUFFIXES`, turned as its EXIF data say.

    Palettes become RGB, a transparent colour becomes an alpha channel.

    Raises
    ------
    ImageFileError
        If the file is missing, broken, has several frames, more than 16 bits, or other colours
        than grey and RGB.
    """
    with opened(path, most_bits=16) as image:
        profile = image.info.get("icc_profile")
        content = path.read_bytes()
        if _is_deep(content):
            orientation = image.getexif().get(ORIENTATION, 1)
            return Picture(_deep_pixels(path, content, orientation), profile)
        pixels = np.asarray(_plain(ImageOps.exif_transpose(image)))
    return Picture(pixels.reshape(*pixels.shape[:2], -1), profile)


def write_picture(path: Path, picture: Picture) -> None:
    """Write a picture as a PNG file; replace an old file in one step. Raises OSError."""
    has_two_channels = picture.pixels.shape[2] == 2
    write_atomically(path, _grey_alpha_png(picture) if has_two_channels else _png(picture))


def _is_deep(content: bytes) -> bool:
    # Of a file that is not decoded yet: afterwards Pillow no longer tells.
    with open_image(io.BytesIO(content)) as image:
        return bit_depth(image, content[:HEADER]) > 8


def _plain(image: PillowImage.Image) -> PillowImage.Image:
    """Return an image as L, LA, RGB or RGBA."""
    if image.mode == "1":
        return image.convert("L")
    if image.mode in {"P", "PA"}:
        return image.convert("RGBA" if image.has_transparency_data else "RGB")
    if "transparency" in image.info:
        return image.convert("LA" if image.mode == "L" else "RGBA")
    return image


def _deep_pixels(path: Path, content: bytes, orientation: int) -> NDArray[np.uint16]:
    """Decode 16 bits per channel, uint16 (H, W, C), which Pillow cannot."""
    pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None or pixels.dtype != np.uint16:
        raise ImageFileError(f"{path}: its 16 bits cannot be read; convert it to a 16-bit PNG file")
    if pixels.ndim == 3:
        code = cv2.COLOR_BGR2RGB if pixels.shape[2] == 3 else cv2.COLOR_BGRA2RGBA
        pixels = cv2.cvtColor(pixels, code)
    upright = _UPRIGHT.get(orientation, lambda pixels: pixels)(pixels)
    return np.ascontiguousarray(upright).reshape(*upright.shape[:2], -1)


def _png(picture: Picture) -> bytes:
    pixels = picture.pixels
    if pixels.shape[2] > 2:
        code = cv2.COLOR_RGB2BGR if pixels.shape[2] == 3 else cv2.COLOR_RGBA2BGRA
        pixels = cv2.cvtColor(pixels, code)
    ok, encoded = cv2.imencode(".png", pixels, _FAST)
    if not ok:
        raise OSError(f"OpenCV could not encode {pixels.shape} pixels as PNG")
    content = encoded.tobytes()
    if picture.profile is None:
        return content
    # OpenCV writes no profile: its chunk follows the header.
    body = b"iCCPprofile\0\0" + zlib.compress(picture.profile)
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return content[:_PNG_HEADER] + chunk + content[_PNG_HEADER:]


def _grey_alpha_png(picture: Picture) -> bytes:
    """Encode two channels, which OpenCV cannot."""
    file = io.BytesIO()
    PillowImage.fromarray(picture.pixels).save(file, "PNG", icc_profile=picture.profile)
    return file.getvalue()
