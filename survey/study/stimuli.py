"""The images that participants see, written without anything that reveals their method.

A study's folder holds stimuli/NAME.webp and stimuli.csv. Only stimuli.csv says which method made
which image; it never leaves the server.
"""

from __future__ import annotations

import csv
import hashlib
import io
import itertools
import os
import secrets
import struct
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from PIL import Image as PillowImage
from PIL import ImageCms, ImageOps

from methods.errors import InputError
from methods.files import sha256, write_atomically

FOLDER, LIST = "stimuli", "stimuli.csv"
# Effort of lossless WebP: a higher one costs seconds an image and saves 1 % of the bytes.
_LOSSLESS_EFFORT = 2
_MAX_WEBP_SIDE = 16_383


class Source(NamedTuple):
    """An image file to encode: the result of `method` on `image`."""

    image: str
    method: str
    path: Path


class Written(NamedTuple):
    """What `write` wrote; `alike`: each two methods whose pixels agree on all images of both."""

    stimuli: list[Stimulus]
    alike: list[tuple[str, str]]


class Stimulus(NamedTuple):
    """A row of stimuli.csv; `name` is the random name of the file, without its suffix."""

    name: str
    image: str
    method: str
    width: int
    height: int
    sha256: str


def write(
    sources: Sequence[Source],
    folder: Path,
    quality: int,
    on_encoded: Callable[[], None] = lambda: None,
) -> Written:
    """Encode every source under a random name, and write stimuli.csv.

    The quality is that of lossy WebP, 1 to 100, or 0 for lossless. `on_encoded` is called after
    each image, from several threads.
    """
    (folder / FOLDER).mkdir(parents=True)

    def encode(source: Source) -> Stimulus:
        name = secrets.token_hex(16)
        path = folder / FOLDER / f"{name}.webp"
        size = _encode(source, path, quality)
        on_encoded()
        return Stimulus(name, source.image, source.method, *size, sha256=sha256(path))

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        stimuli = list(pool.map(encode, sources))
    _check_sizes(stimuli)
    alike = _alike(stimuli)
    stimuli = _of_one_length(stimuli, folder / FOLDER)
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(Stimulus._fields)
    table.writerows(sorted(stimuli))
    write_atomically(folder / LIST, text.getvalue(), private=True)
    return Written(stimuli, alike)


def _alike(stimuli: Sequence[Stimulus]) -> list[tuple[str, str]]:
    """Return each two methods with the same files, not padded yet, on all images of both."""
    files: dict[str, dict[str, str]] = defaultdict(dict)
    for stimulus in stimuli:
        files[stimulus.method][stimulus.image] = stimulus.sha256
    return [
        (first, second)
        for first, second in itertools.combinations(files, 2)
        if (both := files[first].keys() & files[second].keys())
        and all(files[first][image] == files[second][image] for image in both)
    ]


def _encode(source: Source, path: Path, quality: int) -> tuple[int, int]:
    """Write only the pixels of an image; return width and height."""
    try:
        with PillowImage.open(source.path) as image:
            _refuse_deep(image, source.path)
            pixels = _eight_bit_rgb(ImageOps.exif_transpose(image), source.path)
    except (OSError, PillowImage.DecompressionBombError) as error:
        raise InputError(f"{source.path}: cannot be read as an image ({error})") from error
    if max(pixels.size) > _MAX_WEBP_SIDE:
        raise InputError(
            f"{source.path}: wider or higher than {_MAX_WEBP_SIDE} pixels, the most of WebP"
        )
    encoded = io.BytesIO()
    plain = PillowImage.frombytes("RGB", pixels.size, pixels.tobytes())
    if quality:
        plain.save(encoded, "WEBP", quality=quality, method=4)
    else:
        plain.save(encoded, "WEBP", lossless=True, quality=50, method=_LOSSLESS_EFFORT)
    path.write_bytes(encoded.getvalue())
    return plain.size


def _of_one_length(stimuli: Sequence[Stimulus], folder: Path) -> list[Stimulus]:
    """Pad the files of an image to one length, which would tell the method; add checksums."""
    paths = {stimulus.name: folder / f"{stimulus.name}.webp" for stimulus in stimuli}
    length: dict[str, int] = defaultdict(int)
    for stimulus in stimuli:
        length[stimulus.image] = max(length[stimulus.image], paths[stimulus.name].stat().st_size)
    padded = []
    for stimulus in stimuli:
        path = paths[stimulus.name]
        content = _padded(path.read_bytes(), length[stimulus.image])
        path.write_bytes(content)
        # The same modification time for all files reveals nothing to browsers.
        os.utime(path, (0, 0))
        padded.append(stimulus._replace(sha256=hashlib.sha256(content).hexdigest()))
    return padded


