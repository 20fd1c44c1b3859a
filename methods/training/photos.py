"""Training photographs from folders and zips, split by source photograph."""

from __future__ import annotations

import hashlib
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

import cv2
import numpy as np

from methods.base import Image
from methods.errors import InputError
from methods.images import SUFFIXES

TILE = re.compile(r"_x\d+(_\d+)+$")
# Of a file on a broken disk; of an entry that is torn or encrypted; of an image that is too large.
UNREADABLE = (OSError, zipfile.BadZipFile, zlib.error, RuntimeError, cv2.error)
# One source photograph in this many is used for validation.
VALIDATION_SHARE = 10


@dataclass(frozen=True)
class Photo:
    """A photograph, or a tile of one."""

    name: str  # in the folder or zip
    source: str  # name of the photograph that it was cut from
    pixels: Image  # uint8 (H, W, 3) RGB


def source_of(name: str) -> str:
    """Return the name of the photograph that a file was cut from, which is on one side of the split
    with all its tiles: SOURCE for tiles named SOURCE_xSCALE_LEFT_TOP, else the file's own name."""
    return TILE.sub("", PurePosixPath(name).stem)


def is_validation(source: str) -> bool:
    """Return whether a source photograph is for validation."""
    # The name alone decides, so the split does not change with the rest of the data.
    return int(hashlib.sha256(source.encode()).hexdigest(), 16) % VALIDATION_SHARE == 0


def load(
    paths: Sequence[Path],
    shorter_side: int | None = None,
    smallest: int = 64,
    report: Callable[[str], None] = print,
) -> list[Photo]:
    """Return the photographs in folders, zips and files, sorted by name, larger ones reduced to
    `shorter_side` pixels. Those that are smaller than `smallest` or cannot be read are reported and
    left out; raises InputError if none is left."""
    photos = []
    for name, read in entries(paths):
        pixels = pixels_of(read)
        if pixels is None:
            report(f"{name}: cannot be read as an image, left out")
        elif min(pixels.shape[:2]) < smallest:
            report(f"{name}: smaller than {smallest} px, left out")
        else:
            photos.append(Photo(name, source_of(name), reduced(pixels, shorter_side)))
    if not photos:
        raise InputError(f"no photograph in {', '.join(map(str, paths))}")
    return sorted(photos, key=lambda photo: photo.name)


def split(photos: Sequence[Photo]) -> tuple[list[Photo], list[Photo]]:
    """Return the photographs for training and for validation. Raises InputError if one is empty."""
    training = [photo for photo in photos if not is_validation(photo.source)]
    validation = [photo for photo in photos if is_validation(photo.source)]
    if not training or not validation:
        raise InputError(f"{len(photos)} photographs are too few for training and validation")
    return training, validation


def entries(paths: Sequence[Path]) -> Iterator[tuple[str, Callable[[], bytes]]]:
    """Return the name of each image in folders, zips and files, and what reads its file.

    Raises InputError for a path where there is neither.
    """
    for path in paths:
        if path.is_dir():
            for file in sorted(path.rglob("*")):
                if file.suffix.lower() in SUFFIXES and not file.is_dir():
                    yield file.relative_to(path).as_posix(), file.read_bytes
        elif zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                names = sorted(archive.namelist())
            for name in names:
                if Path(name).suffix.lower() in SUFFIXES:
                    yield name, partial(_read_from_zip, path, name)
        elif path.is_file():
            yield path.name, path.read_bytes
        else:
            raise InputError(f"{path}: no such folder, zip or file")


def _read_from_zip(path: Path, name: str) -> bytes:
    with zipfile.ZipFile(path) as archive:
        return archive.read(name)


def pixels_of(read: Callable[[], bytes]) -> Image | None:
    """Return the pixels of an image file, uint8 (H, W, 3) RGB, or None if it cannot be read."""
    try:
        content = read()
        if not content:
            return None
        pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    except UNREADABLE:
        return None
    return None if pixels is None else cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)


def reduced(pixels: Image, shorter_side: int | None) -> Image:
    """Return an image whose shorter side is so many pixels at most."""
    height, width = pixels.shape[:2]
    if shorter_side is None or min(height, width) <= shorter_side:
        return pixels
    scale = shorter_side / min(height, width)
    size = round(width * scale), round(height * scale)
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
