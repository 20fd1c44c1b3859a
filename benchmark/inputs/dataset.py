"""A dataset: a folder of photographs, with or without masks, found and verified before any work.

Either `images/` beside an optional `masks/`, or a flat folder of images. A mask has its image's
name (any image suffix). Other files (SOURCES.csv, README) are left alone.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.inputs.protocol import Protocol, crop_box, hole_mask, reference
from methods.base import Image, Mask
from methods.errors import InputError
from methods.images import SUFFIXES, ImageFileError, read_mask, read_rgb

# Formats people do put into such folders; skipping them in silence would lose photographs.
UNSUPPORTED = (".bmp", ".gif", ".heic", ".heif", ".avif", ".jxl", ".dng", ".cr2", ".nef", ".arw")


@dataclass(frozen=True, slots=True)
class Photo:
    """One verified photograph. Paths are relative to the dataset; size is after EXIF rotation."""

    name: str
    file: str
    sha256: str
    width: int = 0
    height: int = 0
    crop: tuple[int, int, int, int] | None = None
    mask_file: str | None = None
    mask_sha256: str | None = None

    def record(self) -> dict[str, Any]:
        return asdict(self)


def find(dataset: Path) -> list[tuple[Path, Path | None]]:
    """(image, its mask or None) of a dataset folder, sorted by name. Raises InputError when the
    folder cannot be read, holds no image, or names are ambiguous."""
    try:
        images = _by_stem(dataset / "images" if (dataset / "images").is_dir() else dataset)
        masks = _by_stem(dataset / "masks") if (dataset / "masks").is_dir() else {}
    except OSError as error:
        raise InputError(
            f"dataset {dataset}: {error.strerror}; give a folder of images with --dataset"
        ) from None
    if not images:
        raise InputError(f"dataset {dataset} holds no image ({', '.join(SUFFIXES)})")
    orphans = sorted(masks.keys() - images.keys())
    if orphans:
        raise InputError(f"{masks[orphans[0]]}: mask without an image of that name; remove it")
    return [(path, masks.get(key)) for key, path in sorted(images.items())]


def verify(
    dataset: Path,
    protocol: Protocol,
    resolutions: list[int],
    known: dict[tuple[str, str | None], dict[str, Any]],
    done: Callable[[], None] = lambda: None,
) -> list[Photo]:
    """Decode every photograph and mask of a dataset once and check it against the protocol.

    known: records of an earlier run with the same protocol by (SHA-256 of image, of mask): such
    files are not decoded again. done: called after each photograph.
    Raises InputError that names the first bad file and how many more there are.
    """

    def check(pair: tuple[Path, Path | None]) -> Photo | str:
        try:
            return _verify_one(dataset, *pair, protocol, resolutions, known)
        except (ImageFileError, InputError) as error:
            return str(error)
        except OSError as error:
            return f"{error.filename}: {error.strerror}; make it readable or remove it"
        finally:
            done()

    pairs = find(dataset)
    if protocol.uses_dataset_masks():
        _require_masks(dataset, pairs)
    else:
        pairs = [(image, None) for image, _ in pairs]
    with ThreadPoolExecutor() as pool:
        checked = list(pool.map(check, pairs))
    problems = [item for item in checked if isinstance(item, str)]
    if problems:
        more = f" (and {len(problems) - 1} more files with problems)" if problems[1:] else ""
        raise InputError(problems[0] + more)
    return [item for item in checked if isinstance(item, Photo)]


def has_unused_masks(dataset: Path, protocol: Protocol) -> bool:
    """Whether the dataset brings masks that the protocol does not look at."""
    return not protocol.uses_dataset_masks() and (dataset / "masks").is_dir()


def _require_masks(dataset: Path, pairs: Iterable[tuple[Path, Path | None]]) -> None:
    for image, mask in pairs:
        if mask is None:
            raise InputError(
                f"{image}: has no mask; the protocol's hole is the dataset's own mask, put it at "
                f"{dataset / 'masks' / image.stem}.png"
            )


def _verify_one(
    dataset: Path,
    path: Path,
    mask_path: Path | None,
    protocol: Protocol,
    resolutions: list[int],
    known: dict[tuple[str, str | None], dict[str, Any]],
) -> Photo:
    photo = Photo(
        name=path.stem,
        file=path.relative_to(dataset).as_posix(),
        sha256=_sha256(path),
        mask_file=mask_path.relative_to(dataset).as_posix() if mask_path else None,
        mask_sha256=_sha256(mask_path) if mask_path else None,
    )
    earlier = known.get((photo.sha256, photo.mask_sha256))
    if earlier:
        width, height = earlier["width"], earlier["height"]
    else:
        height, width = read_rgb(path).shape[:2]
    photo = replace(photo, width=width, height=height, crop=_crop(path, width, height, protocol))
    if min(width, height) < max(resolutions):
        raise InputError(
            f"{path}: is {width}x{height}, smaller than {max(resolutions)} px; photographs are "
            "never enlarged: remove it or leave out that resolution with --resolutions"
        )
    if not earlier:
        _check_masks(path, mask_path, photo, protocol, resolutions)
    return photo


def _crop(
    path: Path, width: int, height: int, protocol: Protocol
) -> tuple[int, int, int, int] | None:
    if width == height:
        return None
    if protocol.crop == "refuse":
        raise InputError(
            f"{path}: is {width}x{height}, protocol {protocol.name} takes square photographs; "
            "crop it, or use --protocol centre-crop, which takes the largest centred square"
        )
    return crop_box(width, height)


def _check_masks(
    path: Path, mask_path: Path | None, photo: Photo, protocol: Protocol, resolutions: list[int]
) -> None:
    own = None
    if mask_path:
        own = read_mask(mask_path)
        if own.shape != (photo.height, photo.width):
            raise InputError(
                f"{mask_path}: is {own.shape[1]}x{own.shape[0]}, its image "
                f"{photo.width}x{photo.height}; save it at the image's size"
            )
    for resolution in resolutions:
        mask = hole_mask(photo.name, own, resolution, protocol)
        if not mask.any() or mask.all():
            state = "empty" if not mask.any() else "full"
            raise InputError(
                f"{mask_path or path}: the hole is {state} at {resolution} px; "
                "change the mask or the protocol's hole"
            )


def _by_stem(folder: Path) -> dict[str, Path]:
    """Images of a folder by a stem that no file system confuses with another."""
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or not path.is_file():
            continue
        if path.suffix.lower() in UNSUPPORTED:
            raise InputError(f"{path}: {path.suffix} is not supported; save it as PNG or move it")
        if path.suffix.lower() not in SUFFIXES:
            continue
        _check_name(path)
        key = unicodedata.normalize("NFC", path.stem).casefold()
        if key in found:
            raise InputError(
                f"{path} and {found[key].name}: same name apart from suffix or case; rename one"
            )
        found[key] = path
    return found


def _check_name(path: Path) -> None:
    if not path.stem.isprintable() or "\\" in path.stem or path.stem != path.stem.strip():
        raise InputError(
            f"{str(path)!r}: file name has a line break, backslash, control character or a space "
            "at its end; rename it"
        )
    try:
        path.stem.encode()
    except UnicodeEncodeError:
        raise InputError(f"{str(path)!r}: file name is not valid UTF-8; rename it") from None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class PhotoStore:
    """Decoded photographs, kept up to a memory budget: first come, first kept, which is the best
    that can be done when every method walks through all of them in the same order."""

    def __init__(self, dataset: Path, budget_bytes: int = 2**29) -> None:
        self._dataset = dataset
        self._left = budget_bytes
        self._kept: dict[str, tuple[np.ndarray, np.ndarray | None]] = {}

    def get(self, photo: Photo) -> tuple[np.ndarray, np.ndarray | None]:
        """uint8 (H, W, 3) RGB and the photograph's own mask, bool (H, W), if it has one."""
        if photo.name not in self._kept:
            pixels = read_rgb(self._dataset / photo.file)
            mask = read_mask(self._dataset / photo.mask_file) if photo.mask_file else None
            if pixels.nbytes > self._left:
                return pixels, mask
            self._left -= pixels.nbytes
            self._kept[photo.name] = (pixels, mask)
        return self._kept[photo.name]


def inputs(
    photo: Photo, photos: PhotoStore, resolution: int, protocol: Protocol
) -> tuple[Image, Mask]:
    """Reference, uint8 (H, W, 3) RGB, and mask, bool (H, W), of a case. Raises InputError."""
    try:
        pixels, own_mask = photos.get(photo)
    except (OSError, ValueError) as error:
        raise InputError(f"{error}; the file has changed during the run") from None
    image = reference(pixels, resolution, protocol)
    return image, hole_mask(photo.name, own_mask, resolution, protocol)
