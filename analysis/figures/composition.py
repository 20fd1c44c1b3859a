"""Figures of photographs: strips one below the other, whole images above enlarged crops (as in
Figs 1, 4 and 6 of Moskalenko et al. 2020), no higher than a page."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from analysis import style
from analysis.figures import lettering
from analysis.figures.case_images import Box, CaseImages
from analysis.figures.strips import (
    ENDS,
    GAP,
    HIGHEST,
    Panel,
    Show,
    Strip,
    columns_of,
    height_of,
    make_strip,
    panel_side,
    ratios,
    width_share,
    wrap,
)

_PART = "part shown"
_FRAME = "#E6007E"
# The least size of panels that are reduced to fit a page, relative to those that fill the width.
_LEAST = 0.05


def side_by_side(images: CaseImages, box: Box) -> Figure:
    """Draw masked input, all methods and reference, and the crops below them, as wide as a page."""
    width = style.current().page_width
    columns = columns_of(len(images.results) + len(ENDS), width, height_of(images, box, "both"))
    strip = make_strip(images, box, list(images.results), panel_side(columns, width))
    return compose(wrap(strip, columns), "both", width)


def pages(strips: Sequence[Strip], show: Show, width: float) -> list[list[Strip]]:
    """Divide strips that stand one below the other into figures that fit a page each."""
    divided: list[list[Strip]] = []
    for strip in strips:
        if not divided or not _layout([*divided[-1], strip], show, width).fits:
            divided.append([])
        divided[-1].append(strip)
    return divided


class _Layout(NamedTuple):
    """Where strips are in a figure; lengths in inches."""

    strips: list[Strip]  # with labels that fit
    panel: float  # width of a panel
    left: float  # where the first panel begins
    headings: list[lettering.Headings]
    rows: list[list[float]]  # heights of the rows of each strip
    extents: list[float]  # heights of the strips without headings
    below: float  # gap between strips

    @property
    def height(self) -> float:
        """The figure's height."""
        headings = sum(heading.height for heading in self.headings)
        return sum(self.extents) + headings + self.below * (len(self.strips) - 1)

    @property
    def fits(self) -> bool:
        """Whether a page has room for the figure."""
        return self.height <= style.current().page_height


def _layout(strips: Sequence[Strip], show: Show, width: float, reduced: float = 1.0) -> _Layout:
    """Return the layout with panels that fill the width, or `reduced` ones in its middle."""
    points = style.current().font_size
    columns = max(len(strip.panels) for strip in strips)
    strips = _with_short_labels(strips, show, reduced * width / columns)
    lines = max(len(strip.label.splitlines()) for strip in strips)
    left = lines * points / 72 * lettering.LINE + GAP if lines else 0.0
    room = width - left - GAP * (columns - 1)
    panel = reduced * room / columns
    texts = [[content.heading for content in strip.panels] for strip in strips]
    rows = [[panel * ratio for ratio in ratios(strip, show)] for strip in strips]
    extents = [
        max(sum(heights) + GAP * (len(heights) - 1), lettering.shortest(strip.label))
        for strip, heights in zip(strips, rows, strict=True)
    ]
    return _Layout(
        strips,
        panel,
        left + (room - columns * panel) / 2,
        lettering.headings(texts, panel, points, GAP),
        rows,
        extents,
        GAP if show != "both" else 3 * GAP,
    )


def compose(strips: Sequence[Strip], show: Show, width: float) -> Figure:
    """Draw strips one below the other, `width` inches wide; equal headings are not repeated.

    Panels are smaller than the width allows where the figure would be higher than a page.
    """
    layout = _layout(strips, show, width)
    reduced = 1.0
    while not layout.fits and reduced > _LEAST:
        reduced *= 0.98
        layout = _layout(strips, show, width, reduced)
    total, panel = layout.height, layout.panel
    figure = Figure(figsize=(width, total))
    figure.set_layout_engine("none")
    top = total
    for strip, heading, rows, extent in zip(
        layout.strips, layout.headings, layout.rows, layout.extents, strict=True
    ):
        top -= heading.height
        bottom = top - extent
        for column, content in enumerate(strip.panels):
            x, upper = layout.left + column * (panel + GAP), top
            for row, height in enumerate(rows):
                whole = show != "crop" and row == 0
                across = panel * (width_share(strip.size) if whole else 1.0)
                inset = (panel - across) / 2
                bounds = (x + inset) / width, (upper - height) / total, across / width
                axes = figure.add_axes((*bounds, height / total))
                _draw(axes, content, strip, first=row == 0, whole=whole)
                if row == 0 and heading.texts:
                    title = style.escape_math(heading.texts[column])
                    # The height is given: matplotlib would look for it among invisible ticks.
                    axes.set_title(title, y=1.0, pad=2, fontsize=heading.points)
                upper -= height + GAP
        if strip.label:
            size = lettering.fitting(
                lettering.longest_line(strip.label), extent, style.current().font_size
            )
            figure.text(
                0.003, (top + bottom) / 2 / total, style.escape_math(strip.label), rotation=90,
                va="center", ha="left", multialignment="center", fontsize=size,
            )  # fmt: skip
        top = bottom - layout.below
    return figure


def _with_short_labels(strips: Sequence[Strip], show: Show, panel: float) -> list[Strip]:
    """Return strips whose labels tell parts, broken where they would be longer than the strip is
    high."""
    broken = []
    for strip in strips:
        characters = lettering.most_characters(panel * sum(ratios(strip, show)))
        told = f"\n{_PART}" if strip.is_part and show != "crop" else ""
        label = (strip.label + told).strip()
        lines = [part for line in label.splitlines() for part in lettering.lines(line, characters)]
        broken.append(replace(strip, label="\n".join(lines)))
    return broken


def _draw(axes: Axes, panel: Panel, strip: Strip, *, first: bool, whole: bool) -> None:
    axes.set_axis_off()
    box = strip.box
    if panel.whole is None or panel.crop is None:
        if first:
            # In a low panel there is room for one line.
            length = 12 if not whole or strip.size[0] * HIGHEST >= strip.size[1] else 40
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
