"""Shift-map inpainting by OpenCV's xphoto module, made safe for any size and hole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from methods.base import Image, Inpainter, Mask, MethodError
from methods.classical import OPENCV

# xphoto resamples an image beyond both of these (pixels) by itself. That part of it reads the
# hole, writes outside of its arrays and crashes at holes that touch the border: never let it.
LONG_SIDE, SHORT_SIDE = 800, 600
# Makes the fourth channel too small to count in any distance; exact, being a power of two.
INDEX_UNIT = np.float32(2.0**-40)

Index = NDArray[np.int64]


@dataclass(kw_only=True)
class ShiftMap(Inpainter):
    """K. He and J. Sun, Statistics of Patch Offsets for Image Completion, ECCV 2012.

    Every pixel of the hole is a copy of a known one. Which one OpenCV decides, on an image of at
    most 800 x 600 pixels (or 800 x 800); the copying is done here, at full resolution.
    """

    name: ClassVar[str] = "shiftmap"
    summary: ClassVar[str] = "graph cut over the dominant patch offsets (OpenCV xphoto)"
    uses_device: ClassVar[bool] = False
    requires: ClassVar[dict[str, str]] = OPENCV

    def fill(self, image: Image, mask: Mask) -> Image:
        starts = [
            _block_starts(size, small)
            for size, small in zip(mask.shape, _reduced(mask), strict=True)
        ]
        hole = np.logical_or.reduceat(np.logical_or.reduceat(mask, starts[0], 0), starts[1], 1)
        if hole.all():
            raise MethodError("the known parts are too thin to copy from at the working size")
        source = _source_blocks(_block_means(image, starts), hole)
        return _copied(image, mask, starts, source)


def _reduced(mask: Mask) -> tuple[int, int]:
    """Height and width at which xphoto works without resampling."""
    long, short = max(mask.shape), min(mask.shape)
    factor = max(1.0, min(long / LONG_SIDE, short / SHORT_SIDE))
    return int(mask.shape[0] / factor), int(mask.shape[1] / factor)


def _block_starts(size: int, small: int) -> Index:
    """First pixel of each of the `small` blocks into which `size` pixels are cut: pixel p is in
    block floor(p * small / size)."""
    return -(-np.arange(small) * size // small)


def _block_means(image: Image, starts: list[Index]) -> Image:
    """Mean colour of each block. A block that has hole pixels is hole: its mean is never used."""
    rows, columns = starts
    sums = np.add.reduceat(np.add.reduceat(image, rows, 0, np.uint32), columns, 1, np.uint32)
    areas = np.outer(
        *(np.diff(start, append=size) for start, size in zip(starts, image.shape[:2], strict=True))
    )
    return np.rint(sums / areas[..., None]).astype(np.uint8)


def _source_blocks(small: Image, hole: Mask) -> Index:
    """Flat index of the known block that each block of `small` is a copy of.

    A fourth channel carries each block's index through xphoto, which copies whole pixels. What
    no offset reaches comes back as zeros: another pass fills it from the result of the first. The
    little that is left when a pass reaches nothing is copied from the nearest block.
    """
    features = np.empty((*hole.shape, 4), np.float32)
    features[..., :3] = cv2.cvtColor(small, cv2.COLOR_RGB2Lab)
    features[..., 3] = np.arange(1, hole.size + 1).reshape(hole.shape) * INDEX_UNIT
    filled = np.empty_like(features)
    hole = hole.copy()
    while hole.any():
        features[hole] = 0
        # In xphoto's mask known pixels are 255 exactly: at 1 it would discard them all.
        known = np.where(hole, 0, 255).astype(np.uint8)
        cv2.xphoto.inpaint(features, known, filled, cv2.xphoto.INPAINT_SHIFTMAP)
        reached = hole & (filled[..., 3] > 0)
        if not reached.any():
            break
        features[reached] = filled[reached]
        hole &= ~reached
    source = np.rint(features[..., 3] / INDEX_UNIT).astype(np.int64) - 1
    if hole.any():
        _, labels = cv2.distanceTransformWithLabels(
            hole.astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
        )
        nearest = np.empty(hole.size + 1, np.int64)
        nearest[labels[~hole]] = source[~hole]
        source[hole] = nearest[labels[hole]]
    return source


def _copied(image: Image, mask: Mask, starts: list[Index], source: Index) -> Image:
    """`image` with each hole pixel copied from where its block's source is, by the same offset.

    Blocks differ by a pixel where the reduction is not a whole number: where that would copy
    from the hole or from outside, the source block's first pixel is taken."""
    rows, columns = np.nonzero(mask)
    at, blocks, firsts = [], [], np.unravel_index(source, source.shape)
    for axis, pixels in enumerate((rows, columns)):
        blocks.append(np.searchsorted(starts[axis], pixels, side="right") - 1)
    for axis, pixels in enumerate((rows, columns)):
        first = starts[axis][firsts[axis][blocks[0], blocks[1]]]
        moved = first + pixels - starts[axis][blocks[axis]]
        at.append((np.minimum(moved, mask.shape[axis] - 1), first))
    (row, first_row), (column, first_column) = at
    in_hole = mask[row, column]
    result = image.copy()
    result[mask] = image[np.where(in_hole, first_row, row), np.where(in_hole, first_column, column)]
    return result
