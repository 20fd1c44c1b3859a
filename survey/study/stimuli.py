"""The images that people see: written without anything that tells who made them.

A study's folder holds stimuli/NAME.webp and stimuli.csv, the only place that knows which method
made which; it never leaves the server.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from PIL import Image as PillowImage
from PIL import ImageCms, ImageOps

from methods.errors import InputError
from methods.files import write_atomically

FOLDER, LIST = "stimuli", "stimuli.csv"
REFERENCE = "reference"
# Lossless WebP: a higher method costs seconds an image and saves a hundredth of the bytes.
METHOD = 2
# Of WebP.
LARGEST = 16_383


class Source(NamedTuple):
    """A picture to show: of `image`, by `method`."""

    image: str
    method: str
    path: Path


class Stimulus(NamedTuple):
    """A line of stimuli.csv. name: of the file, without suffix, chosen at random."""

    name: str
    image: str
    method: str
    width: int
    height: int
    sha256: str


def write(
    sources: Iterable[Source],
    folder: Path,
    names: Iterable[str],
    quality: int,
    done: Callable[[], None] = lambda: None,
) -> list[Stimulus]:
    """Encode every source under the name given to it, and write stimuli.csv.

    quality: of lossy WebP, 1 to 100, or 0 for lossless. Raises InputError, naming the file, when
    one cannot be read or the results of one image differ in size."""
    (folder / FOLDER).mkdir(parents=True)

    def one(job: tuple[Source, str]) -> Stimulus:
        source, name = job
        found = _encode(source, folder / FOLDER / f"{name}.webp", quality)
        done()
        return Stimulus(name, source.image, source.method, *found)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        written = list(pool.map(one, zip(sources, names, strict=True)))
    _check_sizes(written)
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(Stimulus._fields)
    lines.writerows(sorted(written))
    write_atomically(folder / LIST, text.getvalue(), private=True)
    return written


def _encode(source: Source, path: Path, quality: int) -> tuple[int, int, str]:
    """Width, height and SHA-256 of the written file. Only pixels are copied."""
    try:
        with PillowImage.open(source.path) as opened:
            pixels = _eight_bit_rgb(ImageOps.exif_transpose(opened), source.path)
    except (OSError, PillowImage.DecompressionBombError) as error:
        raise InputError(f"{source.path}: cannot be read as an image ({error})") from error
    if max(pixels.size) > LARGEST:
        raise InputError(f"{source.path}: wider or higher than {LARGEST} pixels, the most of WebP")
    encoded = io.BytesIO()
    plain = PillowImage.frombytes("RGB", pixels.size, pixels.tobytes())
    if quality:
        plain.save(encoded, "WEBP", quality=quality, method=4)
    else:
        plain.save(encoded, "WEBP", lossless=True, quality=50, method=METHOD)
    content = encoded.getvalue()
    path.write_bytes(content)
    # One time for all, which tells nothing to the browser.
    os.utime(path, (0, 0))
    return *plain.size, hashlib.sha256(content).hexdigest()


def _eight_bit_rgb(image: PillowImage.Image, path: Path) -> PillowImage.Image:
    """As browsers would show it. Raises InputError where that is not sure."""
    if image.mode.startswith(("I", "F")):
        raise InputError(f"{path}: more than 8 bits a channel; save it as 8-bit RGB")
    if image.has_transparency_data:
        alpha = image.convert("RGBA").getchannel("A")
        if alpha.getextrema() != (255, 255):
            raise InputError(f"{path}: has transparent pixels; save it without")
    profile = image.info.get("icc_profile")
    if profile and image.mode in {"RGB", "RGBA", "L", "CMYK"}:
        # One that cannot be read is left aside, as browsers do.
        with suppress(ImageCms.PyCMSError, OSError):
            theirs = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            plain = image.convert("RGB") if image.mode == "RGBA" else image
            return _in_srgb(plain, theirs)
    return image.convert("RGB")


def _in_srgb(image: PillowImage.Image, profile: ImageCms.ImageCmsProfile) -> PillowImage.Image:
    if "sRGB" in ImageCms.getProfileName(profile):
        return image.convert("RGB")
    srgb = ImageCms.createProfile("sRGB")
    converted = ImageCms.profileToProfile(image, profile, srgb, outputMode="RGB")
    assert converted is not None
    return converted


def _check_sizes(written: list[Stimulus]) -> None:
    first: dict[str, Stimulus] = {}
    for one in written:
        other = first.setdefault(one.image, one)
        if (one.width, one.height) != (other.width, other.height):
            raise InputError(
                f"{one.image}: {one.method} is {one.width}x{one.height} pixels, {other.method} "
                f"{other.width}x{other.height}; the results of an image must have one size"
            )


def read(folder: Path, elsewhere: bool = False) -> list[Stimulus]:
    """elsewhere: the images are on another host, and need not be here. Raises InputError."""
    path = folder / LIST
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = [
                Stimulus(
                    row["name"], row["image"], row["method"], int(row["width"]),
                    int(row["height"]), row["sha256"],
                )
                for row in csv.DictReader(file)
            ]  # fmt: skip
    except OSError as error:
        raise InputError(
            f"{path}: {error.strerror}; the study is not complete, copy it from where it was made"
        ) from error
    except (KeyError, ValueError, TypeError) as error:
        raise InputError(f"{path}: not a list of stimuli ({error})") from error
    for row in rows:
        if not elsewhere and not os.access(file_of(folder, row), os.R_OK):
            raise InputError(
                f"{file_of(folder, row)} is missing or may not be read; it is in {path}. "
                f"Copy {FOLDER}/ from where the study was made, or set server.stimuli_url to "
                "where the images are"
            )
    return rows


def check(folder: Path, shown: Iterable[Stimulus], done: Callable[[], None]) -> None:
    """That the files are those that were written. Raises InputError."""
    for one in shown:
        path = file_of(folder, one)
        try:
            content = path.read_bytes()
        except OSError as error:
            raise InputError(f"{path}: {error.strerror}; copy it again") from error
        if hashlib.sha256(content).hexdigest() != one.sha256:
            raise InputError(f"{path}: not the image that create wrote; copy it again")
        done()


def file_of(folder: Path, stimulus: Stimulus) -> Path:
    return folder / FOLDER / f"{stimulus.name}.webp"
