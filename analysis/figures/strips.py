"""Strips of photographs: panels of masked input, methods and reference, and their sizes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

import cv2
import numpy as np

from analysis import style
from analysis.figures.case_images import Box, CaseImages
from methods.base import Image
from methods.labels import REFERENCE

MASKED = "masked input"
ENDS = (MASKED, REFERENCE)
Show = Literal["both", "whole", "crop"]
_PRINT_DPI = 300
# Lengths in inches: the narrowest panel of a strip that may be wrapped, and the gap between panels.
_NARROWEST, GAP = 1.1, 0.03
# Height relative to width of the highest panel, in which longer photographs become narrower, and
# the long side relative to the short one from which only a part of a photograph is shown.
HIGHEST, _LONGEST = 3.0, 10
_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Panel:
    """An image and its crop at print size; without a result None, and `text` says why."""

    heading: str
    whole: Image | None
    crop: Image | None
    text: str = ""


@dataclass(frozen=True)
class Strip:
    """Panels of one photograph at one resolution, from left to right, and a label before them."""

    panels: list[Panel]
    # Height and width in pixels of what is shown of the photograph, and the region to enlarge.
    size: tuple[int, int]
    box: Box
    label: str = ""
    is_part: bool = False


def make_strip(
    images: CaseImages,
    box: Box,
    methods: Sequence[str],
    side: int,
    *,
    ends: Collection[str] = ENDS,
    names: Mapping[str, str] = _NOTHING,
    missing: Mapping[str, str] = _NOTHING,
    label: str = "",
) -> Strip:
    """Return a strip of a photograph, with images reduced to `side`, the pixels across a panel.

    Of a photograph more than ten times as long as wide, it has the part around the crop.
    `names` gives names of methods for the figure, `missing` reasons why one has no result.
    """
    columns: dict[str, Image | None] = {MASKED: images.masked} if MASKED in ends else {}
    columns |= {method: images.results.get(method) for method in methods}
    columns |= {REFERENCE: images.reference} if REFERENCE in ends else {}
    names = {REFERENCE: images.reference_name, **names}
    shown = _shown(images.mask.shape, box)
    size = shown.height, shown.width
    across = max(1, round(side * width_share(size)))
    panels = [
        Panel(names.get(name, name), None, None, missing.get(name, "no result"))
        if pixels is None
        else Panel(
            names.get(name, name),
            _reduced(shown.crop(pixels), across),
            _enlarged(box.crop(pixels), side),
        )
        for name, pixels in columns.items()
    ]
    x, y = shown.left, shown.top
    inside = Box(box.left - x, box.top - y, box.right - x, box.bottom - y)
    return Strip(panels, size, inside, label, size != images.mask.shape)


def _shown(size: Sequence[int], box: Box) -> Box:
    """Return what is shown of a photograph: all, or of a very long one the part around a box."""
    most = _LONGEST * min(size)
    top, bottom = _around(box.top, box.bottom, size[0], most)
    left, right = _around(box.left, box.right, size[1], most)
    return Box(left, top, right, bottom)


def _around(first: int, last: int, length: int, most: int) -> tuple[int, int]:
    """Return the ends of at most `most` of `length` pixels, with a range in their middle."""
    start = max(0, min((first + last - most) // 2, length - most))
    return start, min(length, start + most)


def width_share(size: tuple[int, int]) -> float:
    """Return the share of a panel's width that a photograph of (height, width) takes."""
    return min(1.0, HIGHEST * size[1] / size[0])


def height_of(images: CaseImages, box: Box, show: Show) -> float:
    """Return the height of a strip of a photograph relative to the width of a panel."""
    shown = _shown(images.mask.shape, box)
    return sum(ratios(Strip([], (shown.height, shown.width), box), show))


def columns_of(panels: int, width: float, height: float) -> int:
    """Return how many panels to put into a row `width` inches wide, so that rows fill evenly.

    Rows of many methods may have more and smaller panels, so that the figure fits a page.

    Parameters
    ----------
    height
        Of a row, relative to the width of a panel.
    """
    most = max(1, int(width / _NARROWEST))
    fewest = -(-panels // -(-panels // most))
    page = style.current().page_height

    def size(columns: int) -> float:
        return min(width / columns, page / height / -(-panels // columns))

    return max(range(fewest, panels + 1), key=size)


def wrap(strip: Strip, columns: int) -> list[Strip]:
    """Split a strip into rows of at most `columns` panels."""
    starts = range(0, len(strip.panels), columns)
    return [replace(strip, panels=strip.panels[i : i + columns]) for i in starts]


def panel_side(columns: int, width: float) -> int:
    """Return the pixels across a panel in print of a figure `width` inches wide."""
    return round(width / columns * _PRINT_DPI)


def crop_side(images: CaseImages) -> int:
    """Return the side of the crop in pixels: an eighth of the image, at least 32."""
    return max(32, max(images.mask.shape) // 8)


def ratios(strip: Strip, show: Show) -> list[float]:
    """Return the heights of a strip's rows relative to the width of a panel."""
    whole, crop = strip.size[0] / strip.size[1], strip.box.height / strip.box.width
    whole = min(whole, HIGHEST)
    return {"both": [whole, crop], "whole": [whole], "crop": [crop]}[show]


def _reduced(pixels: Image, side: int) -> Image:
    height, width = pixels.shape[:2]
    scale = min(1.0, side / width)
    size = (round(width * scale), max(1, round(height * scale)))
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).astype(np.uint8)


def _enlarged(pixels: Image, side: int) -> Image:
    """Repeat pixels, because PDF viewers would smooth an enlarged bitmap."""
    factor = max(2, side // max(pixels.shape[:2]))
    return np.repeat(np.repeat(pixels, factor, 0), factor, 1)
