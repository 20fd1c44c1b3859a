"""What an image file is, as its header says: the things that tell whether a result was stored
as it was made."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from pathlib import Path

from PIL import Image as PillowImage
from PIL import ImageCms

SUFFIX_FORMATS = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
}
LOSSY_TIFF = {"jpeg", "tiff_jpeg", "webp"}
ORIENTATION = 0x0112


@dataclass(frozen=True)
class ImageFacts:
    """width, height: pixels as stored; bit_depth: bits per channel; profile: name of an embedded
    colour profile that is not sRGB, else empty; rotated: EXIF asks for the picture to be turned."""

    format: str
    width: int
    height: int
    mode: str
    bit_depth: int
    lossy: bool
    wrong_suffix: bool
    profile: str
    rotated: bool

    @property
    def size(self) -> str:
        return f"{self.width}x{self.height}"

    def remarks(self) -> list[str]:
        """What a reader of the scores should know, though the file can be read."""
        found = []
        if self.wrong_suffix:
            found.append(f"the file holds {self.format} data whatever its suffix says")
        if self.lossy:
            found.append(f"lossy format ({self.format}): every pixel may be off")
        if self.mode != "RGB":
            found.append(f"mode {self.mode} is converted to RGB")
        if self.profile:
            found.append(f"colour profile {self.profile!r} is not applied")
        if self.rotated:
            found.append("turned as its EXIF orientation says")
        return found


def image_facts(path: Path) -> ImageFacts | None:
    """Read the header of an image file; None if it is not an image that Pillow knows."""
    try:
        with PillowImage.open(path) as image:
            return ImageFacts(
                format=image.format or "",
                width=image.width,
                height=image.height,
                mode=image.mode,
                bit_depth=_bit_depth(image),
                lossy=_is_lossy(path, image),
                wrong_suffix=_suffix_is_wrong(path, image),
                profile=_foreign_profile(image),
                rotated=_is_rotated(image),
            )
    except (OSError, SyntaxError, ValueError, PillowImage.DecompressionBombError):
        return None


def _bit_depth(image: PillowImage.Image) -> int:
    # Pillow calls 16-bit RGB "RGB" too; only the raw mode of its tiles tells.
    if "16" in image.mode or any(";16" in str(tile[-1]) for tile in getattr(image, "tile", [])):
        return 16
    return {"1": 1, "I": 32, "F": 32}.get(image.mode, 8)


def _is_lossy(path: Path, image: PillowImage.Image) -> bool:
    if image.format == "TIFF":
        return str(image.info.get("compression")) in LOSSY_TIFF
    if image.format == "WEBP":
        return b"VP8L" not in _riff_chunks(path)
    return image.format in {"JPEG", "MPO"}


def _riff_chunks(path: Path) -> list[bytes]:
    """Names of the chunks of a WebP file: VP8L holds lossless pixels, "VP8 " lossy ones."""
    names = []
    with path.open("rb") as file:
        file.seek(12)
        while len(header := file.read(8)) == 8:
            name, size = struct.unpack("<4sI", header)
            names.append(name)
            file.seek(size + size % 2, io.SEEK_CUR)
    return names


def _suffix_is_wrong(path: Path, image: PillowImage.Image) -> bool:
    stored = "JPEG" if image.format == "MPO" else image.format
    return SUFFIX_FORMATS.get(path.suffix.lower()) != stored


def _is_rotated(image: PillowImage.Image) -> bool:
    # Pillow decodes a whole PNG to look for EXIF behind its pixels, where nobody puts it.
    if image.format == "PNG" and "exif" not in image.info:
        return False
    return image.getexif().get(ORIENTATION, 1) != 1


def _foreign_profile(image: PillowImage.Image) -> str:
    content = image.info.get("icc_profile")
    if not content:
        return ""
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(content))
        name = ImageCms.getProfileDescription(profile).strip()
    except (OSError, ImageCms.PyCMSError):
        return "unreadable"
    return "" if "srgb" in name.lower() else name or "unnamed"
