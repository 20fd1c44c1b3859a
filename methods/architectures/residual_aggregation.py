"""Contextual residual aggregation of HiFill: the large image is reduced for the network, then its
detail is added to the network's result where the attention says.

Z. Yi et al., Contextual Residual Aggregation for Ultra High-Resolution Image Inpainting, CVPR 2020,
section 3.4, as in the published inference script. Images are float32 (H, W, 3) in 0-255.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from methods.architectures.spans import Span
from methods.base import Mask

# OpenCV is imported where it is used: methods are listed without it.

SIZE = 512
GRID = 32
# Kernel and sigma, in small pixels, of the blend between result and image at the hole's rim.
BLUR, SIGMA = 7, 1.0

# All cells along one axis.
WHOLE = Span(0, GRID)

Floats = NDArray[np.float32]


class HiFillInput(NamedTuple):
    """An image at both sizes.

    large: (512 m, 512 m, 3); large_known: (512 m, 512 m, 1), 1 = known; small_image: block means
    of `large`, (512, 512, 3); small_hole: (512, 512), 1 = hole; multiple: m.
    """

    large: Floats
    large_known: Floats
    small_image: Floats
    small_hole: Floats
    multiple: int


def prepare(image: Floats, known: Mask | Floats, multiple: int) -> HiFillInput:
    """Resize an image to a square of 512 * multiple pixels and compute its block means.

    known: (H, W), 1 = known; grey values are used as they are.
    """
    import cv2

    side = SIZE * multiple
    known = known.astype(np.float32)
    large = cv2.resize(image, (side, side), interpolation=cv2.INTER_LINEAR)
    large_known = cv2.resize(known, (side, side), interpolation=cv2.INTER_NEAREST)
    small_known = cv2.resize(known, (SIZE, SIZE), interpolation=cv2.INTER_NEAREST)
    blocks = large.reshape(SIZE, multiple, SIZE, multiple, 3)
    small = blocks.mean(axis=(1, 3), dtype=np.float32)
    return HiFillInput(large, large_known[..., None], small, 1 - small_known, multiple)


def finish(
    image: Floats,
    frame: HiFillInput,
    inpainted: Floats,
    attention: Floats,
    box: tuple[Span, Span] | None = None,
    blend: Floats | None = None,
) -> Floats:
    """Return the result at the image's own size, (H, W, 3), not yet converted to bytes.

    inpainted: the network's result, (512, 512, 3); attention: (1024, 1024); box: rows and columns
    that are needed, elsewhere detail may be missing; blend: weight of the result against the image,
    (512, 512), by default the blurred hole.
    """
    import cv2

    side = SIZE * frame.multiple
    height, width = image.shape[:2]
    result = cv2.resize(inpainted, (side, side), interpolation=cv2.INTER_LINEAR)
    spans = box or (Span(0, height), Span(0, width))
    rows, columns = _cells(spans[0], height), _cells(spans[1], width)
    detail = aggregate(residual(frame), attention, rows, columns)
    block = side // GRID
    top, left = rows.start * block, columns.start * block
    result[top : top + detail.shape[0], left : left + detail.shape[1]] += detail
    np.clip(result, 0, 255, out=result)
    result = cv2.resize(result, (width, height), interpolation=cv2.INTER_LINEAR)
    blend = blurred_hole(frame.small_hole) if blend is None else blend
    weight = cv2.resize(blend, (width, height), interpolation=cv2.INTER_LINEAR)[..., None]
    result *= weight
    result += image * (1 - weight)
    return result


def residual(frame: HiFillInput) -> Floats:
    """Return the difference between the large image and its block means, 0 in the hole."""
    import cv2

    side = SIZE * frame.multiple
    detail = cv2.resize(frame.small_image, (side, side), interpolation=cv2.INTER_LINEAR)
    np.subtract(frame.large, detail, out=detail)
    detail *= frame.large_known
    return detail


def aggregate(
    detail: Floats, attention: Floats, rows: Span = WHOLE, columns: Span = WHOLE
) -> Floats:
    """Return the detail, (S, S, 3), of a box of cells of a 32x32 grid, each the sum of the detail
    of all cells weighted by the attention."""
    block = detail.shape[0] // GRID
    cells = detail.reshape(GRID, block, GRID, block, -1).transpose(0, 2, 1, 3, 4)
    flat = np.ascontiguousarray(cells).reshape(GRID * GRID, -1)
    down, across = rows.stop - rows.start, columns.stop - columns.start
    weights = attention.reshape(GRID, GRID, -1)[slice(*rows), slice(*columns)]
    total = weights.reshape(down * across, -1) @ flat
    total = total.reshape(down, across, block, block, -1).transpose(0, 2, 1, 3, 4)
    return total.reshape(down * block, across * block, -1)


def blurred_hole(small_hole: Floats) -> Floats:
    """Return the hole, (512, 512), blurred by a Gaussian, with zeros beyond the border."""
    import cv2

    return cv2.filter2D(small_hole, -1, gaussian_kernel(), borderType=cv2.BORDER_CONSTANT)


def gaussian_kernel() -> Floats:
    """Return a Gaussian, (7, 7), with sum 1."""
    distances = np.arange(BLUR) - BLUR // 2
    line = np.exp(-(distances**2) / (2 * SIGMA**2))
    return (np.outer(line, line) / line.sum() ** 2).astype(np.float32)


def _cells(span: Span, size: int) -> Span:
    """Return the cells that some of `size` pixels touch, and a pixel around for upsampling."""
    first = (span.start - 1) * GRID // size
    last = -(-(span.stop + 1) * GRID // size)
    return Span(first, last).clipped(GRID)
