"""A dataset: a folder of photographs, with or without masks, verified before anything runs.

Either `images/` beside an optional `masks/`, or a flat folder of images. A mask has its image's
name (with any image suffix). Other files are ignored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import track

from benchmark.inputs.protocol import Protocol, crop_box, hole_mask, hole_problem, reference
from methods.base import Image, Mask
from methods.errors import InputError
from methods.files import comparable_name, sha256
from methods.images import SUFFIXES, ImageFileError, read_mask, read_rgb

T = TypeVar("T")
Item = TypeVar("Item")

# Image formats that are refused rather than ignored: ignoring them would lose photographs.
UNSUPPORTED = (".bmp", ".gif", ".heic", ".heif", ".avif", ".jxl", ".dng", ".cr2", ".nef", ".arw")

# Records of verified photographs by SHA-256 of the image and of its mask.
KnownPhotos = Mapping[tuple[str, str | None], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Photo:
    """One verified photograph; its files are given relative to the dataset."""

    name: str
    file: str
    sha256: str
    # In pixels, after EXIF rotation.
    width: int = 0
    height: int = 0
    # left, top, right, bottom, if the protocol crops the photograph.
    crop: tuple[int, int, int, int] | None = None
    mask_file: str | None = None
    mask_sha256: str | None = None


def _find(dataset: Path) -> list[tuple[Path, Path | None]]:
    """Return the images of a dataset, sorted by name, each with its mask or None."""
    try:
        images = _by_stem(dataset / "images" if (dataset / "images").is_dir() else dataset)
        masks = _by_stem(dataset / "masks") if (dataset / "masks").is_dir() else {}
    except OSError as error:
        raise InputError(
            f"dataset {dataset}: {error.strerror}; give a folder of images with --dataset"
        ) from None
    if not images:
        raise InputError(f"dataset {dataset} contains no image ({', '.join(SUFFIXES)})")
    orphans = sorted(masks.keys() - images.keys())
    if orphans:
        raise InputError(f"{masks[orphans[0]]}: mask without an image of that name; remove it")
    return [(path, masks.get(key)) for key, path in sorted(images.items())]


def verify(
    dataset: Path,
    protocol: Protocol,
    resolutions: list[int],
    known: KnownPhotos,
    console: Console,
) -> list[Photo]:
    """Decode every photograph and mask of a dataset and check it against the protocol.

    Parameters
    ----------
    known
        Photographs that an earlier run verified for the same protocol and resolutions; they are
        not decoded again.
    console
        For a progress bar.

    Raises
    ------
    InputError
        If the folder has no image or ambiguous names, and for the first unusable file; the
        message counts the others.
    """

    def check(pair: tuple[Path, Path | None]) -> Photo | str:
        try:
            return _verify_one(dataset, *pair, protocol, resolutions, known)
        except (ImageFileError, InputError) as error:
            return str(error)
        except OSError as error:
            return f"{error.filename}: {error.strerror}; make it readable or remove it"

    pairs = _find(dataset)
    if not protocol.uses_dataset_masks():
        pairs = [(image, None) for image, _ in pairs]
    for image, mask in pairs:
        if mask is None and protocol.uses_dataset_masks():
            raise InputError(
                f"{image}: has no mask; the protocol's hole is the dataset's own mask, put it at "
                f"{dataset / 'masks' / image.stem}.png"
            )
    checked = in_threads(check, pairs, "checking photographs", console)
    problems = [item for item in checked if isinstance(item, str)]
    if problems:
        more = f" (and {len(problems) - 1} more files with problems)" if problems[1:] else ""
        raise InputError(problems[0] + more)
    return [item for item in checked if isinstance(item, Photo)]


def in_threads(
    function: Callable[[Item], T],
    items: Sequence[Item],
    description: str,
    console: Console,
    threads: int | None = None,
) -> list[T]:
    """Return `function(item)` for every item, while a progress bar is shown on a terminal."""
    hide = not console.is_terminal
    with ThreadPoolExecutor(threads) as pool:
        results = pool.map(function, items)
        bar = track(results, description, len(items), console=console, transient=True, disable=hide)
        return list(bar)


def _verify_one(
    dataset: Path,
    path: Path,
    mask_path: Path | None,
    protocol: Protocol,
    resolutions: list[int],
    known: KnownPhotos,
) -> Photo:
    photo = Photo(
        name=path.stem,
        file=path.relative_to(dataset).as_posix(),
        sha256=sha256(path),
        mask_file=mask_path.relative_to(dataset).as_posix() if mask_path else None,
        mask_sha256=sha256(mask_path) if mask_path else None,
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
            f"{path}: is {width}x{height}, protocol {protocol.name} requires square photographs; "
            "crop it, or use --protocol centre-crop, which takes the largest centred square"
        )
    return crop_box(width, height)


def _check_masks(
    path: Path, mask_path: Path | None, photo: Photo, protocol: Protocol, resolutions: list[int]
) -> None:
    own_mask = read_mask(mask_path) if mask_path else None
    if own_mask is not None and own_mask.shape != (photo.height, photo.width):
        raise InputError(
            f"{mask_path}: is {own_mask.shape[1]}x{own_mask.shape[0]}, its image "
            f"{photo.width}x{photo.height}; save it at the image's size"
        )
    for resolution in resolutions:
        problem = hole_problem(hole_mask(photo.name, own_mask, resolution, protocol))
        if problem:
            raise InputError(
                f"{mask_path or path}: the hole {problem} at {resolution} px; "
                "change the mask or the protocol's hole"
            )


def _by_stem(folder: Path) -> dict[str, Path]:
    """Return a folder's images by their stems, normalised as case-insensitive file systems do."""
    images: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or not path.is_file():
            continue
        if path.suffix.lower() in UNSUPPORTED:
            raise InputError(f"{path}: {path.suffix} is not supported; save it as PNG or move it")
        if path.suffix.lower() not in SUFFIXES:
            continue
        _check_name(path)
        key = comparable_name(path.stem)
        if key in images:
            raise InputError(
                f"{path} and {images[key].name}: same name apart from suffix or case; rename one"
            )
        images[key] = path
    return images


