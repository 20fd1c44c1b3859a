"""Which image, mask and result belong together."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from methods.errors import InputError
from methods.external import is_image
from methods.files import comparable_name

SUFFIX = "_mask"
# Of the files that a message names.
MOST_NAMES = 5


@dataclass(frozen=True)
class Job:
    """An image to fill: its file, that of its mask, and where the result goes."""

    image: Path
    mask: Path
    result: Path


def single(image: Path, mask: Path, result: Path) -> Job:
    """Return the job of three files. Raises InputError."""
    for path in (image, mask):
        if not path.is_file():
            raise InputError(f"{path}: there is no such file")
    if result.is_dir():
        raise InputError(f"{result} is a folder: name the file, such as {result / image.stem}.png")
    if result.suffix.lower() != ".png":
        raise InputError(
            f"{result}: results are PNG files, whose known pixels stay as they are; name it "
            f"{result.with_suffix('.png').name}"
        )
    for path in (image, mask):
        if result.exists() and result.samefile(path):
            raise InputError(f"{result}: the result would replace its input; choose another name")
    return Job(image, mask, result)


def in_folders(images: Path, masks: Path, results: Path) -> list[Job]:
    """Return the jobs of a folder of images, sorted by name.

    The mask of `boat.jpg` is `boat.png` or `boat_mask.png`, with any suffix of an image; in the
    folder of the images only the latter.

    Raises
    ------
    InputError
        If an image has no mask or two, or a mask no image.
    """
    for folder in (images, masks):
        if not folder.is_dir():
            raise InputError(f"{folder} is no folder: give images, masks and results as folders")
        if results.exists() and results.samefile(folder):
            raise InputError(f"{results}: results would lie among their inputs; choose another one")
    if results.exists() and not results.is_dir():
        raise InputError(f"{results} is a file: give a folder for the results")
    shared = images.samefile(masks)
    found = [path for path in _image_files(images) if not (shared and _is_mask(path))]
    by_name = defaultdict(list)
    for path in _image_files(masks):
        if not shared or _is_mask(path):
            by_name[comparable_name(path.stem)].append(path)
    own = {path: [*by_name[_name(path)], *by_name[_name(path) + SUFFIX]] for path in found}
    _refuse(images, "images of one name", _of_one_name(found))
    _refuse(images, f"images without a mask in {masks}", [path for path in own if not own[path]])
    several = [path for taken in own.values() if len(taken) > 1 for path in taken]
    _refuse(masks, "several masks of one image", several)
    used = {path for taken in own.values() for path in taken}
    unused = [path for paths in by_name.values() for path in paths if path not in used]
    _refuse(masks, f"masks without an image in {images}", sorted(unused))
    if not found:
        raise InputError(f"{images} holds no image")
    return [Job(path, own[path][0], results / f"{path.stem}.png") for path in found]


def _image_files(folder: Path) -> list[Path]:
    files = [path for path in folder.iterdir() if is_image(path) and not path.name.startswith(".")]
    return sorted(files, key=lambda path: comparable_name(path.name))


def _name(path: Path) -> str:
    return comparable_name(path.stem)


def _is_mask(path: Path) -> bool:
    return _name(path).endswith(SUFFIX)


def _of_one_name(paths: Sequence[Path]) -> list[Path]:
    often = Counter(map(_name, paths))
    return [path for path in paths if often[_name(path)] > 1]


def _refuse(folder: Path, what: str, paths: Sequence[Path]) -> None:
    if not paths:
        return
    more = f" and {len(paths) - MOST_NAMES} more" if len(paths) > MOST_NAMES else ""
    raise InputError(
        f"{folder}: {what}: {', '.join(path.name for path in paths[:MOST_NAMES])}{more}; the mask "
        f"of boat.jpg is boat.png or boat{SUFFIX}.png: rename or move them, nothing was filled"
    )
