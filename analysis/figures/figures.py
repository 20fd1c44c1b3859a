"""Figures of photographs by several methods, with enlarged crops at the hole's edge (like Figs 1, 4
and 6 of Moskalenko et al. 2020)."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from analysis import style
from analysis.figures.pictures import Box, Pictures
from analysis.runs.run import Picture

MASKED = "masked input"
REFERENCE = "reference"
ENDS = (MASKED, REFERENCE)
PRINT_DPI = 300
# A panel of a strip that may be wrapped, in inches.
NARROWEST = 1.1
FRAME = "#E6007E"
# Between panels, in inches.
GAP = 0.03
# Of a line and of a character, in heights of the type; the smallest type of a heading, in points.
LINE, CHARACTER, SMALLEST = 1.3, 0.6, 5.0

Show = Literal["both", "whole", "crop"]


@dataclass(frozen=True)
class Panel:
    """whole, crop: as printed, None where there is no result, for which `text` gives the reason."""

    heading: str
    whole: Picture | None
    crop: Picture | None
    text: str = ""


@dataclass(frozen=True)
class Strip:
    """One photograph at one resolution, panels from left to right. size: height and width of the
    photograph in pixels; box: what is enlarged; label: at the left."""

    panels: list[Panel]
    size: tuple[int, int]
    box: Box
    label: str = ""


def strip(
    pictures: Pictures,
    box: Box,
    methods: Sequence[str],
    side: int,
    *,
    ends: Collection[str] = ENDS,
    names: Mapping[str, str] | None = None,
    missing: Mapping[str, str] | None = None,
    label: str = "",
) -> Strip:
    """side: pixels of a panel in print, of which more could not be seen; ends: which of ENDS to
    show; names: what the figure calls methods; missing: why a method has no result."""
    names, missing = names or {}, missing or {}
    shown: dict[str, Picture | None] = {MASKED: pictures.masked} if MASKED in ends else {}
    shown |= {method: pictures.results.get(method) for method in methods}
    shown |= {REFERENCE: pictures.reference} if REFERENCE in ends else {}
    panels = [
        Panel(names.get(name, name), None, None, missing.get(name, "no result"))
        if pixels is None
        else Panel(
            names.get(name, name), _reduced(pixels, side), _enlarged(box.of(pixels), side)
        )
        for name, pixels in shown.items()
    ]  # fmt: skip
    height, width = pictures.mask.shape
    return Strip(panels, (height, width), box, label)


def side_by_side(pictures: Pictures, box: Box) -> Figure:
    """The masked input, every method and the reference: above the whole image, below the pixels of
    `box`."""
    columns = columns_of(len(pictures.results) + len(ENDS), style.page())
    shown = strip(pictures, box, list(pictures.results), panel_side(columns, style.page()))
    return compose(wrapped(shown, columns), "both", style.page())


def columns_of(panels: int, width: float) -> int:
    """For panels that may go into several rows: as many as stay large enough, evenly filled."""
    most = max(1, int(width / NARROWEST))
    return -(-panels // -(-panels // most))


def wrapped(one: Strip, columns: int) -> list[Strip]:
    """A strip in rows of so many panels."""
    parts = [one.panels[i : i + columns] for i in range(0, len(one.panels), columns)]
    return [Strip(part, one.size, one.box, one.label) for part in parts]


def panel_side(columns: int, width: float) -> int:
    """Pixels across a panel in print. width: of the figure, in inches."""
    return round(width / columns * PRINT_DPI)


def crop_side(pictures: Pictures) -> int:
    """Side of the enlarged crop in pixels: an eighth of the image, enough to be enlarged about
    eightfold beside it, and never less than 32."""
    return max(32, max(pictures.mask.shape) // 8)


def compose(strips: Sequence[Strip], show: Show, width: float) -> Figure:
    """Strips one below the other, with headings where they change. width: in inches."""
    points = style.font_size()
    lines = max(len(one.label.splitlines()) for one in strips)
    left = lines * points / 72 * LINE + GAP if lines else 0.0
    columns = max(len(one.panels) for one in strips)
    panel = (width - left - GAP * (columns - 1)) / columns
    heads = _headings(strips, panel, points)
    heights = [[panel * ratio for ratio in _ratios(one, show)] for one in strips]
    below = GAP if show != "both" else 3 * GAP
    total = sum(sum(rows) + GAP * (len(rows) - 1) for rows in heights)
    total += sum(head.height for head in heads) + below * (len(strips) - 1)
    figure = Figure(figsize=(width, total))
    figure.set_layout_engine("none")
    top = total
    for one, head, rows in zip(strips, heads, heights, strict=True):
        top -= head.height
        bottom = top - sum(rows) - GAP * (len(rows) - 1)
        for column, shown in enumerate(one.panels):
            place = top
            for row, height in enumerate(rows):
                x, y = left + column * (panel + GAP), place - height
                axes = figure.add_axes((x / width, y / total, panel / width, height / total))
                _draw(axes, shown, one, first=row == 0, whole=show != "crop" and row == 0)
                if row == 0 and head.texts:
                    axes.set_title(style.literal(head.texts[column]), pad=2, fontsize=head.points)
                place -= height + GAP
        if one.label:
            longest = max(map(len, one.label.splitlines()))
            figure.text(
                0.003, (top + bottom) / 2 / total, style.literal(one.label), rotation=90,
                va="center", ha="left",
                multialignment="center", fontsize=_fitting(longest, top - bottom, points),
            )  # fmt: skip
        top = bottom - below
    return figure


@dataclass(frozen=True)
class _Head:
    """texts: empty where the strip above has the same; points: of the type; height: in inches."""

    texts: list[str]
    points: float
    height: float


def _headings(strips: Sequence[Strip], panel: float, points: float) -> list[_Head]:
    """Broken at blanks and hyphens, and smaller where they are still wider than a panel."""
    found: list[_Head] = []
    before: list[str] = []
    for one in strips:
        texts = [shown.heading for shown in one.panels]
        if texts == before:
            found.append(_Head([], points, 0))
            continue
        before = texts
        letters = max(4, int(panel * 72 / (points * CHARACTER)))
        lines = [textwrap.wrap(text, letters, break_long_words=False) or [""] for text in texts]
        longest = max(len(line) for wrapped in lines for line in wrapped)
        size = _fitting(longest, panel, points)
        height = max(map(len, lines)) * size * LINE / 72 + GAP
        found.append(_Head(["\n".join(wrapped) for wrapped in lines], size, height))
    return found


def _fitting(characters: int, inches: float, points: float) -> float:
    """The size of type in which so many characters fit, in points."""
    return max(SMALLEST, min(points, inches * 72 / (characters * CHARACTER)))


def _ratios(one: Strip, show: Show) -> list[float]:
    """Heights of a strip's rows, in widths of a panel."""
    whole, crop = one.size[0] / one.size[1], one.box.height / one.box.width
    return {"both": [whole, crop], "whole": [whole], "crop": [crop]}[show]