def _check_name(path: Path) -> None:
    # Invalid UTF-8 is read as surrogates, which are not printable.
    if not path.stem.isprintable() or "\\" in path.stem or path.stem != path.stem.strip():
        raise InputError(
            f"{str(path)!r}: file name has a line break, backslash, control character, invalid "
            "UTF-8 or a space at its end; rename it"
        )


class PhotoStore:
    """Decoded photographs of a dataset, cached up to a memory budget.

    The first photographs stay cached: every method goes through all of them in the same order, so
    evicting any would make the next round miss it.
    """

    def __init__(self, dataset: Path, budget_bytes: int = 2**29) -> None:
        self._dataset = dataset
        self._free_bytes = budget_bytes
        self._cached: dict[str, tuple[Image, Mask | None]] = {}

    def get(self, photo: Photo) -> tuple[Image, Mask | None]:
        """Return a photograph, uint8 (H, W, 3), and its own mask, bool (H, W), if it has one."""
        if photo.name in self._cached:
            return self._cached[photo.name]
        pixels = read_rgb(self._dataset / photo.file, photo.sha256)
        mask = None
        if photo.mask_file:
            mask = read_mask(self._dataset / photo.mask_file, photo.mask_sha256)
        if pixels.nbytes <= self._free_bytes:
            self._free_bytes -= pixels.nbytes
            self._cached[photo.name] = (pixels, mask)
        return pixels, mask

    def inputs(self, photo: Photo, resolution: int, protocol: Protocol) -> tuple[Image, Mask]:
        """Return reference, uint8 (N, N, 3), and mask, bool (N, N), of a photograph's cases.

        Raises InputError if a file has become unreadable since it was verified.
        """
        try:
            pixels, own_mask = self.get(photo)
        except (OSError, ImageFileError) as error:
            raise InputError(
                f"{error}; the file has changed during the run: the same command checks it again"
            ) from None
        image = reference(pixels, resolution, protocol)
        return image, hole_mask(photo.name, own_mask, resolution, protocol)
