"""Proposals of a dataset.toml for folders whose layout can be guessed from their names."""

from __future__ import annotations

import glob
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from benchmark.inputs.case_names import Pair, numbers_agree
from benchmark.inputs.description import Dataset, Description
from benchmark.inputs.pairing import FOLDER, IMAGE, find_pairs, is_image
from methods.errors import InputError

# Words for a mask in names, as a part of their own: not in "unmasked" or "masked".
_MASK = re.compile(r"(?<![a-z])(?:mask|hole|matte)s?(?![a-z])", re.IGNORECASE)
_MASK_FOLDER = re.compile(r"mask|hole", re.IGNORECASE)
# Words for a photograph, most certain first; "input" may have its hole painted in.
_PHOTOGRAPH = (
    *("raw", "gt", "original", "orig", "image", "images", "img", "imgs", "photo", "photos"),
    *("test", "testset", "input", "inputs", "src", "source"),
)
# Patterns for more files than this are not written as a list.
_MOST_NAMES = 40
# How many files are looked at.
MOST_FILES = 20_000

Candidate = tuple[list[str], list[str]]


def propose(root: Path) -> tuple[Description, list[Pair]] | None:
    """Return the first layout under which every photograph of a folder has a mask, or None."""
    try:
        names = _image_names(root)
        candidates = list(_candidates(names))
    except (OSError, InputError):
        return None
    for images, masks in candidates:
        description = Description(images=images, masks=masks)
        try:
            pairs = find_pairs(Dataset(root, description, root))
        except InputError:
            continue
        if pairs and all(pair.mask for pair in pairs):
            return description, pairs
    return None


def is_mask_name(stem: str) -> bool:
    """Return whether a name without suffix holds a word for a mask."""
    return _MASK.search(stem) is not None


def mask_names(root: Path) -> list[str]:
    """Return the photographs of a set without description that are named like another's mask."""
    folder = root / "images" if (root / "images").is_dir() else root
    names = [name for name in _image_names(folder) if "/" not in name]
    if next(_flat(names), None) is None:
        return []
    return [name for name in names if name in _masks_among(names)]


def _masks_among(files: Sequence[str]) -> list[str]:
    """Return the files with a word for a mask in their names, also grown together with another."""
    stems = {Path(name).stem.casefold() for name in files}
    return [
        name
        for name in files
        if is_mask_name(Path(name).stem)
        or Path(name).stem.casefold().removesuffix("mask") in stems - {Path(name).stem.casefold()}
    ]


def _image_names(root: Path) -> list[str]:
    """Return the images in a folder and in its sub-folders, relative to it, sorted."""
    paths = (path for pattern in ("*", "*/*") for path in root.glob(pattern))
    found = islice((path for path in paths if is_image(path)), MOST_FILES)
    return sorted(path.relative_to(root).as_posix() for path in found)


def _candidates(names: list[str]) -> Iterator[Candidate]:
    by_folder: dict[str, list[str]] = defaultdict(list)
    for name in names:
        folder, _, file = name.rpartition("/")
        by_folder[folder].append(file)
    yield from _sibling_folders(by_folder)
    if "" in by_folder:
        yield from _flat(by_folder[""])
    yield from _folder_each({key: files for key, files in by_folder.items() if key})


def _sibling_folders(by_folder: dict[str, list[str]]) -> Iterator[Candidate]:
    """Yield layouts with photographs in one folder and masks in another."""
    of_masks = [folder for folder in by_folder if _MASK_FOLDER.search(folder)]
    others = [folder for folder in by_folder if folder and folder not in of_masks]
    if len(of_masks) != 1:
        return
    masks = of_masks[0]
    order = [masks.replace("_mask", ""), *_PHOTOGRAPH]
    others.sort(key=lambda name: _place(name, order))
    for images in others:
        yield [f"{images}/*"], [f"{masks}/{IMAGE}.*"]
    for images in others:
        first = Path(by_folder[images][0]).stem
        for name in by_folder[masks][:3]:
            if first in name and _MASK.search(name):
                before, after = Path(name).stem.split(first, 1)
                yield [f"{images}/*"], [f"{masks}/{before}{IMAGE}{_numbered(after)}.*"]
    for images in others:
        # Names that share nothing but their order may be in another one.
        if _numbers_agree(by_folder[images], by_folder[masks]):
            yield [f"{images}/*"], [f"{masks}/*"]


def _numbers_agree(photos: Sequence[str], masks: Sequence[str]) -> bool:
    paired = len(photos) == len(masks)
    return paired and numbers_agree([*map(Path, photos)], [*map(Path, masks)])


