"""Holes: the pixels that a protocol removes.

`draw(height, width, name)` returns a mask of bool (height, width), True = hole. Shapes are defined
in shares of the size, so that a hole is the same at every resolution.
"""

from __future__ import annotations

import zlib
from typing import Annotated, Any, Literal

import cv2
import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from methods.base import Mask

Share = Annotated[float, Field(ge=0, le=1)]
OpenShare = Annotated[float, Field(gt=0, lt=1)]


class _Hole(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown_keys(cls, values: dict[str, Any]) -> dict[str, Any]:
        for key in values:
            if key not in cls.model_fields:
                raise ValueError(f"unknown key {key!r}; valid keys: {', '.join(cls.model_fields)}")
        return values


class MiddleThird(_Hole):
    """Rows and columns ceil(N/3) ... floor(2N/3), as in the masks of Moskalenko et al. 2020."""

    kind: Literal["middle-third"]

    def draw(self, height: int, width: int, name: str) -> Mask:
        rows, columns = (slice(-(-size // 3), 2 * size // 3 + 1) for size in (height, width))
        return _rectangle(height, width, rows, columns)


class CentreSquare(_Hole):
    """A centred square that covers `share` of the area, its side rounded to whole pixels.

    In an image that is not square, a rectangle of the image's shape.
    """

    kind: Literal["centre-square"]
    share: OpenShare

    def draw(self, height: int, width: int, name: str) -> Mask:
        scale = self.share**0.5
        rows, columns = (_centred(round(size * scale), size) for size in (height, width))
        return _rectangle(height, width, rows, columns)


class Box(_Hole):
    """A rectangle, in shares of the size; a band is as wide or as high as the image."""

    kind: Literal["box"]
    top: Share
    left: Share
    height: Annotated[float, Field(gt=0, le=1)]
    width: Annotated[float, Field(gt=0, le=1)]

    @model_validator(mode="after")
    def _check_inside(self) -> Box:
        # Shares such as 0.7 + 0.3 are not exact.
        for start, length in (("top", "height"), ("left", "width")):
            end = getattr(self, start) + getattr(self, length)
            if end > 1 + 1e-9:
                raise ValueError(f"{start} + {length} is {end:g}: the box leaves the image")
        return self

    def draw(self, height: int, width: int, name: str) -> Mask:
        rows = slice(round(self.top * height), round((self.top + self.height) * height))
        columns = slice(round(self.left * width), round((self.left + self.width) * width))
        return _rectangle(height, width, rows, columns)


class FreeForm(_Hole):
    """Random strokes, the same for the same seed and image name on every machine.

    Similar to the free-form masks of DeepFill v2 (Yu et al. 2019) and the thin, medium and thick
    masks of LaMa (Suvorov et al. 2022).
    """

    kind: Literal["free-form"]
    thickness: Literal["thin", "medium", "thick"] = "medium"
    seed: Annotated[int, Field(ge=0)] = 0

    def draw(self, height: int, width: int, name: str) -> Mask:
        strokes, thickness = _STROKES[self.thickness]
        rng = np.random.default_rng([self.seed, zlib.crc32(name.encode())])
        canvas = np.zeros((height, width), np.uint8)
        for _ in range(rng.integers(*strokes, endpoint=True)):
            points = _stroke(rng)
            pixels = max(1, round(rng.uniform(*thickness) * min(height, width)))
            line = np.round(points * (width - 1, height - 1)).astype(np.int32)
            cv2.polylines(canvas, [line], isClosed=False, color=1, thickness=pixels)
        return canvas.astype(bool)


class DatasetMasks(_Hole):
    """The dataset's own masks, one per image, resampled by nearest neighbour."""

    kind: Literal["dataset"]


Drawn = MiddleThird | CentreSquare | Box | FreeForm
Hole = Annotated[Drawn | DatasetMasks, Field(discriminator="kind")]

# Range of the number of strokes, range of the stroke width as a share of the size.
_STROKES = {
    "thin": ((6, 12), (0.008, 0.02)),
    "medium": ((4, 8), (0.03, 0.06)),
    "thick": ((2, 4), (0.10, 0.18)),
}


def _centred(side: int, size: int) -> slice:
    start = (size - side) // 2
    return slice(start, start + side)


def _rectangle(height: int, width: int, rows: slice, columns: slice) -> Mask:
    mask = np.zeros((height, width), bool)
    mask[rows, columns] = True
    return mask


def _stroke(rng: np.random.Generator) -> np.ndarray:
    """Return a random polyline: (points, 2), x and y from 0 to 1."""
    turns = rng.integers(4, 9)
    angles = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, 0.9, turns))
    steps = rng.uniform(0.05, 0.18, (turns, 1)) * np.column_stack([np.cos(angles), np.sin(angles)])
    start = rng.uniform(0.15, 0.85, 2)
    return np.clip(np.vstack([start, start + np.cumsum(steps, axis=0)]), 0, 1)
