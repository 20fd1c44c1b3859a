"""What stands around HiFill's network: the image made small, and the detail of the large image
brought back where the network's attention says.

Z. Yi et al., Contextual Residual Aggregation for Ultra High-Resolution Image Inpainting, CVPR 2020,
section 3.4, as in the published inference script. Images are float32 (H, W, 3) in 0-255.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from methods.architectures.unet import Span
from methods.base import Mask

SIZE = 512
GRID = 32
# Of the weight with which the result fades into the image at the hole's rim, in small pixels.
BLUR, SIGMA = 7, 1.0

Floats = NDArray[np.float32]


class Frame(NamedTuple):
    """large: (512 m, 512 m, 3); large_known: (512 m, 512 m, 1), 1 = known; small_image: block
    means of `large`, (512, 512, 3); small_hole: (512, 512), 1 = hole; multiple: m."""

    large: Floats
    large_known: Floats
    small_image: Floats
    small_hole: Floats
    multiple: int


def prepare(image: Floats, known: Mask | Floats, multiple: int) -> Frame:
    """The image as a square of 512 * multiple pixels, and its block means.

    known: (H, W), 1 = known; grey values are used as they are."""
    side = SIZE * multiple
    known = known.astype(np.float32)
    large = cv2.resize(image, (side, side), interpolation=cv2.INTER_LINEAR)
    # OpenCV's own rule: integer arithmetic differs from it by a pixel at one size in ten.
    large_known = cv2.resize(known, (side, side), interpolation=cv2.INTER_NEAREST)
    small_known = cv2.resize(known, (SIZE, SIZE), interpolation=cv2.INTER_NEAREST)
    blocks = large.reshape(SIZE, multiple, SIZE, multiple, 3)
    small = blocks.mean(axis=(1, 3), dtype=np.float32)
    return Frame(large, large_known[..., None], small, 1 - small_known, multiple)


def finish(
    image: Floats,
    frame: Frame,
    inpainted: Floats,
    shares: Floats,
    wanted: tuple[Span, Span] | None = None,
    weight: Floats | None = None,
) -> Floats:
    """The result at the image's own size, (H, W, 3), not yet cast to bytes.

    inpainted: (512, 512, 3), the network's result; shares: (1024, 1024), its attention; wanted:
    rows and columns of the result that are needed, detail may be missing elsewhere; weight:
    (512, 512) of the result against the image, by default `fading` of the hole."""
    side = SIZE * frame.multiple
    height, width = image.shape[:2]
    result = cv2.resize(inpainted, (side, side), interpolation=cv2.INTER_LINEAR)
    rows, columns = (_cells(span, size) for span, size in _spans(wanted, height, width))
    block = side // GRID
    area = (
        slice(rows.start * block, rows.stop * block),
        slice(columns.start * block, columns.stop * block),
    )
    result[area] += aggregated(residual(frame), shares, rows, columns)
    np.clip(result, 0, 255, out=result)
    result = cv2.resize(result, (width, height), interpolation=cv2.INTER_LINEAR)
    weight = fading(frame.small_hole) if weight is None else weight
    large_weight = cv2.resize(weight, (width, height), interpolation=cv2.INTER_LINEAR)[..., None]
    result *= large_weight
    result += image * (1 - large_weight)
    return result


def residual(frame: Frame) -> Floats:
    """What the large image has over its block means, 0 in the hole."""
    side = SIZE * frame.multiple
    low = cv2.resize(frame.small_image, (side, side), interpolation=cv2.INTER_LINEAR)
    np.subtract(frame.large, low, out=low)
    low *= frame.large_known
    return low


def aggregated(
    detail: Floats, shares: Floats, rows: Span | None = None, columns: Span | None = None
) -> Floats:
    """The detail of every cell of a 32x32 grid made from that of all cells, in the shares of the
    attention, for a box of cells (all of them by default).

    detail: (S, S, 3); shares: (1024, 1024), row by row of receiving cells."""
    rows, columns = rows or Span(0, GRID), columns or Span(0, GRID)
    block = detail.shape[0] // GRID
    cells = detail.reshape(GRID, block, GRID, block, -1).transpose(0, 2, 1, 3, 4)
    flat = np.ascontiguousarray(cells).reshape(GRID * GRID, -1)
    down, across = rows.stop - rows.start, columns.stop - columns.start
    receiving = shares.reshape(GRID, GRID, -1)[slice(*rows), slice(*columns)]
    made = receiving.reshape(down * across, -1) @ flat
    made = made.reshape(down, across, block, block, -1).transpose(0, 2, 1, 3, 4)
    return made.reshape(down * block, across * block, -1)


def fading(small_hole: Floats) -> Floats:
    """The hole (512, 512) blurred by a Gaussian of 7x7, with zeros beyond the border."""
    return cv2.filter2D(small_hole, -1, gaussian(), borderType=cv2.BORDER_CONSTANT)


def gaussian() -> Floats:
    """(7, 7), sigma 1, sum 1."""
    places = np.arange(BLUR) - BLUR // 2
    line = np.exp(-(places**2) / (2 * SIGMA**2))
    return (np.outer(line, line) / line.sum() ** 2).astype(np.float32)


def _spans(
    wanted: tuple[Span, Span] | None, height: int, width: int
) -> tuple[tuple[Span, int], tuple[Span, int]]:
    rows, columns = wanted or (Span(0, height), Span(0, width))
    return (rows, height), (columns, width)


def _cells(span: Span, size: int) -> Span:
    """Cells of the grid that pixels `span` of `size` lie in, with a pixel around for enlarging."""
    first = (span.start - 1) * GRID // size
    last = -(-(span.stop + 1) * GRID // size)
    return Span(first, last).clipped(GRID)
