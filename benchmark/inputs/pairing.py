"""Which files of a dataset are photographs, which masks, and what their cases are called."""

from __future__ import annotations

import bisect
import glob
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from benchmark.inputs.case_names import Pair, contradiction, named_cases, photo_names
from benchmark.inputs.description import Dataset
from methods.errors import InputError
from methods.files import comparable_name
from methods.images import SUFFIXES

# Image formats that are refused rather than passed over, which would lose photographs.
UNSUPPORTED = (".gif", ".heic", ".heif", ".avif", ".jxl", ".dng", ".cr2", ".nef", ".arw")
IMAGE, FOLDER = "{image}", "{folder}"
_WILDCARDS = {"**/": "(?:.*/)?", "*": "[^/]*", "?": "[^/]"}


def find_pairs(dataset: Dataset, with_masks: bool = True) -> list[Pair]:
    """Return the cases of a dataset, sorted by name.

    A photograph with several masks is as many cases, named after the masks. Without masks each
    photograph is one case; masks are told apart from photographs all the same.

    Raises
    ------
    InputError
        If there is no photograph, or files and patterns do not fit together.
    """
    root, description = dataset.root, dataset.description
    photos = _photographs(dataset)
    if description.masks is not None:
        patterns = description.masks
    else:
        patterns = ["masks/{image}.*"] if (root / "masks").is_dir() else []
    masks = _masks(dataset, photos, patterns)
    if description.masks is None:
        masks = {photo: _of_same_name(photo, paths) for photo, paths in masks.items()}
    claimed = {path for paths in masks.values() for path in paths}
    photos = [path for path in photos if path not in claimed]
    if not photos:
        raise InputError(f"dataset {dataset.path}: every image is the mask of another one")
    if description.images is None:
        _refuse_orphans(root, patterns, {*photos, *claimed})
    uses_folder = any(FOLDER in pattern for pattern in patterns)
    names = photo_names(root, photos, uses_folder)
    cases = named_cases(names, masks if with_masks else {})
    return sorted(cases, key=lambda pair: comparable_name(pair.name))


def _of_same_name(photo: Path, masks: list[Path]) -> list[Path]:
    own = comparable_name(photo.stem)
    return [path for path in masks if comparable_name(path.stem) == own]


def _photographs(dataset: Dataset) -> list[Path]:
    root, patterns = dataset.root, dataset.description.images
    try:
        entries = list(root.iterdir())
        default = "images/*" if (root / "images").is_dir() else "*"
        photos = _images(root, patterns or [default])
    except OSError as error:
        raise InputError(
            f"dataset {dataset.path}: {error.strerror}; give a folder of images with --dataset"
        ) from None
    if photos:
        return photos
    if patterns:
        examples = ", ".join(sorted(entry.name for entry in entries)[:4])
        raise InputError(
            f"dataset {dataset.path}: no image matches {_quoted(patterns)} in {root}, "
            f"which holds {examples or 'nothing'}; mind upper and lower case"
        )
    raise InputError(f"dataset {dataset.path} contains no image ({', '.join(SUFFIXES)})")


def _images(root: Path, patterns: Sequence[str]) -> list[Path]:
    """Return the image files that match patterns, sorted, without hidden ones."""
    try:
        paths = sorted({path for pattern in patterns for path in root.glob(_files(pattern))})
    except (ValueError, NotImplementedError) as error:
        raise InputError(f"{_quoted(patterns)} is not a pattern of files: {error}") from None
    return [path for path in paths if is_image(path)]


def _files(pattern: str) -> str:
    """Return a pattern that all versions of Python read as 3.13 does, or refuse as those before."""
    parts = pattern.split("/")
    if any("**" in part and part != "**" for part in parts):
        raise ValueError("'**' stands between slashes")
    return f"{pattern}/*" if parts[-1] == "**" else pattern


def is_image(path: Path) -> bool:
    """Return whether a path is a visible image file; raise InputError for unsupported formats."""
    if path.name.startswith(".") or not path.is_file():
        return False
    if path.suffix.lower() in UNSUPPORTED:
        raise InputError(f"{path}: {path.suffix} is not supported; save it as PNG or move it")
    return path.suffix.lower() in SUFFIXES


def _masks(dataset: Dataset, photos: list[Path], patterns: list[str]) -> dict[Path, list[Path]]:
    """Return the masks of each photograph that has any."""
    root = dataset.root
    masks: dict[Path, list[Path]] = defaultdict(list)
    if not patterns:
        return masks
    by_name = [pattern for pattern in patterns if IMAGE in pattern or FOLDER in pattern]
    if len(by_name) < len(patterns):
        if by_name:
            raise InputError(
                f"dataset {dataset.path}: masks {_quoted(patterns)}: use {IMAGE} in all patterns "
                "or in none"
            )
        return _paired_in_order(dataset, photos, patterns)
    owner: dict[Path, Path] = {}
    for photo, mask in _named_after(root, photos, by_name):
        # Of `a` and `a_b`, whose mask could both be `a_b_mask`, the longer name owns it.
        if mask not in owner or len(owner[mask].stem) < len(photo.stem):
            owner[mask] = photo
    # A photograph with a mask of its own is none.
    photographs = set(owner.values())
    for mask, photo in sorted(owner.items()):
        if mask not in photographs:
            masks[photo].append(mask)
    return masks


