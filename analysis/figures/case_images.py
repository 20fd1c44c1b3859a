"""The images of one photograph at one resolution, and the places in them worth enlarging."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from analysis.runs.run import Run
from methods.base import Image, Mask, Resolution
from methods.errors import InputError
from methods.labels import REFERENCE
from methods.resolutions import size_text

# Longer side of the copies in which a crop is searched; finer positions make no visible difference.
_SEARCH_SIZE = 512


@dataclass(frozen=True)
class CaseImages:
    """Reference, mask and results (by method) of an image, all of the same size."""

    image: str
    resolution: Resolution
    reference: Image
    mask: Mask
    results: dict[str, Image]
    # What readers are told that the reference is.
    reference_name: str = REFERENCE

    @property
    def masked(self) -> Image:
        """The reference with a black hole, as methods see it."""
        masked = self.reference.copy()
        masked[self.mask] = 0
        return masked


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels; `right` and `bottom` are exclusive."""

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
        """Return the same region of an image `factor` times as large, of at least one pixel."""
        left, top = round(self.left * factor), round(self.top * factor)
        width = max(1, round(self.width * factor))
        return Box(left, top, left + width, top + max(1, round(self.height * factor)))

    def crop(self, pixels: NDArray) -> NDArray:
        """Return a view of the region of an array (H, W, ...)."""
        return pixels[self.top : self.bottom, self.left : self.right]


def load(run: Run, image: str, resolution: Resolution, methods: list[str]) -> CaseImages | None:
    """Read the images of a photograph; None if there is no reference or mask.

    Raises InputError if a file cannot be read or has another size than the reference.
    """
    reference = run.read_image(REFERENCE, resolution, image)
    mask = run.read_mask(resolution, image)
    if reference is None or mask is None:
        return None
    statuses = run.statuses(resolution, image)
    done = [method for method in methods if statuses.get(method) == "ok"]
    read = {method: run.read_image(method, resolution, image) for method in done}
    results = {method: result for method, result in read.items() if result is not None}
    for name, pixels in {"mask": mask, **results}.items():
        if pixels.shape[:2] != reference.shape[:2]:
            raise InputError(
                f"{run.path}: {name} of {image} at {size_text(resolution)} is {pixels.shape[1]}x"
                f"{pixels.shape[0]}, the reference {reference.shape[1]}x{reference.shape[0]}; "
                "run the benchmark again"
            )
    return CaseImages(image, resolution, reference, mask, results, run.reference_name)


def hole_box(mask: Mask, margin: int = 0) -> Box:
    """Return the smallest box around the hole, enlarged by a margin within the image."""
    left, top, width, height = cv2.boundingRect(mask.astype(np.uint8))
    return Box(
        max(0, left - margin),
        max(0, top - margin),
        min(mask.shape[1], left + width + margin),
        min(mask.shape[0], top + height + margin),
    )


def edge_box(images: CaseImages, side: int) -> Box:
    """Return the square, centred on the hole's edge, in which the results differ most.

    All results together determine it, so that the choice favours no method.
    """
    height, width = images.mask.shape
    side = min(side, height, width)
    scale = min(1.0, _SEARCH_SIZE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    spread = cv2.blur(_spread(images, size), (max(1, round(side * scale)),) * 2)
    small = cv2.resize(images.mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    edge = cv2.morphologyEx(small, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
    if not edge.any():
        edge = np.ones_like(edge)
    row, column = np.unravel_index(np.where(edge, spread, -1).argmax(), spread.shape)
    x, y = (int(column) + 0.5) / size[0] * width, (int(row) + 0.5) / size[1] * height
    left = int(np.clip(round(x - side / 2), 0, width - side))
    top = int(np.clip(round(y - side / 2), 0, height - side))
    return Box(left, top, left + side, top + side)


def _spread(images: CaseImages, size: tuple[int, int]) -> NDArray[np.floating]:
    """Return the standard deviation over the results at each pixel, averaged over channels."""
    compared = list(images.results.values())
    # A single result is compared with the reference.
    if len(compared) < 2:
        compared.append(images.reference)
    small = [cv2.resize(p, size, interpolation=cv2.INTER_AREA).astype(np.float32) for p in compared]
    return np.std(small, axis=0).mean(axis=2)