def _draw(axes: Axes, shown: Panel, one: Strip, *, first: bool, whole: bool) -> None:
    axes.set_axis_off()
    if shown.whole is None or shown.crop is None:
        if first:
            axes.text(0.5, 0.5, textwrap.fill(shown.text, 12), ha="center", va="center",
                      color=style.GREY, transform=axes.transAxes)  # fmt: skip
    elif whole:
        height, width = one.size
        axes.imshow(shown.whole, extent=(0, width, height, 0), aspect="auto")
        frame(axes, (one.box.left, one.box.top), one.box.width, one.box.height)
    else:
        height, width = shown.crop.shape[:2]
        axes.imshow(shown.crop, interpolation="none", aspect="auto")
        frame(axes, (-0.5, -0.5), width, height)


def frame(axes: Axes, corner: tuple[float, float], width: float, height: float) -> None:
    """Around what is enlarged, and around its enlargement."""
    axes.add_patch(Rectangle(corner, width, height, fill=False, edgecolor=FRAME, lw=0.8))


def _reduced(pixels: Picture, side: int) -> Picture:
    height, width = pixels.shape[:2]
    scale = min(1.0, side / max(height, width))
    size = (round(width * scale), round(height * scale))
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).astype(np.uint8)


def _enlarged(pixels: Picture, side: int) -> Picture:
    """Pixels as they are, in PDF viewers too, which would smooth an enlarged bitmap."""
    factor = max(2, side // max(pixels.shape[:2]))
    return np.repeat(np.repeat(pixels, factor, 0), factor, 1)
