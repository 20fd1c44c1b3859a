"""Inputs and checksums of the two-stage conformance data: integer arithmetic only, so that every
machine gets the same bytes."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray


def image(h: int, w: int, seed: int) -> NDArray[np.uint8]:
    """uint8 (h, w, 3) RGB."""
    rng = np.random.default_rng(seed)
    blocks = rng.integers(0, 224, (-(-h // 32), -(-w // 32), 3))
    out = blocks.repeat(32, axis=0).repeat(32, axis=1)[:h, :w]
    out = (out + np.roll(out, 13, axis=0) + np.roll(out, 17, axis=1)) // 3
    out = out + (np.arange(h) * 24 // h)[:, None, None] + rng.integers(0, 4, (h, w, 3))
    return np.clip(out, 0, 255).astype(np.uint8)


def mask(h: int, w: int, seed: int) -> NDArray[np.uint8]:
    """uint8 (h, w), 255 = hole: a central rectangle (middle third), a corner piece, a thin bar and
    scattered pixels."""
    rng = np.random.default_rng(seed + 1000)
    m = np.zeros((h, w), np.uint8)
    m[h // 3 : 2 * h // 3, w // 3 : 2 * w // 3] = 255
    m[: h // 12, w - w // 9 :] = 255
    m[5 * h // 6 : 5 * h // 6 + 3, w // 8 : w // 2] = 255
    m[rng.integers(0, h, 40), rng.integers(0, w, 40)] = 255
    return m


def tensor20(h: int, w: int, seed: int) -> NDArray[np.uint8]:
    """uint8 (20, h, w); channel 0 and every fourth of the shifted groups is a mask (0 or 255)."""
    out = np.empty((20, h, w), np.uint8)
    channel = 1
    out[0] = mask(h, w, seed)
    for k in range(5):
        out[channel : channel + 3] = image(h, w, seed + 10 * k).transpose(2, 0, 1)
        channel += 3
        if k:
            out[channel] = mask(h, w, seed + 10 * k)
            channel += 1
    return out


def checksum(array: NDArray[Any]) -> str:
    """SHA-256 of the C-ordered bytes, hexadecimal."""
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()
