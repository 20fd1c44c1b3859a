"""Image files: strict reading to 8-bit RGB, atomic lossless writing, and one resampling rule."""

from __future__ import annotations

import hashlib
import io
import threading
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from methods.base import Image, Mask
from methods.errors import InputError
from methods.files import write_atomically

# OpenCV and Pillow are imported where they are used: methods are listed without them.
if TYPE_CHECKING:
    from PIL import Image as PillowImage

Array = TypeVar("Array", bound=np.ndarray)

SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".tif", ".tiff"),
    *(".bmp", ".jp2", ".pbm", ".pgm", ".pnm", ".ppm", ".tga"),
)
# 1.6 GB as RGB.
MOST_PIXELS = 2**29

_PILLOW_LIMIT = threading.Lock()
# Bytes of a file that hold its header, and where the depth is in that of a JPEG 2000.
HEADER, _JPEG2000_DEPTH = 512, 14
# Pillow's names of what can be converted to RGB without a colour profile.
_MODES = {"1", "L", "LA", "P", "PA", "RGB", "RGBA"}
# The EXIF tag; values above 4 swap width and height.
ORIENTATION = 0x0112


class ImageFileError(InputError):
    """An image file that cannot be used; the message names the file and the remedy."""


def read_rgb(path: Path, sha256: str | None = None, ignore_alpha: bool = False) -> Image:
    """Read an image file with one of `SUFFIXES`.

    EXIF rotation is applied, greyscale and palette images become RGB, an opaque alpha channel is
    dropped. Colour profiles are not applied.

    Parameters
    ----------
    sha256
        Of the file, in hex, if it was checked before: what is read is what was checked.
    ignore_alpha
        Whether to drop transparency instead of refusing it.

    Returns
    -------
    ndarray
        uint8 (H, W, 3) RGB, 0-255.

    Raises
    ------
    ImageFileError
        If the file is missing, broken, or does not define 8-bit RGB values: more than 8 bits per
        channel, CMYK, transparency, several frames. Or if it has another `sha256`.
    """
    from PIL import ImageOps

    with opened(path, sha256) as image:
        upright = ImageOps.exif_transpose(image)
        return np.asarray(_drop_alpha(upright) if ignore_alpha else _to_rgb(path, upright))


def read_alpha(path: Path, sha256: str | None = None) -> NDArray[np.uint8]:
    """Read the alpha channel of an image file, uint8 (H, W), 255 = opaque.

    Raises
    ------
    ImageFileError
        As `read_rgb`, or if the image has no alpha channel.
    """
    from PIL import ImageOps

    with opened(path, sha256) as image:
        if not image.has_transparency_data:
            raise ImageFileError(f"{path}: has no alpha channel; choose another mask_channel")
        return np.asarray(ImageOps.exif_transpose(image).convert("RGBA").getchannel("A"))


def read_mask(path: Path) -> Mask:
    """Read a mask file that holds exactly the values 0 (known) and 255 (hole), in all channels.

    Returns
    -------
    ndarray
        bool (H, W), True = hole.

    Raises
    ------
    ImageFileError
        If the file is no such mask, or `read_rgb` refuses it.
    """
    channels = read_rgb(path)
    grey = channels[..., 0]
    if not (channels == grey[..., None]).all():
        raise ImageFileError(f"{path}: mask is coloured; save it as greyscale, 255 = hole")
    values = np.unique(grey)
    other = values[(values != 0) & (values != 255)]
    if other.size:
        raise ImageFileError(
            f"{path}: mask is not binary (it holds the value {other[0]}); "
            "threshold it to 0 = known, 255 = hole and save it as PNG"
        )
    if len(values) < 2:
        state = "empty: no pixel is 255" if values[0] == 0 else "full: no pixel is 0"
        raise ImageFileError(f"{path}: mask is {state}; 255 = hole, 0 = known, both are needed")
    return grey == 255