def _named_after(
    root: Path, photos: list[Path], patterns: Iterable[str]
) -> Iterator[tuple[Path, Path]]:
    """Yield each photograph with each file that its pattern could mean."""
    folders: dict[Path, list[Path]] = defaultdict(list)
    for photo in photos:
        folders[photo.parent].append(photo)
    for pattern in patterns:
        if FOLDER not in pattern:
            yield from _in_folder(root, photos, pattern)
            continue
        for folder, inside in folders.items():
            # With `images = "val/*/image.png"` both "val/7" and "7" are the photograph's folder.
            for spelling in {folder.relative_to(root).as_posix(), folder.name}:
                own = pattern.replace(FOLDER, glob.escape(spelling))
                yield from _in_folder(root, inside, own)


def _in_folder(root: Path, photos: list[Path], pattern: str) -> Iterator[tuple[Path, Path]]:
    files = _images(root, [_any_image(pattern)])
    known = sorted((comparable_name(path.relative_to(root).as_posix()), path) for path in files)
    own = comparable_name(pattern)
    before, found, after = own.partition(IMAGE)
    # One expression serves all photographs, unless their names stand behind a wildcard.
    is_slow = not found or IMAGE in after or re.search(r"[*?[]", before)
    behind = None if is_slow else _expression(after)
    for photo in photos:
        stem = comparable_name(photo.stem)
        whole = own.replace(IMAGE, glob.escape(stem))
        prefix = f"{before}{stem}" if behind else _literal_start(whole)
        expression, start = (behind, len(prefix)) if behind else (_expression(whole), 0)
        for name, path in _beginning_with(prefix, known):
            if path != photo and expression.fullmatch(name, start):
                yield photo, path


def _beginning_with(prefix: str, known: list[tuple[str, Path]]) -> Iterator[tuple[str, Path]]:
    place = bisect.bisect_left(known, (prefix,))
    while place < len(known) and known[place][0].startswith(prefix):
        yield known[place]
        place += 1


def _any_image(pattern: str) -> str:
    """Return a pattern with any name in the place of the photograph's."""
    parts = pattern.split("/")
    return "/".join(
        re.sub(r"\*+", "*", part.replace(IMAGE, "*")) if IMAGE in part else part for part in parts
    )


def _expression(pattern: str) -> re.Pattern[str]:
    """Return what a pattern of `pathlib.Path.glob` matches, for paths with slashes."""
    parts = []
    for token in re.findall(r"\*\*/|\*|\?|\[!?\]?[^]]*\]|.", pattern):
        if token in _WILDCARDS:
            parts.append(_WILDCARDS[token])
        elif len(token) > 1:
            inside = token[1:-1].replace("\\", r"\\").replace("[", r"\[")
            parts.append(f"[^{inside[1:]}]" if inside.startswith("!") else f"[{inside}]")
        else:
            parts.append(re.escape(token))
    return re.compile("".join(parts))


def _literal_start(pattern: str) -> str:
    """Return the beginning of a pattern that every match shares."""
    unescaped = re.sub(r"\[([*?[])\]", lambda match: f"\0{match[1]}", pattern)
    start = re.split(r"(?<!\0)[*?[]", unescaped, maxsplit=1)[0]
    return start.replace("\0", "")


def _paired_in_order(
    dataset: Dataset, photos: list[Path], patterns: list[str]
) -> dict[Path, list[Path]]:
    masks = _images(dataset.root, patterns)
    photos = sorted(set(photos).difference(masks))
    if len(photos) != len(masks):
        raise InputError(
            f"dataset {dataset.path}: {len(photos)} photographs and {len(masks)} masks "
            f"({_quoted(patterns)}) cannot be paired in sorted order; use {IMAGE} in masks"
        )
    if wrong := contradiction(photos, masks):
        raise InputError(
            f"dataset {dataset.path}: sorted order pairs {wrong[0].name} with {wrong[1].name}; "
            f"name them alike, with as many digits, or use {IMAGE} in masks"
        )
    return {photo: [mask] for photo, mask in zip(photos, masks, strict=True)}


def _refuse_orphans(root: Path, patterns: Iterable[str], used: set[Path]) -> None:
    """Raise InputError for a mask that belongs to no photograph."""
    for pattern in patterns:
        if FOLDER in pattern:
            continue
        for path in _images(root, [_any_image(pattern)]):
            if path not in used:
                raise InputError(f"{path}: mask without an image of that name; remove it")


def _quoted(patterns: Iterable[str]) -> str:
    return ", ".join(f'"{pattern}"' for pattern in patterns)
