"""Side-by-side figures: the same photograph by every method, with an enlarged crop at the hole's
edge (like Fig. 4 of Moskalenko et al. 2020)."""

from __future__ import annotations

import cv2
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.patches import Rectangle

from analysis.pictures import Box, Pictures
from analysis.run import Picture
from analysis.style import PAGE

MASKED = "masked input"
REFERENCE = "reference"
PRINT_DPI = 300
MOST_COLUMNS = 6
FRAME = "#E6007E"


def side_by_side(pictures: Pictures, box: Box) -> Figure:
    """The masked input, every method and the reference: above the whole image, below the pixels of
    `box`. More than six go into further pairs of rows."""
    panels = {MASKED: pictures.masked, **pictures.results, REFERENCE: pictures.reference}
    blocks = -(-len(panels) // MOST_COLUMNS)
    columns = -(-len(panels) // blocks)
    panel = PAGE / columns
    ratio = pictures.reference.shape[0] / pictures.reference.shape[1]
    crop_ratio = box.height / box.width
    close = ConstrainedLayoutEngine(w_pad=0.02, h_pad=0.02, wspace=0, hspace=0)
    size = (PAGE, blocks * (panel * (ratio + crop_ratio) + 0.17))
    figure = Figure(figsize=size, layout=close)
    ratios = [ratio, crop_ratio] * blocks
    grid = figure.subplots(2 * blocks, columns, squeeze=False, height_ratios=ratios)
    for axes in grid.flat:
        axes.set_axis_off()
    side = round(panel * PRINT_DPI)
    for place, (label, pixels) in enumerate(panels.items()):
        block, column = divmod(place, columns)
        _whole(grid[2 * block][column], pixels, box, label, side)
        _crop(grid[2 * block + 1][column], box.of(pixels), side)
    return figure


def crop_side(pictures: Pictures) -> int:
    """Side of the enlarged crop in pixels: an eighth of the image, enough to be enlarged about
    eightfold beside it, and never less than 32."""
    return max(32, max(pictures.mask.shape) // 8)


def _whole(axes: Axes, pixels: Picture, box: Box, label: str, side: int) -> None:
    """side: pixels of the panel in print; more could not be seen."""
    height, width = pixels.shape[:2]
    scale = min(1.0, side / max(height, width))
    size = (round(width * scale), round(height * scale))
    extent = (0, width, height, 0)
    axes.imshow(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), extent=extent)
    corner = (box.left, box.top)
    axes.add_patch(Rectangle(corner, box.width, box.height, fill=False, edgecolor=FRAME, lw=0.8))
    axes.set_title(label, pad=2)


def _crop(axes: Axes, pixels: Picture, side: int) -> None:
    # Pixels as they are, in PDF viewers too, which would smooth an enlarged bitmap.
    factor = max(2, side // max(pixels.shape[:2]))
    enlarged = np.repeat(np.repeat(pixels, factor, 0), factor, 1)
    axes.imshow(enlarged, interpolation="none")
    height, width = enlarged.shape[:2]
    axes.add_patch(
        Rectangle((-0.5, -0.5), width, height, fill=False, edgecolor=FRAME, lw=0.8, clip_on=False)
    )
