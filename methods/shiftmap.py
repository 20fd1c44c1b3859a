"""Shift-map inpainting by OpenCV's xphoto module, made safe for any size and hole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from methods.base import Image, Inpainter, Mask, MethodError
from methods.classical import OPENCV

# OpenCV is imported where it is used: methods are listed without it.

# xphoto itself resamples an image beyond both of these sizes (pixels). That code reads the hole,
# writes outside its arrays and crashes at holes that touch the border, so it must never run.
LONG_SIDE, SHORT_SIDE = 800, 600
# Keeps the fourth channel too small to influence any distance; a power of two, therefore exact.
INDEX_UNIT = np.float32(2.0**-40)

# Blocks added around an image whose hole is nearer to the border.
RING = 8

Index = NDArray[np.int64]


@dataclass(kw_only=True)
class ShiftMap(Inpainter):
    """Copy a known pixel to every hole pixel, along a few dominant offsets between patches.

    OpenCV chooses the offsets by a graph cut on an image of at most 800 x 600 pixels (or
    800 x 800); the pixels are copied here at full resolution.

    References
    ----------
    K. He, J. Sun, Statistics of Patch Offsets for Image Completion, ECCV 2012.
    """

    name: ClassVar[str] = "shiftmap"
    version: ClassVar[int] = 2
    summary: ClassVar[str] = "graph cut over the dominant patch offsets (OpenCV xphoto)"
    uses_device: ClassVar[bool] = False
    requires: ClassVar[dict[str, str]] = OPENCV
    typical_seconds: ClassVar[float | None] = 3.0

    def fill(self, image: Image, mask: Mask) -> Image:
        starts = [
            _block_starts(size, small)
            for size, small in zip(mask.shape, _reduced_size(mask), strict=True)
        ]
        hole = np.logical_or.reduceat(np.logical_or.reduceat(mask, starts[0], 0), starts[1], 1)
        if hole.all():
            raise MethodError("the known parts are too thin to copy from at the working size")
        source = _source_blocks(_block_means(image, starts), hole)
        return _copied(image, mask, starts, source)


def _reduced_size(mask: Mask) -> tuple[int, int]:
    """Return a height and width at which xphoto does not resample."""
    long, short = max(mask.shape), min(mask.shape)
    factor = max(1.0, min(long / LONG_SIDE, short / SHORT_SIDE))
    return int(mask.shape[0] / factor), int(mask.shape[1] / factor)


def _block_starts(size: int, count: int) -> Index:
    """Return the first pixel of each block: pixel p belongs to block floor(p * count / size)."""
    return -(-np.arange(count) * size // count)


def _block_means(image: Image, starts: list[Index]) -> Image:
    """Return the mean colour of each block; those of blocks with hole pixels are not used."""
    rows, columns = starts
    sums = np.add.reduceat(np.add.reduceat(image, rows, 0, np.uint32), columns, 1, np.uint32)
    areas = np.outer(
        *(np.diff(start, append=size) for start, size in zip(starts, image.shape[:2], strict=True))
    )
    return np.rint(sums / areas[..., None]).astype(np.uint8)


def _source_blocks(small: Image, hole: Mask) -> Index:
    """Return the flat index of the known block that each block is a copy of."""
    import cv2

    near = cv2.dilate(hole.astype(np.uint8), np.ones((2 * RING + 1, 2 * RING + 1), np.uint8))
    if not (near[[0, -1]].any() or near[:, [0, -1]].any()):
        return _shifted_blocks(small, hole)
    # xphoto compares patches around the hole, and at the border reads memory outside its arrays.
    index = np.pad(_nearest_known(hole), RING, mode="edge")
    source = _shifted_blocks(small.reshape(-1, 3)[index], np.pad(hole, RING))
    return index.reshape(-1)[source[RING:-RING, RING:-RING]]


def _shifted_blocks(small: Image, hole: Mask) -> Index:
    """Return the same for a hole away from the border.

    A fourth channel carries each block's index through xphoto, which copies whole pixels. xphoto
    returns zeros where no offset reaches: further passes fill those from the result of the first.
    Blocks that no pass reaches are copied from the nearest known block.
    """
    import cv2

    features = np.empty((*hole.shape, 4), np.float32)
    features[..., :3] = cv2.cvtColor(small, cv2.COLOR_RGB2Lab)
    features[..., 3] = np.arange(1, hole.size + 1).reshape(hole.shape) * INDEX_UNIT
    filled = np.empty_like(features)
    hole = hole.copy()
    while hole.any():
        features[hole] = 0
        # xphoto discards known pixels whose mask value is not exactly 255.
        known = np.where(hole, 0, 255).astype(np.uint8)
        cv2.xphoto.inpaint(features, known, filled, cv2.xphoto.INPAINT_SHIFTMAP)
        reached = hole & (filled[..., 3] > 0)
        if not reached.any():
            break
        features[reached] = filled[reached]
        hole &= ~reached
    source = np.rint(features[..., 3] / INDEX_UNIT).astype(np.int64) - 1
    return np.where(hole, source.reshape(-1)[_nearest_known(hole)], source)


def _nearest_known(hole: Mask) -> Index:
    """Return the flat index of the nearest block that is not in the hole, for each block."""
    if not hole.any():
        return np.arange(hole.size).reshape(hole.shape)
    import cv2

    _, labels = cv2.distanceTransformWithLabels(
        hole.astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    nearest = np.empty(hole.size + 1, np.int64)
    nearest[labels[~hole]] = np.flatnonzero(~hole)
    return nearest[labels]


def _copied(image: Image, mask: Mask, starts: list[Index], source: Index) -> Image:
    """Return the image with each hole pixel copied by the offset between its block and the source.

    Block sizes differ by a pixel if the reduction factor is not an integer. Where the offset would
    therefore lead into the hole or out of the image, the source block's first pixel is copied.
    """
    pixels = np.nonzero(mask)
    blocks = tuple(
        np.searchsorted(start, pixel, side="right") - 1
        for start, pixel in zip(starts, pixels, strict=True)
    )
    source_blocks = np.unravel_index(source[blocks], source.shape)
    firsts = tuple(start[block] for start, block in zip(starts, source_blocks, strict=True))
    shifted = tuple(
        np.minimum(first + pixel - start[block], size - 1)
        for first, pixel, start, block, size in zip(
            firsts, pixels, starts, blocks, mask.shape, strict=True
        )
    )
    in_hole = mask[shifted]
    result = image.copy()
    result[pixels] = image[
        tuple(np.where(in_hole, first, pixel) for first, pixel in zip(firsts, shifted, strict=True))
    ]
    return result
