"""Inputs and weights of the HiFill conformance data: integer arithmetic, so that every machine gets
the same bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.conformance.fill import fill

# Factors applied after `fill`: they keep the attention soft and the outputs away from the clipping
# range, so that the vectors stay sensitive to errors.
GAIN = 1.45
FACTORS = {
    "generator/c_de_toRGB/c_de_toRGB_conv_feat/w": 4.0,
    "generator/re_dil_d16/w": 0.1,
    "generator/re_att_64_att1/w": 5.0,
    "generator/re_att_64_att3/w": 5.0,
    "generator/re_de_att_128_1/w": 0.3,
    "generator/re_de_att_256_1/w": 0.3,
}


def weights(shapes: Mapping[str, tuple[int, ...]], salt: str) -> dict[str, NDArray[np.float32]]:
    """TensorFlow names with shapes (H, W, in, out) -> float32 arrays."""
    made: dict[str, NDArray[np.float32]] = fill(shapes, salt=salt, layout="HWIO", gain=GAIN)
    for name, factor in FACTORS.items():
        made[name] = made[name] * np.float32(factor)
    return made


def image(h: int, w: int, seed: int, cell: int = 128) -> NDArray[np.uint8]:
    """uint8 (h, w, 3): smooth colour field, 4x4 blocks, stripes and pixel noise."""
    rng = np.random.default_rng(seed)
    grid = rng.integers(0, 256, (h // cell + 2, w // cell + 2, 3))
    y, x = np.arange(h), np.arange(w)
    i, f = y // cell, (y % cell)[:, None, None]
    v = grid[i] * (cell - f) + grid[i + 1] * f
    j, f = x // cell, (x % cell)[None, :, None]
    v = (v[:, j] * (cell - f) + v[:, j + 1] * f) // (cell * cell)
    b = rng.integers(-40, 41, ((h + 3) // 4, (w + 3) // 4, 3))
    v = v + np.repeat(np.repeat(b, 4, 0), 4, 1)[:h, :w]
    s = ((x[None, :] + 2 * y[:, None]) // 8) % 2 * 24 - 12
    v = v + s[:, :, None] + rng.integers(-20, 21, (h, w, 3))
    return np.clip(v, 0, 255).astype(np.uint8)


def hole(h: int, w: int, seed: int) -> NDArray[np.bool_]:
    """bool (h, w), True = hole: one ellipse and two rectangles, about 12 % of the image."""
    rng = np.random.default_rng(seed)
    y, x = np.arange(h)[:, None], np.arange(w)[None, :]
    cy, cx = int(rng.integers(h // 3, 2 * h // 3)), int(rng.integers(w // 3, 2 * w // 3))
    ry, rx = int(rng.integers(h // 9, h // 6)), int(rng.integers(w // 9, w // 6))
    m = (y - cy) ** 2 * rx * rx + (x - cx) ** 2 * ry * ry <= ry * ry * rx * rx
    for _ in range(2):
        a, b = int(rng.integers(0, h - h // 8)), int(rng.integers(0, w - w // 6))
        m[a : a + h // 8, b : b + w // 6] = True
    return m


def mask_file(m: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """The mask as an image file of the inference script: 3 channels, 255 = known, 0 = hole."""
    return np.repeat(np.where(m, 0, 255).astype(np.uint8)[:, :, None], 3, 2)


def attention(seed: int, k: int = 4) -> NDArray[np.float32]:
    """float32 (32, 32, 1024): every row has k (or fewer) positive entries and sums to 1."""
    rng = np.random.default_rng(seed)
    idx = rng.integers(0, 1024, (1024, k))
    val = rng.integers(1, 100, (1024, k))
    a = np.zeros((1024, 1024), np.int64)
    np.add.at(a, (np.arange(1024)[:, None], idx), val)
    return (a / a.sum(1, keepdims=True)).astype(np.float32).reshape(32, 32, 1024)


def floats(shape: tuple[int, ...], seed: int, scale: float = 1.0) -> NDArray[np.float32]:
    """float32 in [-scale, scale) on a grid of 2^-15."""
    rng = np.random.default_rng(seed)
    return (rng.integers(-32768, 32768, shape) / 32768.0 * scale).astype(np.float32)


def sha(array: NDArray[Any]) -> str:
    """SHA-256 of the C-ordered bytes, hexadecimal."""
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()
