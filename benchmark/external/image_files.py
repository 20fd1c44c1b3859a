"""Storage properties of image files: format, bit depth, losses, colour profile."""

from __future__ import annotations

import io
import struct
from pathlib import Path

from PIL import Image as PillowImage
from PIL import ImageCms

from methods.images import HEADER, ORIENTATION, bit_depth, open_image

LOSSY_TIFF = {"jpeg", "tiff_jpeg", "webp"}


def describe(path: Path) -> tuple[str, list[str]]:
    """Return how a file is stored, such as "1024x1024 RGB 8-bit PNG", and remarks about it.

    A remark is something that a reader of the scores should know although the file can be used.
    Both are empty if Pillow cannot read the file.
    """
    try:
        with open_image(path) as image:
            size = f"{image.width}x{image.height}"
            stored_as = f"{size} {image.mode} {bit_depth(image, _header(path))}-bit {image.format}"
            return stored_as, _remarks(path, image)
    except (OSError, SyntaxError, ValueError):
        return "", []


def _remarks(path: Path, image: PillowImage.Image) -> list[str]:
    profile = _foreign_profile(image)
    remarks = {
        f"the file contains {image.format} data, despite its suffix": _wrong_suffix(path, image),
        f"lossy format ({image.format}): every pixel may be off": _is_lossy(path, image),
        f"mode {image.mode} is converted to RGB": image.mode != "RGB",
        f"colour profile {profile!r} is not applied": profile != "",
        "rotated as its EXIF orientation says": _is_rotated(image),
    }
    return [remark for remark, applies in remarks.items() if applies]


def _header(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEADER)


def _is_lossy(path: Path, image: PillowImage.Image) -> bool:
    if image.format == "TIFF":
        return str(image.info.get("compression")) in LOSSY_TIFF
    if image.format == "WEBP":
        return b"VP8L" not in _webp_chunks(path)
    return image.format in {"JPEG", "JPEG2000", "MPO"}


def _webp_chunks(path: Path) -> list[bytes]:
    """Return the chunk names of a WebP file: VP8L has lossless pixels, "VP8 " lossy ones."""
    names = []
    with path.open("rb") as file:
        file.seek(12)
        while len(header := file.read(8)) == 8:
            name, size = struct.unpack("<4sI", header)
            names.append(name)
            file.seek(size + size % 2, io.SEEK_CUR)
    return names


def _wrong_suffix(path: Path, image: PillowImage.Image) -> bool:
    stored = "JPEG" if image.format == "MPO" else image.format
    return PillowImage.registered_extensions().get(path.suffix.lower()) != stored


def _is_rotated(image: PillowImage.Image) -> bool:
    # Pillow decodes a whole PNG to search for EXIF behind its pixels, where no program writes it.
    if image.format == "PNG" and "exif" not in image.info:
        return False
    return image.getexif().get(ORIENTATION, 1) != 1


def _foreign_profile(image: PillowImage.Image) -> str:
    """Return the name of an embedded colour profile other than sRGB, or an empty string."""
    content = image.info.get("icc_profile")
    if not content:
        return ""
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(content))
        name = ImageCms.getProfileDescription(profile).strip()
    except (OSError, ImageCms.PyCMSError):
        return "unreadable"
    return "" if "srgb" in name.lower() else name or "unnamed"
