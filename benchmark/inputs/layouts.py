"""What to write where a folder's layout needs a description: dataset.toml, ready to paste."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmark.inputs.case_names import Pair
from benchmark.inputs.description import FILE_NAME, Dataset
from benchmark.inputs.inverted import is_filled_outside, results_beside
from benchmark.inputs.pairing import is_image
from benchmark.inputs.proposals import MOST_FILES, propose
from methods.errors import InputError
from methods.images import ImageFileError, image_size, read_rgb
from methods.masks import middle_level

# How many masks are looked at.
_SAMPLE = 8
# Levels within which a JPEG's black and white vary.
_NOISE = 16

# Published layouts: whose, names of photograph and mask relative to the folder, the hole.
_KNOWN = (
    ("MAT", r"images/test\d+\.\w+", r"masks/mask\d+\.png", "black"),
    ("DFNet", r"img/img_\d+\.png", r"mask/mask_\d+\.png", "black"),
    ("HiFill", r"testset/.+", r"maskset/.+", "black"),
    ("co-mod-gan", r"example_image\.jpg", r"example_mask\.jpg", "black"),
    ("DeepFill v2", r"case\d+_raw\.png", r"case\d+_mask\.png", "white"),
    ("DeepFill v2 in PyTorch, by nipponjo", r"case\d+\.png", r"case\d+_mask\.png", "white"),
    ("the eraser benchmark", r".+/.+_\.png", r".+/.+\.png", ""),
    ("LaMa", r".+", r".+_mask\d+\.png", "white"),
)
# MI-GAN's folders have one layout and both kinds of masks; those of objects are to be removed.
_MIGAN = re.compile(r"(?:ffhq|places2?)_(?:256|512)_(freeform|object)")


def description_to_write(root: Path) -> str:
    """Return the text of a dataset.toml that describes a folder, or "" if none can be guessed."""
    proposed = propose(root)
    if proposed is None:
        return ""
    description, pairs = proposed
    masks = _sampled(pairs)
    if not masks:
        return ""
    whose, hole = known_layout(root, pairs[0])
    lines = [f"# the layout of {whose}"] if whose else []
    lines.append("# --protocol native, or own-masks, uses these masks")
    lines += [f"images = {_toml(description.images)}", f"masks = {_toml(description.masks)}"]
    lines.append(_hole_line(hole or _hole_by_results(root, pairs, masks), masks))
    if any(np.count_nonzero(np.bincount(mask.ravel())) > 2 for mask in masks):
        middle = max(map(middle_level, masks))
        lines.append(f"threshold = {middle}          # the masks are soft: white is >= {middle}")
    if any(image_size(pair.image) != mask.shape for pair, mask in zip(pairs, masks, strict=False)):
        lines.append("resize_masks = true      # the masks have another size than the photographs")
    if is_removal(root, whose):
        lines.append("reference = false        # the object is to be removed")
    lines += _left_out(root, pairs)
    return "".join(f"{line}\n" for line in lines)


def _hole_by_results(root: Path, pairs: Sequence[Pair], masks: Sequence[NDArray[np.uint8]]) -> str:
    """Return which side of the masks results in the folder were filled on, or ""."""
    for pair, plane in zip(pairs, masks, strict=False):
        image = read_rgb(pair.image, ignore_alpha=True)
        if plane.shape != image.shape[:2]:
            continue
        for path in results_beside(root, pair.image.stem):
            result = read_rgb(path, ignore_alpha=True)
            white = plane >= middle_level(plane)
            for side, mask in (("white", ~white), ("black", white)):
                if result.shape == image.shape and is_filled_outside(image, result, mask):
                    return side
    return ""


def _left_out(root: Path, pairs: Sequence[Pair]) -> list[str]:
    """Return a comment that names the images in the photographs' folders that have no mask."""
    used = {path for pair in pairs for path in (pair.image, pair.mask)}
    folders = {pair.image.parent for pair in pairs}
    others = sorted(
        path.relative_to(root).as_posix()
        for folder in folders
        for path in folder.iterdir()
        if is_image(path) and path not in used
    )
    if not others:
        return []
    more = f" and {len(others) - 4} more" if others[4:] else ""
    return [f"# left out, without a mask: {', '.join(others[:4])}{more}"]


