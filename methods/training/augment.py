"""Random views of a photograph: crops, mirroring and changes of colour."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.random import Generator

from methods.base import Image


def random_square(rng: Generator, pixels: Image, size: int, smallest: float) -> Image:
    """Return a random square of a photograph, uint8 (size, size, 3).

    `smallest` is the least side of the square relative to the photograph's shorter side."""
    height, width = pixels.shape[:2]
    side = int(min(height, width) * rng.uniform(smallest, 1))
    top = int(rng.integers(0, height - side + 1))
    left = int(rng.integers(0, width - side + 1))
    square = pixels[top : top + side, left : left + side]
    # At inference images are reduced by nearest neighbour: half of the views look like that.
    reduction = cv2.INTER_AREA if rng.random() < 0.5 else cv2.INTER_NEAREST
    interpolation = reduction if side > size else cv2.INTER_LINEAR
    return cv2.resize(square, (size, size), interpolation=interpolation)


def mirrored(rng: Generator, pixels: Image) -> Image:
    """Return a photograph mirrored half of the time; rarely upside down or transposed."""
    if rng.random() < 0.5:
        pixels = pixels[:, ::-1]
    if rng.random() < 0.1:
        pixels = pixels[::-1]
    if rng.random() < 0.1:
        pixels = pixels.swapaxes(0, 1)
    return np.ascontiguousarray(pixels)


def recoloured(rng: Generator, pixels: Image) -> Image:
    """Return a photograph with another exposure, contrast and white balance.

    Rarely channels are exchanged, or colours removed."""
    changed = cv2.LUT(pixels, colour_table(rng))
    if rng.random() < 0.1:
        changed = changed[..., rng.permutation(3)]
    if rng.random() < 0.05:
        changed = np.repeat(cv2.cvtColor(changed, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
    return np.ascontiguousarray(changed)


def colour_table(rng: Generator) -> Image:
    """Return a random change of exposure, contrast and white balance as a lookup table, uint8
    (1, 256, 3)."""
    gains = np.exp(rng.normal(0, 0.15) + rng.normal(0, 0.05, 3))
    gamma = np.exp(rng.normal(0, 0.2))
    levels = (np.arange(256) / 255)[:, None] ** gamma * gains * 255
    return np.clip(levels, 0, 255).astype(np.uint8)[None]