def _padded(content: bytes, length: int) -> bytes:
    """Return a WebP file of one chunk with random bytes at the chunk's end, which decoders ignore.

    In a chunk of their own, whose length is even too, they would leave the image's in its header.
    """
    form, chunk = content[8:16], content[20:]
    chunk += secrets.token_bytes(length - len(content))
    return struct.pack("<4sI8sI", b"RIFF", length - 8, form, len(chunk)) + chunk


def _refuse_deep(image: PillowImage.Image, path: Path) -> None:
    """Refuse more than 8 bits a channel, whose lower ones Pillow cuts off without a word."""
    stored = {part for tile in getattr(image, "tile", []) for part in str(tile[3]).split(";")}
    if image.mode.startswith(("I", "F")) or any(part.startswith("16") for part in stored):
        raise InputError(f"{path}: more than 8 bits a channel; save it as 8-bit RGB")


def _eight_bit_rgb(image: PillowImage.Image, path: Path) -> PillowImage.Image:
    """Convert an image as browsers would show it; refuse it if that is ambiguous."""
    if image.has_transparency_data:
        alpha = image.convert("RGBA").getchannel("A")
        if alpha.getextrema() != (255, 255):
            raise InputError(f"{path}: has transparent pixels; save it without")
    profile = image.info.get("icc_profile")
    if profile and image.mode in {"RGB", "RGBA", "L", "CMYK"}:
        # Ignore a profile that cannot be read, as browsers do.
        with suppress(ImageCms.PyCMSError, OSError):
            opaque = image.convert("RGB") if image.mode == "RGBA" else image
            return _to_srgb(opaque, ImageCms.ImageCmsProfile(io.BytesIO(profile)))
    return image.convert("RGB")


def _to_srgb(image: PillowImage.Image, profile: ImageCms.ImageCmsProfile) -> PillowImage.Image:
    if "sRGB" in ImageCms.getProfileName(profile):
        return image.convert("RGB")
    srgb = ImageCms.createProfile("sRGB")
    converted = ImageCms.profileToProfile(image, profile, srgb, outputMode="RGB")
    assert converted is not None
    return converted


def _check_sizes(stimuli: list[Stimulus]) -> None:
    first_of_image: dict[str, Stimulus] = {}
    for stimulus in stimuli:
        first = first_of_image.setdefault(stimulus.image, stimulus)
        if (stimulus.width, stimulus.height) != (first.width, first.height):
            raise InputError(
                f"{stimulus.image}: {stimulus.method} is {stimulus.width}x{stimulus.height} "
                f"pixels, {first.method} {first.width}x{first.height}; the results of an image "
                "must have one size"
            )


def read(folder: Path, elsewhere: bool = False) -> list[Stimulus]:
    """Read stimuli.csv; raise InputError if it or an image, unless elsewhere, is missing."""
    path = folder / LIST
    try:
        with path.open(encoding="utf-8", newline="") as file:
            stimuli = [
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
    for stimulus in stimuli:
        image = _file_of(folder, stimulus)
        if not elsewhere and not os.access(image, os.R_OK):
            raise InputError(
                f"{image} is missing or may not be read; it is in {path}. Copy {FOLDER}/ from "
                "where the study was made, or set server.stimuli_url to where the images are"
            )
    return stimuli


def check(folder: Path, stimuli: Sequence[Stimulus], on_checked: Callable[[], None]) -> None:
    """Check that all images are those that were written; raise InputError if not."""
    for stimulus in stimuli:
        path = _file_of(folder, stimulus)
        try:
            intact = sha256(path) == stimulus.sha256
        except OSError as error:
            raise InputError(f"{path}: {error.strerror}; copy it again") from error
        if not intact:
            raise InputError(f"{path}: not the image that create wrote; copy it again")
        on_checked()


def _file_of(folder: Path, stimulus: Stimulus) -> Path:
    return folder / FOLDER / f"{stimulus.name}.webp"
