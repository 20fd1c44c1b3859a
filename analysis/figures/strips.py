"""Layout of figures of photographs: strips of panels, whole images above enlarged crops (as in
Figs 1, 4 and 6 of Moskalenko et al. 2020)."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal, NamedTuple

import cv2
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from analysis import style
from analysis.figures.case_images import Box, CaseImages
from methods.base import Image
from methods.labels import REFERENCE

MASKED = "masked input"
ENDS = (MASKED, REFERENCE)
Show = Literal["both", "whole", "crop"]
_PRINT_DPI = 300
# Lengths in inches: the narrowest panel of a strip that may be wrapped, and the gap between panels.
_NARROWEST, _GAP = 1.1, 0.03
# Height relative to width of the highest panel, in which longer photographs become narrower, and
# the long side relative to the short one from which only a part of a photograph is shown.
_HIGHEST, _LONGEST = 3.0, 10
_PART = "part shown"
_FRAME = "#E6007E"
# Height of a line and width of a character relative to the size of the type.
_LINE, _CHARACTER = 1.3, 0.6
# The smallest type, in points.
_SMALLEST = 5.0
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
    across = max(1, round(side * _width_share(size)))
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


def _width_share(size: tuple[int, int]) -> float:
    """Return the share of a panel's width that a photograph of (height, width) takes."""
    return min(1.0, _HIGHEST * size[1] / size[0])


def side_by_side(images: CaseImages, box: Box) -> Figure:
    """Draw masked input, all methods and reference, and the crops below them, as wide as a page."""
    width = style.current().page_width
    columns = columns_of(len(images.results) + len(ENDS), width)
    strip = make_strip(images, box, list(images.results), panel_side(columns, width))
    return compose(wrap(strip, columns), "both", width)


