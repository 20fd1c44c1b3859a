"""Random views of a photograph, and random holes: rectangles, ellipses, free-form strokes."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.random import Generator

from methods.base import Image, Mask

SMALLEST_SHARE, LARGEST_SHARE = 0.1, 0.9
# Share of holes that are one rectangle, as in the benchmark.
RECTANGLES = 0.5


def random_square(rng: Generator, pixels: Image, size: int) -> Image:
    """Return a random square of a photograph, uint8 (size, size, 3), whose side is at least half of
    the shorter side."""
    height, width = pixels.shape[:2]
    side = int(min(height, width) * rng.uniform(0.5, 1))
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
    """Return a photograph in other colours; rarely channels are exchanged, or colours removed."""
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


def random_mask(rng: Generator, size: int, largest: float = LARGEST_SHARE) -> Mask:
    """Return a random hole, bool (size, size), that covers 10 % to `largest` of the image."""
    share = rng.uniform(SMALLEST_SHARE, largest)
    if rng.random() < RECTANGLES:
        return _rectangle(rng, size, share)
    return _irregular(rng, size, share)


def _rectangle(rng: Generator, size: int, share: float) -> Mask:
    aspect = np.exp(rng.uniform(-0.5, 0.5))
    height = min(size - 1, max(1, round(size * np.sqrt(share * aspect))))
    width = min(size - 1, max(1, round(share * size * size / height)))
    top = int(rng.integers(0, size - height + 1))
    left = int(rng.integers(0, size - width + 1))
    mask = np.zeros((size, size), bool)
    mask[top : top + height, left : left + width] = True
    return mask


def _irregular(rng: Generator, size: int, share: float) -> Mask:
    """Draw strokes and ellipses until the share is reached; a tenth always remains known."""
    canvas = np.zeros((size, size), np.uint8)
    while canvas.mean() < share:
        before = canvas.copy()
        (_draw_stroke if rng.random() < 0.7 else _draw_ellipse)(rng, canvas)
        if canvas.mean() > LARGEST_SHARE:
            return before > 0
    return canvas > 0


def _draw_stroke(rng: Generator, canvas: np.ndarray) -> None:
    """Draw a random walk with a brush, as in DeepFill v2's free-form masks."""
    size = canvas.shape[0]
    point = rng.uniform(0, size, 2)
    angle = rng.uniform(0, 2 * np.pi)
    thickness = int(rng.uniform(size / 40, size / 9))
    for _ in range(int(rng.integers(2, 9))):
        angle += rng.normal(0, 0.8)
        step = rng.uniform(size / 16, size / 5) * np.array([np.cos(angle), np.sin(angle)])
        end = np.clip(point + step, 0, size - 1)
        cv2.line(canvas, _rounded(point), _rounded(end), 1, thickness)
        cv2.circle(canvas, _rounded(end), thickness // 2, 1, -1)
        point = end


def _draw_ellipse(rng: Generator, canvas: np.ndarray) -> None:
    size = canvas.shape[0]
    centre = _rounded(rng.uniform(0, size, 2))
    axes = _rounded(rng.uniform(size / 24, size / 5, 2))
    cv2.ellipse(canvas, centre, axes, float(rng.uniform(0, 180)), 0, 360, 1, -1)


def _rounded(values: np.ndarray) -> tuple[int, int]:
    return round(float(values[0])), round(float(values[1]))