def _flat(files: Sequence[str]) -> Iterator[Candidate]:
    """Yield layouts with photographs and masks in one folder."""
    masks = _masks_among(files)
    others = [name for name in files if name not in masks]
    stems = {Path(name).stem: name for name in others}
    owners = {name: _owner(Path(name).stem, stems) for name in masks}
    owned = {name: owner for name, owner in owners.items() if owner}
    if owned:
        patterns = sorted({_around(name, owner) for name, owner in owned.items()})
        photos = sorted({stems[owner] for owner in owned.values()})
        if len(patterns) <= 3:
            yield _matching(photos, files, masks), patterns
    yield from _other_word(masks, others)
    if _numbers_agree(others, masks):
        yield [_shared_start(others)], [_shared_start(masks)]


def _shared_start(files: Sequence[str]) -> str:
    """Return a pattern of files with one beginning and one suffix."""
    start = re.split(r"\d", files[0], maxsplit=1)[0]
    return f"{glob.escape(start)}*{Path(files[0]).suffix}"


def _owner(mask: str, stems: dict[str, str]) -> str:
    """Return the longest stem of a photograph that a mask's name begins or ends with."""
    parts = [mask[:end] for end in range(len(mask) - 1, 0, -1)]
    parts += [mask[start:] for start in range(1, len(mask))]
    return next((part for part in parts if part in stems), "")


def _around(name: str, owner: str) -> str:
    """Return the pattern of a mask's name around that of its photograph."""
    path = Path(name)
    if path.stem.startswith(owner):
        return f"{IMAGE}{_numbered(path.stem.removeprefix(owner))}{path.suffix}"
    return f"{_numbered(path.stem.removesuffix(owner))}{IMAGE}{path.suffix}"


def _numbered(text: str) -> str:
    return re.sub(r"\d+", "*", text)


def _matching(photos: list[str], files: Sequence[str], masks: Sequence[str]) -> list[str]:
    """Return patterns that match these files, and of the others at most masks."""
    suffixes = sorted({Path(name).suffix for name in photos})
    if len(photos) <= 3:
        return [glob.escape(name) for name in photos]
    for pattern in (
        [f"*{suffix}" for suffix in suffixes],
        sorted({re.sub(r"\d", "?", name) for name in photos}),
        sorted({re.sub(r"\d+", "*", name) for name in photos}),
    ):
        matched = {name for name in files if any(Path(name).match(each) for each in pattern)}
        if len(pattern) <= 3 and matched - set(masks) == set(photos):
            return pattern
    return [glob.escape(name) for name in photos] if len(photos) <= _MOST_NAMES else ["*"]


def _other_word(masks: Sequence[str], others: Sequence[str]) -> Iterator[Candidate]:
    """Yield layouts like case1_raw.png with case1_mask.png: one word differs."""
    if not masks or not all(is_mask_name(Path(name).stem) for name in masks):
        return
    around = [_MASK.split(Path(name).stem, maxsplit=1) for name in masks]
    word = _MASK.search(Path(masks[0]).stem)
    suffixes = sorted({Path(name).suffix for name in masks})
    for original in _PHOTOGRAPH:
        wanted = {f"{before}{original}{after}" for before, after in around}
        found = [name for name in others if Path(name).stem in wanted]
        if word and len(found) == len(masks):
            own = sorted({Path(name).suffix for name in found})
            yield (
                [f"{_any(around, original)}{suffix}" for suffix in own],
                [f"{_any(around, word[0])}{suffix}" for suffix in suffixes],
            )


def _any(around: Sequence[Sequence[str]], word: str) -> str:
    """Return a pattern of the names in which a word stands, without their suffix."""
    befores, afters = ({parts[place] for parts in around} for place in (0, 1))
    before = befores.pop() if len(befores) == 1 else "*"
    after = afters.pop() if len(afters) == 1 else "*"
    return f"{before}{word}{after}"


def _folder_each(by_folder: dict[str, list[str]]) -> Iterator[Candidate]:
    """Yield layouts with a folder for each photograph."""
    if len(by_folder) < 2:
        return
    common = set.intersection(*(set(files) for files in by_folder.values()))
    masks = sorted(name for name in common if _MASK.search(Path(name).stem))
    photos = sorted(common.difference(masks), key=lambda name: (_place(Path(name).stem), name))
    for photo in photos:
        for mask in masks:
            yield [f"*/{photo}"], [f"{FOLDER}/{mask}"]
    # The eraser benchmark's photographs end in "_".
    if all(sum(name.endswith("_.png") for name in files) == 1 for files in by_folder.values()):
        yield ["*/*_.png"], [f"{FOLDER}/*.png"]


def _place(name: str, words: Sequence[str] = _PHOTOGRAPH) -> int:
    """Return the place of a name among words, after all of them if it is none."""
    return words.index(name.lower()) if name.lower() in words else len(words)