def columns_of(panels: int, width: float) -> int:
    """Return how many panels to put into a row `width` inches wide, so that rows fill evenly."""
    most = max(1, int(width / _NARROWEST))
    return -(-panels // -(-panels // most))


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


def compose(strips: Sequence[Strip], show: Show, width: float) -> Figure:
    """Draw strips one below the other, `width` inches wide; equal headings are not repeated."""
    points = style.current().font_size
    strips = _with_short_labels(strips, show, width)
    lines = max(len(strip.label.splitlines()) for strip in strips)
    left = lines * points / 72 * _LINE + _GAP if lines else 0.0
    columns = max(len(strip.panels) for strip in strips)
    panel = (width - left - _GAP * (columns - 1)) / columns
    headings = _headings(strips, panel, points)
    heights = [[panel * ratio for ratio in _ratios(strip, show)] for strip in strips]
    below = _GAP if show != "both" else 3 * _GAP
    all_rows = [sum(rows) + _GAP * (len(rows) - 1) for rows in heights]
    extents = [
        max(rows, _longest_line(strip.label) * _SMALLEST * _CHARACTER / 72)
        for strip, rows in zip(strips, all_rows, strict=True)
    ]
    total = sum(extents)
    total += sum(heading.height for heading in headings) + below * (len(strips) - 1)
    figure = Figure(figsize=(width, total))
    figure.set_layout_engine("none")
    top = total
    for strip, heading, rows, extent in zip(strips, headings, heights, extents, strict=True):
        top -= heading.height
        bottom = top - extent
        for column, content in enumerate(strip.panels):
            x, upper = left + column * (panel + _GAP), top
            for row, height in enumerate(rows):
                whole = show != "crop" and row == 0
                across = panel * (_width_share(strip.size) if whole else 1.0)
                inset = (panel - across) / 2
                bounds = (x + inset) / width, (upper - height) / total, across / width
                axes = figure.add_axes((*bounds, height / total))
                _draw(axes, content, strip, first=row == 0, whole=whole)
                if row == 0 and heading.texts:
                    title = style.escape_math(heading.texts[column])
                    # The height is given: matplotlib would look for it among invisible ticks.
                    axes.set_title(title, y=1.0, pad=2, fontsize=heading.points)
                upper -= height + _GAP
        if strip.label:
            figure.text(
                0.003, (top + bottom) / 2 / total, style.escape_math(strip.label), rotation=90,
                va="center", ha="left", multialignment="center",
                fontsize=_fitting(_longest_line(strip.label), extent, points),
            )  # fmt: skip
        top = bottom - below
    return figure


def _with_short_labels(strips: Sequence[Strip], show: Show, width: float) -> list[Strip]:
    """Return strips whose labels tell parts, broken where they would be longer than the strip is
    high."""
    panel = width / max(len(strip.panels) for strip in strips)
    broken = []
    for strip in strips:
        characters = int(panel * sum(_ratios(strip, show)) * 72 / (_SMALLEST * _CHARACTER))
        told = f"\n{_PART}" if strip.is_part and show != "crop" else ""
        label = (strip.label + told).strip()
        lines = [part for line in label.splitlines() for part in _lines(line, characters)]
        broken.append(replace(strip, label="\n".join(lines)))
    return broken


class _Headings(NamedTuple):
    """Headings of a strip, none if they equal those above; type in points, height in inches."""

    texts: list[str]
    points: float
    height: float


def _headings(strips: Sequence[Strip], panel: float, points: float) -> list[_Headings]:
    """Break headings, and reduce the type if they are still too wide."""
    headings: list[_Headings] = []
    above: list[str] = []
    for strip in strips:
        texts = [content.heading for content in strip.panels]
        if texts == above:
            headings.append(_Headings([], points, 0))
            continue
        above = texts
        characters = max(4, int(panel * 72 / (points * _CHARACTER)))
        lines = [_lines(text, characters) for text in texts]
        longest = max(len(line) for wrapped in lines for line in wrapped)
        size = _fitting(longest, panel, points)
        height = max(map(len, lines)) * size * _LINE / 72 + _GAP
        headings.append(_Headings(["\n".join(wrapped) for wrapped in lines], size, height))
    return headings


def _lines(text: str, characters: int) -> list[str]:
    """Break a text at blanks and behind hyphens, colons and underscores, never in a word."""
    # Vertical tabs are blanks to break at, which are not shown.
    breakable = re.sub(r"(?<=[_:])(?=\S)", "\v", text)
    wrapped = textwrap.wrap(
        breakable, max(1, characters), break_long_words=False, replace_whitespace=False
    )
    return [line.replace("\v", "") for line in wrapped] or [""]


def _longest_line(text: str) -> int:
    return max(map(len, text.splitlines()), default=0)


def _fitting(characters: int, inches: float, points: float) -> float:
    """Return the size of type, at most `points`, in which a text fits a length."""
    return max(_SMALLEST, min(points, inches * 72 / (characters * _CHARACTER)))


def _ratios(strip: Strip, show: Show) -> list[float]:
    """Return the heights of a strip's rows relative to the width of a panel."""
    whole, crop = strip.size[0] / strip.size[1], strip.box.height / strip.box.width
    whole = min(whole, _HIGHEST)
    return {"both": [whole, crop], "whole": [whole], "crop": [crop]}[show]


def _draw(axes: Axes, panel: Panel, strip: Strip, *, first: bool, whole: bool) -> None:
    axes.set_axis_off()
    box = strip.box
    if panel.whole is None or panel.crop is None:
        if first:
            # In a low panel there is room for one line.
            length = 12 if not whole or strip.size[0] * _HIGHEST >= strip.size[1] else 40
            axes.text(0.5, 0.5, textwrap.fill(panel.text, length), ha="center", va="center",
                      color=style.GREY, transform=axes.transAxes)  # fmt: skip
    elif whole:
        height, width = strip.size
        axes.imshow(panel.whole, extent=(0, width, height, 0), aspect="auto")
        _frame(axes, (box.left, box.top), box.width, box.height)
    else:
        height, width = panel.crop.shape[:2]
        axes.imshow(panel.crop, interpolation="none", aspect="auto")
        _frame(axes, (-0.5, -0.5), width, height)


def _frame(axes: Axes, corner: tuple[float, float], width: float, height: float) -> None:
    axes.add_patch(Rectangle(corner, width, height, fill=False, edgecolor=_FRAME, lw=0.8))


def _reduced(pixels: Image, side: int) -> Image:
    height, width = pixels.shape[:2]
    scale = min(1.0, side / width)
    size = (round(width * scale), max(1, round(height * scale)))
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).astype(np.uint8)


def _enlarged(pixels: Image, side: int) -> Image:
    """Repeat pixels, because PDF viewers would smooth an enlarged bitmap."""
    factor = max(2, side // max(pixels.shape[:2]))
    return np.repeat(np.repeat(pixels, factor, 0), factor, 1)
