"""The inputs of both networks of the two-stage method, as the authors' code prepares them and as
section 3 of the paper (see `RefinementNet`) describes them; docs/methods.md compares the two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from methods.architectures.spans import Span
from methods.base import Image, Mask, composite
from methods.images import resample_nearest
from methods.tensors import on_device

if TYPE_CHECKING:
    import torch

# OpenCV is imported where it is used: methods are listed without it.

MULTIPLE = 256
# The mask, the image, then four shifted images with their masks.
INPUTS = 20
# Pixels that a shift leaves empty: nearly black (1 of 255, as in the authors' code), and "hole".
EMPTY, INVALID = 1, 255
# Known share from which a small pixel counts as known; less than half a pixel of 64 x 64.
LEAST_KNOWN = 1e-4
# Directions of the four shifted copies in the order that the published weights expect: up, down,
# right, left, as signs of the content's movement along rows and columns.
DIRECTIONS = ((-1, 0), (1, 0), (0, 1), (0, -1))


class Frame(NamedTuple):
    """An image prepared for both stages.

    image: uint8 (H, W, 3) at full resolution; mask: bool (H', W'), the hole in a frame whose sides
    are multiples of 256; small_image, small_mask: the input of stage one; inner: the part of stage
    one's result that shows `image`; shift: of the copies, in pixels along rows and columns;
    invalid: bool (H', W'), pixels that are no part of the photograph for the refinement.
    """

    image: Image
    mask: Mask
    small_image: Image
    small_mask: Mask
    inner: tuple[slice, slice]
    shift: tuple[int, int]
    invalid: Mask


def frame_as_published(image: Image, mask: Mask, working_size: int) -> Frame:
    """Prepare an image like the authors' code.

    Black, known pixels extend it at the bottom and the right to multiples of 256, then a letterbox
    of `working_size` pixels with black, known bars; the shift is 100 / 512 of the height along both
    axes.
    """
    margins = [(0, -side % MULTIPLE) for side in mask.shape]
    padded, holes = np.pad(image, (*margins, (0, 0))), np.pad(mask, margins)
    height, width = holes.shape
    longer = max(height, width)
    size = working_size * height // longer, working_size * width // longer
    top, left = ((working_size - side) // 2 for side in size)
    inner = slice(top, top + size[0]), slice(left, left + size[1])
    small = np.zeros((working_size, working_size, 3), np.uint8)
    small_mask = np.zeros((working_size, working_size), bool)
    small[inner] = resample_nearest(padded, *size)
    small_mask[inner] = resample_nearest(holes, *size)
    shift = height * 100 // 512
    invalid = np.zeros_like(holes)
    return Frame(padded, holes, small, small_mask, inner, (shift, shift), invalid)


def frame_as_in_paper(image: Image, mask: Mask, working_size: int) -> Frame:
    """Prepare an image as the paper describes.

    The longer side is reduced to `working_size` pixels without bars; each small pixel is the mean
    of the known pixels that it covers. The frame is extended to multiples of 256 by pixels marked
    as invalid; the shift is 20 % of each side.
    """
    height, width = mask.shape
    scale = working_size / max(height, width)
    size = max(1, round(height * scale)), max(1, round(width * scale))
    small, small_mask = _mean_of_known(image, mask, size)
    margins = [(0, -side % MULTIPLE) for side in mask.shape]
    holes = np.pad(mask, margins)
    invalid = np.pad(np.zeros_like(mask), margins, constant_values=True)
    shift = round(0.2 * height), round(0.2 * width)
    inner = slice(0, size[0]), slice(0, size[1])
    return Frame(image, holes, small, small_mask, inner, shift, invalid)


def _mean_of_known(image: Image, mask: Mask, size: tuple[int, int]) -> tuple[Image, Mask]:
    """Resize image and mask; a pixel is hole only if it covers no known pixel."""
    import cv2

    is_smaller = size[0] < mask.shape[0]
    interpolation = cv2.INTER_AREA if is_smaller else cv2.INTER_LINEAR

    def resized(plane: NDArray[Any]) -> NDArray[np.float32]:
        return cv2.resize(plane.astype(np.float32), size[::-1], interpolation=interpolation)

    share = resized(~mask)
    # One channel at a time: floats of a whole photograph are its largest array.
    total = np.dstack([resized(np.where(mask, 0, image[..., c])) for c in range(3)])
    hole = share <= LEAST_KNOWN
    mean = np.where(hole[..., None], 0, total / np.maximum(share, LEAST_KNOWN)[..., None])
    return np.rint(mean).clip(0, 255).astype(np.uint8), hole


def paste_upscaled(frame: Frame, coarse: Image) -> Image:
    """Return the frame, uint8 (H', W', 3), with the hole filled by the bilinearly upscaled result
    of stage one, extended by repeating the border of the photograph."""
    import cv2

    height, width = frame.image.shape[:2]
    upscaled = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    whole = composite(frame.image, upscaled, frame.mask[:height, :width])
    below, right = frame.mask.shape[0] - height, frame.mask.shape[1] - width
    return np.pad(whole, ((0, below), (0, right), (0, 0)), mode="edge")


@dataclass(frozen=True)
class RefinementInput:
    """The 20 channels of the refinement network, made only in the boxes that are read.

    image: uint8 (H, W, 3) RGB, hole filled by stage one; mask: bool (H, W), hole or invalid;
    shift: of the copies, in pixels along rows and columns.
    """

    image: Image
    mask: Mask
    shift: tuple[int, int]

    def bytes_at(self, rows: Span, columns: Span) -> NDArray[np.uint8]:
        """Return a box as uint8 (20, h, w): mask, image, then each shifted copy with its mask."""
        out = np.empty((INPUTS, rows.stop - rows.start, columns.stop - columns.start), np.uint8)
        box = slice(*rows), slice(*columns)
        mask = self.mask.view(np.uint8) * np.uint8(255)
        out[0] = mask[box]
        out[1:4] = self.image[box].transpose(2, 0, 1)
        for i, direction in enumerate(DIRECTIONS):
            moved = [sign * amount for sign, amount in zip(direction, self.shift, strict=True)]
            first = 4 + 4 * i
            out[first : first + 3] = EMPTY
            out[first + 3] = INVALID
            target, source = _overlap((rows, columns), moved, self.mask.shape)
            out[first : first + 3, *target] = self.image[source].transpose(2, 0, 1)
            out[first + 3, *target] = mask[source]
        return out

    def at(self, rows: Span, columns: Span, device: torch.device) -> torch.Tensor:
        """Return a box as float32 (1, 20, h, w) in [0, 1]."""
        return on_device(self.bytes_at(rows, columns), device)[None] / 255


def _overlap(
    box: Sequence[Span], moved: Sequence[int], frame: tuple[int, ...]
) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Return where moved content lies, relative to the box, and its source in the frame."""
    target, source = [], []
    for span, by, size in zip(box, moved, frame, strict=True):
        start = max(span.start, by, 0)
        stop = max(start, min(span.stop, size + by, size))
        target.append(slice(start - span.start, stop - span.start))
        source.append(slice(start - by, stop - by))
    return (target[0], target[1]), (source[0], source[1])
