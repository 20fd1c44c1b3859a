"""Biharmonic inpainting as in scikit-image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from methods.base import Image, Inpainter, Mask, MethodError


@dataclass(kw_only=True)
class Biharmonic(Inpainter):
    """The smooth surface through the rim of the hole on which the biharmonic operator is zero.

    Each hole pixel is an unknown of a linear system: seconds and memory grow faster than the hole.

    Parameters
    ----------
    most_pixels
        Of one connected hole; a larger one is refused, before memory runs out.

    References
    ----------
    S. B. Damelin, N. S. Hoang, On Surface Completion and Image Inpainting by Biharmonic Functions:
    Numerical Aspects, International Journal of Mathematics and Mathematical Sciences, 2018.
    """

    name: ClassVar[str] = "biharmonic"
    summary: ClassVar[str] = "biharmonic equation (scikit-image)"
    uses_device: ClassVar[bool] = False
    requires: ClassVar[dict[str, str]] = {"skimage": "scikit-image", "scipy": "scipy"}
    # Of a square whose middle third is missing, at 1024 to 2048 px.
    typical_seconds: ClassVar[float | None] = 15.0

    most_pixels: Annotated[int, Field(ge=1)] = 1_000_000

    def fill(self, image: Image, mask: Mask) -> Image:
        from skimage.restoration import inpaint_biharmonic

        largest = _largest_hole(mask)
        if largest > self.most_pixels:
            raise MethodError(
                f"a hole of {largest} pixels is larger than most_pixels ({self.most_pixels}), and "
                "takes more than 6 GB and three minutes: choose a lower resolution, or raise it"
            )
        filled = inpaint_biharmonic(image, mask, split_into_regions=True, channel_axis=2)
        return np.rint(filled * 255).astype(np.uint8)


def _largest_hole(mask: Mask) -> int:
    """Return the number of pixels of the largest hole that scikit-image solves as one system."""
    # Here: methods are listed without OpenCV.
    import cv2

    # Holes whose rims touch depend on each other.
    grown = cv2.dilate(mask.astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3)))
    _, labels = cv2.connectedComponents(grown, connectivity=8)
    return int(np.bincount(labels[mask]).max())
