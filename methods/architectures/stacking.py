"""What stands before and between the two networks of the two-stage method: images brought to stage
one's size and back, and the 20 channels that refinement looks at.

`published` is what the authors' code does; `paper` follows the text of Moskalenko et al. 2020,
section 3, with the code's known defects mended. docs/methods.md lists the differences.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from methods.architectures.refinement import INPUTS, MULTIPLE
from methods.architectures.unet import Span
from methods.base import Image, Mask, composite

# Where a shift brought nothing in: nearly black (1 of 255, as in the authors' code), and "hole".
VACATED, INVALID = 1, 255
# Of a small pixel's area, so that it counts as known; as little as half a pixel of 64 x 64.
LEAST_KNOWN = 1e-4
# Directions of the four shifted copies in the order in which the published weights expect them:
# up, down, right, left, as signs of the movement of the content along rows and columns.
DIRECTIONS = ((-1, 0), (1, 0), (0, 1), (0, -1))


class Prepared(NamedTuple):
    """What goes into both stages. image: uint8 (H, W, 3) at full resolution; mask: bool (H', W'),
    its hole, in a frame whose sides are multiples of 256; small_image, small_mask: what stage one
    gets; inner: the part of stage one's result that shows `image`; shift: of the copies, in rows
    and columns; invalid: bool (H', W'), what refinement is told to be no part of the photograph."""

    image: Image
    mask: Mask
    small_image: Image
    small_mask: Mask
    inner: tuple[slice, slice]
    shift: tuple[int, int]
    invalid: Mask


def prepared_as_published(image: Image, mask: Mask, working_size: int) -> Prepared:
    """Black, known pixels at the bottom and the right up to multiples of 256; then a letterbox of
    `working_size` with black, known bars; a shift of 100 / 512 of the height for both axes."""
    below, right = (-side % MULTIPLE for side in mask.shape)
    padded = np.pad(image, ((0, below), (0, right), (0, 0)))
    holes = np.pad(mask, ((0, below), (0, right)))
    height, width = holes.shape
    longer = max(height, width)
    size = working_size * height // longer, working_size * width // longer
    top, left = ((working_size - side) // 2 for side in size)
    inner = slice(top, top + size[0]), slice(left, left + size[1])
    small = np.zeros((working_size, working_size, 3), np.uint8)
    small_mask = np.zeros((working_size, working_size), bool)
    small[inner] = _opencv_nearest(padded, size)
    small_mask[inner] = _opencv_nearest(holes.astype(np.uint8), size) > 0
    shift = height * 100 // 512
    nothing = np.zeros_like(holes)
    return Prepared(padded, holes, small, small_mask, inner, (shift, shift), nothing)


def prepared_as_in_paper(image: Image, mask: Mask, working_size: int) -> Prepared:
    """The longer side to `working_size`, without bars, each small pixel the mean of the known ones
    it stands for; the frame around the photograph up to multiples of 256 is marked invalid; shifts
    of 20 % of each side."""
    height, width = mask.shape
    scale = working_size / max(height, width)
    size = max(1, round(height * scale)), max(1, round(width * scale))
    small, small_mask = _known_mean(image, mask, size)
    below, right = -height % MULTIPLE, -width % MULTIPLE
    holes = np.pad(mask, ((0, below), (0, right)))
    invalid = np.pad(np.zeros_like(mask), ((0, below), (0, right)), constant_values=True)
    shift = round(0.2 * height), round(0.2 * width)
    inner = slice(0, size[0]), slice(0, size[1])
    return Prepared(image, holes, small, small_mask, inner, shift, invalid)


def _known_mean(image: Image, mask: Mask, size: tuple[int, int]) -> tuple[Image, Mask]:
    """Image and mask at another size: hole is only where nothing is known."""
    smaller = size[0] < mask.shape[0]
    how = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    share = cv2.resize((~mask).astype(np.float32), size[::-1], interpolation=how)
    known = np.where(mask[..., None], 0, image).astype(np.float32)
    total = cv2.resize(known, size[::-1], interpolation=how)
    hole = share <= LEAST_KNOWN
    mean = np.where(hole[..., None], 0, total / np.maximum(share, LEAST_KNOWN)[..., None])
    return np.rint(mean).clip(0, 255).astype(np.uint8), hole


def _opencv_nearest(array: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    # OpenCV's own: integer arithmetic differs from it by a pixel at rare sizes.
    return cv2.resize(array, size[::-1], interpolation=cv2.INTER_NEAREST)


def matched(frame: Prepared, coarse: Image) -> Image:
    """The photograph with the hole filled by `coarse`, enlarged to its size; uint8 (H', W', 3),
    the rest of the frame filled by repeating the border."""
    height, width = frame.image.shape[:2]
    upscaled = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    whole = composite(frame.image, upscaled, frame.mask[:height, :width])
    below, right = frame.mask.shape[0] - height, frame.mask.shape[1] - width
    return np.pad(whole, ((0, below), (0, right), (0, 0)), mode="edge")


@dataclass(frozen=True)
class Stack:
    """The 20 channels, made only where they are asked for: the mask, the matched image, and four
    shifted copies of the image, each followed by its mask.

    image: uint8 (H, W, 3) RGB, hole filled by stage one; mask: bool (H, W), hole or invalid;
    shift: pixels along rows and columns."""

    image: Image
    mask: Mask
    shift: tuple[int, int]

    def bytes_at(self, rows: Span, columns: Span) -> NDArray[np.uint8]:
        """uint8 (20, h, w) in a box of the frame."""
        out = np.empty((INPUTS, rows.stop - rows.start, columns.stop - columns.start), np.uint8)
        box = slice(*rows), slice(*columns)
        mask = self.mask.view(np.uint8) * np.uint8(255)
        out[0] = mask[box]
        out[1:4] = self.image[box].transpose(2, 0, 1)
        for i, direction in enumerate(DIRECTIONS):
            moved = [sign * amount for sign, amount in zip(direction, self.shift, strict=True)]
            first = 4 + 4 * i
            out[first : first + 3] = VACATED
            out[first + 3] = INVALID
            target, source = _overlap((rows, columns), moved, self.mask.shape)
            out[first : first + 3, *target] = self.image[source].transpose(2, 0, 1)
            out[first + 3, *target] = mask[source]
        return out

    def at(self, rows: Span, columns: Span, device: torch.device) -> Tensor:
        """float32 (1, 20, h, w) in [0, 1] in a box of the frame."""
        return torch.from_numpy(self.bytes_at(rows, columns)).to(device)[None].float() / 255


def _overlap(
    box: Sequence[Span], moved: Sequence[int], frame: tuple[int, ...]
) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Where content moved by `moved` lands in `box`, counted in the box, and where it comes from,
    counted in the frame."""
    target, source = [], []
    for span, by, size in zip(box, moved, frame, strict=True):
        start = max(span.start, by, 0)
        stop = max(start, min(span.stop, size + by, size))
        target.append(slice(start - span.start, stop - span.start))
        source.append(slice(start - by, stop - by))
    return (target[0], target[1]), (source[0], source[1])
