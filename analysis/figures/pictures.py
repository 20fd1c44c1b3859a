"""The pictures of one photograph at one resolution, and where to look at them closely."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from analysis.runs.run import REFERENCE, Picture, Run
from methods.errors import InputError

# Crops are looked for on copies of this longer side: finer positions cannot be seen.
SEARCH_SIZE = 512


@dataclass(frozen=True)
class Pictures:
    """reference: uint8 (H, W, 3) RGB; mask: bool (H, W), True = hole; results: method -> picture
    of the same size, only of methods that have one."""

    image: str
    resolution: int
    reference: Picture
    mask: NDArray[np.bool_]
    results: dict[str, Picture]

    @property
    def masked(self) -> Picture:
        """The reference with its hole black, as methods see it."""
        masked = self.reference.copy()
        masked[self.mask] = 0
        return masked


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels; right and bottom are outside."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top

    def scaled(self, factor: float) -> Box:
        """The same place in a picture `factor` times as large; at least one pixel."""
        left, top = round(self.left * factor), round(self.top * factor)
        width = max(1, round(self.width * factor))
        return Box(left, top, left + width, top + max(1, round(self.height * factor)))

    def of(self, pixels: NDArray) -> NDArray:
        return pixels[self.top : self.bottom, self.left : self.right]


def load(run: Run, image: str, resolution: int, methods: list[str]) -> Pictures | None:
    """The pictures of a case for some methods; None when there is no reference or mask.

    Raises InputError, naming the file, when one cannot be read or has another size."""
    reference = run.picture(REFERENCE, resolution, image)
    mask = run.mask(resolution, image)
    if reference is None or mask is None:
        return None
    done = {
        score.method
        for score in run.scores
        if (score.resolution, score.image, score.status) == (resolution, image, "ok")
    }
    results = {}
    for method in methods:
        picture = run.picture(method, resolution, image) if method in done else None
        if picture is not None:
            results[method] = picture
    for name, pixels in {"mask": mask, **results}.items():
        if pixels.shape[:2] != reference.shape[:2]:
            raise InputError(
                f"{run.path}: {name} of {image} at {resolution} px is {pixels.shape[1]}x"
                f"{pixels.shape[0]}, the reference {reference.shape[1]}x{reference.shape[0]}; "
                "run the benchmark again"
            )
    return Pictures(image, resolution, reference, mask, results)


def hole_box(mask: NDArray[np.bool_], margin: int = 0) -> Box:
    """The smallest box around the hole, grown by `margin` pixels where the image allows it."""
    left, top, width, height = cv2.boundingRect(mask.astype(np.uint8))
    return Box(
        max(0, left - margin),
        max(0, top - margin),
        min(mask.shape[1], left + width + margin),
        min(mask.shape[0], top + height + margin),
    )


def edge_box(pictures: Pictures, side: int) -> Box:
    """The square of `side` pixels, centred on the hole's edge as far as the image allows, in which
    the results differ most from each other (from the reference, if there is one result only).

    Everybody's results decide where to look, so the choice favours no method."""
    height, width = pictures.mask.shape
    side = min(side, height, width)
    scale = min(1.0, SEARCH_SIZE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    spread = cv2.blur(_spread(pictures, size), (max(1, round(side * scale)),) * 2)
    small = cv2.resize(pictures.mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    edge = cv2.morphologyEx(small, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
    if not edge.any():
        edge = np.ones_like(edge)
    row, column = np.unravel_index(np.where(edge, spread, -1).argmax(), spread.shape)
    return square(
        (int(column) + 0.5) / size[0] * width,
        (int(row) + 0.5) / size[1] * height,
        side,
        pictures.mask,
    )


def square(x: float, y: float, side: int, mask: NDArray[np.bool_]) -> Box:
    """A square around a point, in pixels, moved inside the image where it would reach out."""
    height, width = mask.shape
    side = min(side, height, width)
    left = int(np.clip(round(x - side / 2), 0, width - side))
    top = int(np.clip(round(y - side / 2), 0, height - side))
    return Box(left, top, left + side, top + side)


def _spread(pictures: Pictures, size: tuple[int, int]) -> NDArray[np.float32]:
    """Standard deviation over the results at every pixel, mean of the channels."""
    shown = list(pictures.results.values())
    if len(shown) < 2:
        shown.append(pictures.reference)
    small = [
        cv2.resize(one, size, interpolation=cv2.INTER_AREA).astype(np.float32) for one in shown
    ]
    return np.std(small, axis=0).mean(axis=2)
