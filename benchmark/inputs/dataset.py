"""The photographs of a dataset and their masks, verified before anything runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from rich.console import Console
from rich.progress import track

from benchmark.inputs.case_names import Pair
from benchmark.inputs.description import Dataset
from benchmark.inputs.layouts import known_layout, with_proposal
from benchmark.inputs.masks import is_other_aspect, read_hole
from benchmark.inputs.pairing import find_pairs
from benchmark.inputs.photos import Photo
from benchmark.inputs.proposals import mask_names
from benchmark.inputs.protocol import (
    SMALLEST,
    Protocol,
    crop_box,
    hole_mask,
    hole_problem,
)
from methods.base import Image, Mask, Resolution
from methods.errors import InputError
from methods.files import sha256
from methods.images import image_size, read_rgb
from methods.resolutions import NATIVE, size_text

T = TypeVar("T")
Item = TypeVar("Item")

# Records of verified photographs by SHA-256 of the image and of its mask.
KnownPhotos = Mapping[tuple[str, str | None], dict[str, Any]]

# Inputs that methods publish have their holes painted in, but for a few pixels at the border.
PLAIN = 0.95
# What JPEG changes of one colour.
PLAIN_LEVELS = 12
# Of fewer pixels this says nothing.
_FEWEST_PLAIN = 64
# What is found out by decoding.
_VERIFIED = ("width", "height", "hole_share", "hole_cut", "hole_is_plain", "mask_is_stretched")


def verify(
    dataset: Dataset,
    protocol: Protocol,
    resolutions: Sequence[Resolution],
    known: KnownPhotos,
    console: Console,
) -> list[Photo]:
    """Decode every photograph and mask of a dataset and check it against the protocol.

    Parameters
    ----------
    known
        Photographs that an earlier run verified for the same protocol, resolutions and
        description; they are not decoded again.
    console
        For a progress bar.

    Raises
    ------
    InputError
        If the folder has no image or ambiguous names, and for the first unusable file; the
        message counts the others.
    """

    def check(pair: Pair) -> Photo | str:
        try:
            return _verify_one(dataset, pair, protocol, resolutions, known)
        except InputError as error:
            return str(error)
        except OSError as error:
            return f"{error.filename}: {error.strerror}; make it readable or remove it"

    pairs = _pairs(dataset, protocol)
    for pair in pairs:
        _check_name(pair)
    for pair in pairs:
        if pair.mask is None and protocol.uses_dataset_masks():
            message, is_guessed = _missing_mask(dataset, pair), not _is_described(dataset)
            raise InputError(with_proposal(message, dataset) if is_guessed else message)
    checked = in_threads(check, pairs, "checking photographs", console)
    problems = [item for item in checked if isinstance(item, str)]
    if problems:
        more = f" (and {len(problems) - 1} more files with problems)" if problems[1:] else ""
        raise InputError(problems[0] + more)
    return [item for item in checked if isinstance(item, Photo)]


def _pairs(dataset: Dataset, protocol: Protocol) -> list[Pair]:
    """Return the cases; raise InputError with the description to write where one is missing."""
    if _is_described(dataset):
        return find_pairs(dataset, protocol.uses_dataset_masks())
    if names := mask_names(dataset.root):
        raise InputError(
            with_proposal(
                f"dataset {dataset.path}: {names[0]} is named like a mask, and no description says "
                'whose (images = "*" says that all are photographs)',
                dataset,
            )
        )
    try:
        pairs = find_pairs(dataset, protocol.uses_dataset_masks())
    except InputError as error:
        raise InputError(with_proposal(str(error), dataset)) from None
    whose, hole = known_layout(dataset.root, pairs[0])
    if pairs[0].mask and dataset.description.hole is None and hole == "black":
        raise InputError(
            with_proposal(f"dataset {dataset.path}: {whose}'s holes are black", dataset)
        )
    return pairs


def _is_described(dataset: Dataset) -> bool:
    return bool(dataset.description.images or dataset.description.masks)


def _missing_mask(dataset: Dataset, pair: Pair) -> str:
    masks = dataset.description.masks
    where = (
        f"no file matches {', '.join(masks)}"
        if masks
        else f"put it at {dataset.root / 'masks' / pair.image.stem}.png, or give --masks PATTERN"
    )
    return f"{pair.image}: has no mask; the protocol's hole is the dataset's own mask, {where}"


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
    dataset: Dataset,
    pair: Pair,
    protocol: Protocol,
    resolutions: Sequence[Resolution],
    known: KnownPhotos,
) -> Photo:
    path, root = pair.image, dataset.root
    photo = Photo(
        name=pair.name,
        file=path.relative_to(root).as_posix(),
        sha256=sha256(path),
        mask_file=pair.mask.relative_to(root).as_posix() if pair.mask else None,
        mask_sha256=sha256(pair.mask) if pair.mask else None,
        mask_rule=dataset.description.mask_rule,
        is_reference=dataset.description.reference,
    )
    earlier = known.get((photo.sha256, photo.mask_sha256))
    # Free-form holes are drawn for the name, which another file of the same content may have.
    if earlier and earlier["name"] == photo.name:
        crop = earlier["crop"] and tuple(earlier["crop"])
        same = {key: earlier[key] for key in _VERIFIED}
        return replace(photo, crop=crop, **same)
    image = read_rgb(path)
    height, width = image.shape[:2]
    photo = replace(photo, width=width, height=height, crop=_crop(path, width, height, protocol))
    _check_size(path, photo, protocol, resolutions)
    own_mask = read_hole(pair.mask, photo.mask_rule, (height, width)) if pair.mask else None
    if pair.mask and own_mask is not None:
        stretched = is_other_aspect(image_size(pair.mask), (height, width))
        cut = _share_outside(own_mask, photo.crop)
        plain = _is_plain(image[own_mask])
        photo = replace(photo, hole_cut=cut, hole_is_plain=plain, mask_is_stretched=stretched)
    return _with_shares(pair, photo, own_mask, protocol, resolutions)


def _check_size(
    path: Path, photo: Photo, protocol: Protocol, resolutions: Sequence[Resolution]
) -> None:
    side = min(photo.width, photo.height)
    wanted = max((each for each in resolutions if each != NATIVE), default=SMALLEST)
    if side >= wanted:
        return
    if protocol.is_native():
        remedy = f"sides of at least {SMALLEST} px are needed: remove it"
    else:
        own = "; --protocol native takes it as it is" if protocol.uses_dataset_masks() else ""
        fitting = max((each for each in (256, 512, 1024, 1536) if each <= side), default=side)
        remedy = (
            "photographs are never enlarged: remove it or leave out that resolution with "
            f"--resolutions, such as {fitting}{own}"
        )
    raise InputError(f"{path}: is {photo.width}x{photo.height}, smaller than {wanted} px; {remedy}")


def _crop(
    path: Path, width: int, height: int, protocol: Protocol
) -> tuple[int, int, int, int] | None:
    if width == height or protocol.is_native():
        return None
    if protocol.crop == "refuse":
        raise InputError(
            f"{path}: is {width}x{height}, protocol {protocol.name} requires square photographs; "
            "crop it, or use --protocol centre-crop, which takes the largest centred square"
        )
    return crop_box(width, height)


def _with_shares(
    pair: Pair,
    photo: Photo,
    own_mask: Mask | None,
    protocol: Protocol,
    resolutions: Sequence[Resolution],
) -> Photo:
    """Return a photograph with the shares of its holes. Raises InputError for unusable holes."""
    shares = {}
    for resolution in resolutions:
        mask = hole_mask(photo.name, own_mask, photo.case_size(resolution), protocol)
        problem = hole_problem(mask)
        if problem and photo.hole_cut == 1:
            problem = "lies outside the centred square (--protocol native crops nothing)"
        if problem:
            raise InputError(
                f"{pair.mask or pair.image}: the hole {problem} at {size_text(resolution)}; "
                "change the mask or the protocol's hole"
            )
        shares[str(resolution)] = round(float(mask.mean()), 6)
    return replace(photo, hole_share=shares)


def _is_plain(pixels: Image) -> bool:
    """Return whether nearly all pixels, uint8 (N, 3), have one colour; not of a few."""
    if len(pixels) < _FEWEST_PLAIN:
        return False
    middle = np.median(pixels, axis=0).astype(np.int16)
    near = (np.abs(pixels - middle) <= PLAIN_LEVELS).all(axis=1)
    return bool(near.mean() > PLAIN)


def _share_outside(mask: Mask, crop: tuple[int, int, int, int] | None) -> float:
    """Return the share of a hole, bool (H, W), that a crop cuts off."""
    if crop is None:
        return 0.0
    left, top, right, bottom = crop
    inside = np.count_nonzero(mask[top:bottom, left:right])
    return round(1 - inside / np.count_nonzero(mask), 6)


def _check_name(pair: Pair) -> None:
    # Invalid UTF-8 is read as surrogates, which are not printable.
    if not pair.name.isprintable() or "\\" in pair.name or pair.name != pair.name.strip():
        raise InputError(
            f"{str(pair.mask or pair.image)!r}: file name has a line break, backslash, control "
            "character, invalid UTF-8 or a space at its end; rename it"
        )