def write_png(path: Path, pixels: Image | Mask) -> None:
    """Write an image, or a mask as 0 and 255, as a PNG file; replace the old file in one step.

    Parameters
    ----------
    pixels
        uint8 (H, W, 3) RGB, or bool (H, W).

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    write_atomically(path, png_bytes(pixels))


def png_bytes(pixels: Image | Mask) -> bytes:
    """Return the content of the PNG file that `write_png` writes."""
    import cv2

    if pixels.dtype == np.bool_:
        stored = pixels.astype(np.uint8) * 255
    else:
        stored = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    ok, encoded = cv2.imencode(".png", stored)
    if not ok:
        raise OSError(f"OpenCV could not encode {pixels.shape} pixels as PNG")
    return encoded.tobytes()


def resample_nearest(array: Array, height: int, width: int) -> Array:
    """Resample uint8 (H, W, 3) or bool (H, W) by OpenCV's INTER_NEAREST, as the authors' code does.

    The source index is about floor(i * source / target); nearest neighbour with half-pixel centres
    selects other pixels.
    """
    import cv2

    source = array.view(np.uint8) if array.dtype == np.bool_ else array
    resampled = cv2.resize(
        np.ascontiguousarray(source), (width, height), interpolation=cv2.INTER_NEAREST
    )
    return resampled.view(array.dtype)  # type: ignore[return-value]


def open_image(source: Path | io.BytesIO) -> PillowImage.Image:
    """Open an image of any size with Pillow, which refuses large ones by a global limit."""
    from PIL import Image as PillowImage

    with _PILLOW_LIMIT:
        limit = PillowImage.MAX_IMAGE_PIXELS
        PillowImage.MAX_IMAGE_PIXELS = None
        try:
            return PillowImage.open(source)
        finally:
            PillowImage.MAX_IMAGE_PIXELS = limit


def image_size(path: Path) -> tuple[int, int]:
    """Return height and width in pixels of an image file that can be read, as it is shown."""
    with open_image(path) as image:
        is_turned = image.getexif().get(ORIENTATION, 1) > 4
        return (image.width, image.height) if is_turned else (image.height, image.width)


def opened(path: Path, sha256: str | None = None, most_bits: int = 8) -> PillowImage.Image:
    """Open and decode an image file with Pillow.

    Parameters
    ----------
    sha256
        As for `read_rgb`.
    most_bits
        Per channel. Pillow reduces more than 8 to 8, see `bit_depth`.

    Raises
    ------
    ImageFileError
        As `read_rgb`, but not for transparency.
    """
    from PIL import UnidentifiedImageError

    try:
        content = path.read_bytes()
        if not content:
            raise ImageFileError(f"{path}: the file is empty (0 bytes); restore or remove it")
        if sha256 not in (None, hashlib.sha256(content).hexdigest()):
            raise ImageFileError(f"{path}: has changed since it was checked")
        image = open_image(io.BytesIO(content))
        if image.width * image.height > MOST_PIXELS:
            raise ImageFileError(
                f"{path}: is {image.width}x{image.height}, more than {MOST_PIXELS / 1e6:.0f} "
                "megapixels; reduce it"
            )
        _check_format(path, image, content[:HEADER], most_bits)
        image.load()
    except ImageFileError:
        raise
    except UnidentifiedImageError:
        raise ImageFileError(
            f"{path}: is not an image that can be read; replace or remove it"
        ) from None
    except (OSError, SyntaxError, ValueError) as error:
        raise ImageFileError(
            f"{path}: truncated, corrupt or unreadable ({error}); replace or remove it"
        ) from None
    return image


def bit_depth(image: PillowImage.Image, header: bytes) -> int:
    """Return the bits per channel of an opened image file.

    Pillow silently reduces 16-bit RGB to its high bytes; only the file reveals it.

    Parameters
    ----------
    header
        The beginning of the file.
    """
    if image.mode in {"1", "I", "F"}:
        return 1 if image.mode == "1" else 32
    tiles = getattr(image, "tile", [])
    levels = [tile[-1][-1] for tile in tiles if tile[0] == "ppm"]
    is_deep = "16" in image.mode or any(";16" in str(tile[-1]) for tile in tiles)
    start = header.find(b"ihdr") if image.format == "JPEG2000" else -1
    if start > 0 and header[start + _JPEG2000_DEPTH] & 0x7F > 7:
        is_deep = True
    return 16 if is_deep or any(isinstance(level, int) and level > 255 for level in levels) else 8


def _check_format(path: Path, image: PillowImage.Image, header: bytes, most_bits: int) -> None:
    # A phone's JPEG may contain a second image (MPO); the first frame is the photograph.
    frames = getattr(image, "n_frames", 1)
    if frames > 1 and image.format != "MPO":
        raise ImageFileError(f"{path}: holds {frames} frames; save one as a single image")
    bits = bit_depth(image, header)
    if bits > most_bits:
        raise ImageFileError(
            f"{path}: more than {most_bits} bits per channel; convert it to {most_bits}-bit RGB"
        )
    if not image.mode.startswith("I;16") and image.mode not in _MODES:
        raise ImageFileError(
            f"{path}: colour mode {image.mode}; convert it to 8-bit RGB with its colour profile"
        )


def _drop_alpha(image: PillowImage.Image) -> PillowImage.Image:
    if image.mode in {"P", "PA"}:
        image = image.convert("RGBA")
    return image.convert("RGB")


def _to_rgb(path: Path, image: PillowImage.Image) -> PillowImage.Image:
    if image.mode in {"P", "PA"}:
        image = image.convert("RGBA" if "transparency" in image.info else "RGB")
    if "A" in image.getbands():
        if image.getchannel("A").getextrema() != (255, 255):
            raise ImageFileError(f"{path}: has transparent pixels; flatten it to opaque RGB")
    elif "transparency" in image.info:
        raise ImageFileError(f"{path}: has a transparent colour; flatten it to opaque RGB")
    return image.convert("RGB")
