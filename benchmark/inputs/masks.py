"""Masks as datasets store them: which pixels are the hole."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from methods.base import Mask
from methods.images import ImageFileError, read_alpha, read_rgb, resample_nearest
from methods.masks import middle_level, white_pixels

Channel = Literal["grey", "red", "green", "blue", "alpha"]

_COLOURS = ("red", "green", "blue")
# Channels of a grey JPEG differ by a few levels.
_COLOURED = 16


@dataclass(frozen=True, slots=True)
class MaskRule:
    """Which pixels of a mask file are the hole.

    Parameters
    ----------
    hole
        The side of the threshold that is the hole.
    threshold
        White is >= threshold (1 to 255) in masks that hold more than two values; without one such
        masks are refused.
    channel
        What is compared: the grey value, or one channel.
    resize
        Whether a mask of another size is brought to its photograph's, by nearest neighbour.
    """

    hole: Literal["white", "black"] = "white"
    threshold: int | None = None
    channel: Channel = "grey"
    resize: bool = False


def read_hole(path: Path, rule: MaskRule, size: tuple[int, int], sha256: str | None = None) -> Mask:
    """Read the hole of a photograph from a mask file.

    Parameters
    ----------
    size
        Height and width of the photograph in pixels.
    sha256
        Of the file, in hex, if it was checked before: what is read is what was checked.

    Returns
    -------
    ndarray
        bool (H, W), True = hole.

    Raises
    ------
    ImageFileError
        If the file cannot be read or has another size, the rule does not say which pixels are the
        hole, or all are or none is.
    """
    white = _white(path, _plane(path, rule, sha256), rule)
    if white.all() or not white.any():
        colour = "white" if white.any() else "black"
        state = "full: every pixel is hole" if colour == rule.hole else "empty: no pixel is hole"
        remedy = "replace or remove it"
        if rule.channel != "alpha" and _alpha_differs(path):
            remedy = 'its alpha channel holds more: write mask_channel = "alpha" into dataset.toml'
        raise ImageFileError(
            f"{path}: mask is {state} (all of it is {colour}, and the hole is {rule.hole}); "
            f"{remedy}"
        )
    mask = white if rule.hole == "white" else ~white
    if mask.shape == size:
        return mask
    if not rule.resize:
        remedy = "save it at that size, or write resize_masks = true into dataset.toml"
        if mask.shape == size[::-1]:
            remedy = (
                "sides are swapped: was it made before the photograph was turned, as its EXIF data "
                "say? Turn it"
            )
        elif is_other_aspect(mask.shape, size):
            remedy += ", which stretches it, as its aspect is another one"
        raise ImageFileError(
            f"{path}: is {mask.shape[1]}x{mask.shape[0]}, its photograph {size[1]}x{size[0]}; "
            f"{remedy}"
        )
    return resample_nearest(mask, *size)


def is_other_aspect(size: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """Return whether two sizes, (height, width), differ in aspect by more than 2 %."""
    ratio = size[0] * other[1] / (size[1] * other[0])
    return abs(ratio - 1) > 0.02


def _alpha_differs(path: Path) -> bool:
    try:
        return bool(np.ptp(read_alpha(path)) > 0)
    except ImageFileError:
        return False


def _plane(path: Path, rule: MaskRule, sha256: str | None) -> NDArray[np.uint8]:
    """Return the values that the rule compares, uint8 (H, W)."""
    if rule.channel == "alpha":
        return read_alpha(path, sha256)
    pixels = read_rgb(path, sha256, ignore_alpha=True)
    if rule.channel in _COLOURS:
        return pixels[..., _COLOURS.index(rule.channel)]
    if rule.threshold is None and np.ptp(pixels, axis=2).max() > _COLOURED:
        raise ImageFileError(
            f"{path}: mask is coloured; say which channel holds it with mask_channel in "
            "dataset.toml (red, green, blue, alpha), or give --mask-threshold for its grey value"
        )
    return cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)


def _white(path: Path, plane: NDArray[np.uint8], rule: MaskRule) -> Mask:
    """Return which values are white, bool (H, W)."""
    white = white_pixels(plane, rule.threshold)
    if white is None:
        values = np.unique(plane)
        shown = ", ".join(map(str, values[:4])) + (" ..." if len(values) > 4 else "")
        level = middle_level(plane)
        raise ImageFileError(
            f"{path}: mask is not two-valued (it holds {shown}); --mask-threshold {level}, or "
            f"threshold = {level} in dataset.toml, makes white of all values from {level} on"
        )
    return white
