"""Matched detail: a small result of any method, made large with the photograph's own texture."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from methods.base import Image, Mask, composite
from methods.texture import detail, tones
from methods.texture.field import match

# Small pixels over which the contrast of detail is averaged.
AROUND = (3, 3)


def add_detail(image: Image, mask: Mask, small: Image, small_hole: Mask, seed: int) -> Image:
    """Return the image with its hole filled by a small result and detail that fits it.

    For each pixel of the small result the known place that looks most like it, with detail no
    weaker than the hole's surroundings suggest, is found; the copies of those places replace it,
    joined without steps in tone; then the same places give the detail that only the photograph has.

    Parameters
    ----------
    image
        uint8 (H, W, 3); the hole is not read.
    mask
        bool (H, W), True = hole.
    small
        uint8 (h, w, 3), smaller: means of the known pixels, and the result of stage one.
    small_hole
        bool (h, w), True = hole, where stage one filled.
    seed
        Of the search.

    Returns
    -------
    ndarray
        uint8 (H, W, 3), known pixels unchanged. Where nothing is known that could be copied, the
        small result enlarged.
    """
    unusable = reduced(mask, small_hole.shape)
    # Detail is interpolated between 3 x 3 small pixels.
    wanted = cv2.dilate(unusable.view(np.uint8), np.ones((3, 3), np.uint8)).view(np.bool_)
    field = match(np.dstack([small, _roughness(image, small, unusable)]), wanted, unusable, seed)
    if field is None:
        enlarged = cv2.resize(small, image.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        return composite(image, enlarged, mask)
    values = tones.calmed(tones.joined(small, small_hole, field), small_hole)
    return detail.fill(image, mask, values, field)


def _roughness(image: Image, small: Image, unusable: Mask) -> NDArray[np.uint8]:
    """Return the contrast of the detail around each small pixel, in grey levels, uint8 (h, w).

    Colours of the small image do not tell ripples of water from the sky: both are grey there. Where
    pixels are unusable it is what a membrane over their surroundings says."""
    known = (~unusable).astype(np.float32)
    share = np.maximum(cv2.blur(known, AROUND), np.float32(1e-6))
    squares = cv2.blur(detail.squares(image, small, unusable), AROUND) / share[..., None]
    contrast = np.where(unusable[..., None], 0, np.sqrt(squares))
    expected = np.where(unusable[..., None], tones.membrane(contrast, unusable), contrast)
    return expected.mean(axis=2).clip(0, 255).astype(np.uint8)


def reduced(mask: Mask, size: tuple[int, ...]) -> Mask:
    """Return the small pixels, bool (h, w), in which any pixel of a hole lies."""
    starts = [
        -(-np.arange(small) * large // small) for small, large in zip(size, mask.shape, strict=True)
    ]
    by_row = np.logical_or.reduceat(mask, starts[0], axis=0)
    return np.logical_or.reduceat(by_row, starts[1], axis=1)


def compile_loops() -> None:
    """Compile what `add_detail` calls, or load it from numba's cache."""
    image = np.zeros((32, 32, 3), np.uint8)
    mask, hole = np.zeros((32, 32), bool), np.zeros((16, 16), bool)
    mask[16:18, 16:18], hole[8, 8] = True, True
    add_detail(image, mask, image[::2, ::2].copy(), hole, 0)