def with_proposal(message: str, dataset: Dataset) -> str:
    """Return an error message with the dataset.toml to write, if one can be guessed.

    Raises InputError for an image that would be needed to guess, and cannot be read.
    """
    try:
        text = description_to_write(dataset.root)
    except OSError as error:
        raise InputError(str(error)) from None
    if not text:
        return message + _folders_with_images(dataset.root)
    return f"{message}. If this is how it is laid out, write {dataset.root / FILE_NAME}:\n\n{text}"


def _folders_with_images(root: Path) -> str:
    """Return the end of a message: what to do with images in folders below, or "" without any."""
    if not root.is_dir() or any(map(is_image, root.iterdir())):
        return ""
    found = (path.parent for path in islice(root.rglob("*"), MOST_FILES) if is_image(path))
    folders = sorted(set(found))
    if any(folder.parent == root for folder in folders):
        names = ", ".join(f"{folder.relative_to(root).as_posix()}/" for folder in folders[:4])
        return (
            f"; images are in {names}: say in {FILE_NAME} which are photographs and which masks "
            "(datasets/README.md)"
        )
    # Of `set/images` and `set/masks` the dataset is `set`.
    names = ", ".join(map(str, sorted({folder.parent for folder in folders})[:4]))
    return f"; images are below {names}: give one of these" if names else ""


def known_layout(root: Path, pair: Pair) -> tuple[str, str]:
    """Return whose layout a folder has, and which side of the masks is its hole; or two ""."""
    if found := _MIGAN.search(root.resolve().name):
        return "MI-GAN", "black" if found[1] == "freeform" else "white"
    if pair.mask is None:
        return "", ""
    names = [path.relative_to(root).as_posix() for path in (pair.image, pair.mask)]
    for whose, image, mask, hole in _KNOWN:
        if re.fullmatch(image, names[0]) and re.fullmatch(mask, names[1]):
            return whose, hole
    return "", ""


def is_removal(root: Path, whose: str) -> bool:
    """Return whether a published set has masks of objects to be removed."""
    found = _MIGAN.search(root.resolve().name)
    return whose == "the eraser benchmark" or (found is not None and found[1] == "object")


def _hole_line(hole: str, masks: Sequence[NDArray[np.uint8]]) -> str:
    if hole:
        return f'hole = "{hole}"'
    shares = [float((mask >= 128).mean()) for mask in masks]
    guess, other = ("black", "white") if np.median(shares) > 0.5 else ("white", "black")
    least, most = f"{min(shares):.0%}", f"{max(shares):.0%}"
    covers = f"white covers {least if least == most else f'{least} to {most}'} of the masks"
    # White is the default; as an answer it would end all further questions.
    start = "# " if guess == "white" else ""
    return f'{start}hole = "{guess}"   # a guess: {covers}; write "{other}" if that is the hole'


def _sampled(pairs: Iterable[Pair]) -> list[NDArray[np.uint8]]:
    """Return the first masks as grey values, uint8 (H, W)."""
    masks = []
    for pair in list(pairs)[:_SAMPLE]:
        try:
            assert pair.mask is not None
            masks.append(read_rgb(pair.mask, ignore_alpha=True).max(axis=2))
        except (OSError, ImageFileError):
            return []
    return masks if all(map(_is_mask, masks)) else []


def _is_mask(mask: NDArray[np.uint8]) -> bool:
    """Return whether nearly all values are close to the darkest or to the lightest one."""
    near = (mask <= int(mask.min()) + 2 * _NOISE) | (mask >= int(mask.max()) - 2 * _NOISE)
    return bool(near.mean() > 0.8)


def _toml(patterns: list[str] | None) -> str:
    assert patterns is not None
    texts = [json.dumps(pattern, ensure_ascii=False) for pattern in patterns]
    return texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
