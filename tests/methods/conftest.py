"""Made-up images and holes for the methods."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

import methods
from methods.base import Inpainter

# Every method that can run here, with what it takes to make it.
RUNNABLE: dict[str, dict[str, Any]] = {
    "telea": {},
    "navier-stokes": {},
    "biharmonic": {},
    "shiftmap": {},
    "patchmatch": {},
    "two-stage:navier-stokes": {"refine": False},
    "two-stage:telea": {"weights": "random"},
    "two-stage": {},
    "dfnet": {"weights": "random"},
    "deepfillv2": {"weights": "random"},
    "hifill": {"weights": "random", "multiple": 1},
}


def create(name: str) -> Inpainter:
    """One of the runnable methods."""
    return methods.create(name, **RUNNABLE[name])


def scene(seed: int, height: int, width: int) -> np.ndarray:
    """Bright smooth colours with texture, uint8 (height, width, 3) RGB; no pixel is black."""
    rng = np.random.default_rng(seed)
    smooth = cv2.resize(rng.uniform(90, 230, (4, 5, 3)), (width, height))
    return np.clip(smooth + rng.normal(0, 8, smooth.shape), 30, 255).astype(np.uint8)


def box(height: int, width: int, rows: slice, columns: slice) -> np.ndarray:
    mask = np.zeros((height, width), bool)
    mask[rows, columns] = True
    return mask
