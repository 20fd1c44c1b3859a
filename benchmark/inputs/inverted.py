"""Signs that masks are read the wrong way round."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from benchmark.inputs.description import Dataset
from benchmark.inputs.photos import Photo, PhotoStore
from benchmark.inputs.protocol import Protocol
from methods.base import Image, Mask
from methods.errors import InputError
from methods.images import SUFFIXES, ImageFileError, read_rgb

# A hole that covers more than this share of its photograph is large.
LARGE = 0.5
# Mean differences in grey levels: what JPEG changes, and what inpainting does at least.
_LOSSY, _FILLED = 8.0, 4.0
_RESULTS = ("results", "result", "outputs", "output")
# How many photographs are compared with results beside them.
_SAMPLE = 3


def is_filled_outside(image: Image, result: Image, mask: Mask) -> bool:
    """Return whether a result equals the photograph in the hole and differs outside.

    Parameters
    ----------
    image, result
        uint8 (H, W, 3); a result that was stored with small losses counts as equal.
    mask
        bool (H, W), True = hole.
    """
    difference = cv2.absdiff(image, result).mean(axis=2)
    inside, outside = float(difference[mask].mean()), float(difference[~mask].mean())
    return inside < _LOSSY and outside > _FILLED + 3 * inside


def inverted_question(dataset: Dataset, protocol: Protocol, photos: Sequence[Photo]) -> str:
    """Return the question whether masks are inverted, if most holes are large, or an empty string.

    A description that says which side is the hole answers it.
    """
    if not protocol.uses_dataset_masks() or dataset.description.hole is not None:
        return ""
    large = sum(min(photo.hole_share.values()) > LARGE for photo in photos)
    if 2 * large <= len(photos):
        return ""
    return (
        f"{large} of {len(photos)} holes cover more than half of their photograph: are the masks "
        "inverted? --hole black reads black as the hole, --hole white says that they are right"
    )


def refuse_inverted(dataset: Dataset, protocol: Protocol, photos: Sequence[Photo]) -> None:
    """Raise InputError if results that lie in the dataset were filled where masks are not hole."""
    if not protocol.uses_dataset_masks() or dataset.description.hole is not None:
        return
    store = PhotoStore(dataset.root)
    for photo in photos[:_SAMPLE]:
        for path in results_beside(dataset.root, Path(photo.file).stem):
            image, mask = store.get(photo)
            try:
                result = read_rgb(path)
            except (OSError, ImageFileError):
                continue
            if mask is None or result.shape != image.shape or np.array_equal(image, result):
                continue
            if is_filled_outside(image, result, mask):
                raise InputError(
                    f"{path}: equals {photo.file} where {photo.mask_file} is white, and differs "
                    'elsewhere: the holes are black; give --hole black, or write hole = "black" '
                    "into dataset.toml (--hole white takes the masks as they are)"
                )


def results_beside(root: Path, name: str) -> Iterator[Path]:
    """Yield the images of a photograph's name, without suffix, in folders for results of a set."""
    for folder in _RESULTS:
        for pattern in (f"{folder}/{glob.escape(name)}.*", f"{folder}/*/{glob.escape(name)}.*"):
            yield from (path for path in root.glob(pattern) if path.suffix.lower() in SUFFIXES)
