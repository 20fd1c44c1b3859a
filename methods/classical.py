"""Methods without weights that OpenCV's own photo module implements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import cv2
import numpy as np
from pydantic import Field

from methods.base import Image, Inpainter, Mask, blank

# The contrib build: it holds xphoto as well, and only one build can own the module cv2.
OPENCV = {"cv2": "opencv-contrib-python"}
# Pixels; that of the published comparison, Moskalenko et al. 2020.
RADIUS = 3.0


@dataclass(kw_only=True)
class Telea(Inpainter):
    """A. Telea, An Image Inpainting Technique Based on the Fast Marching Method, 2004.

    radius: pixels around each filled pixel that are averaged.
    """

    name: ClassVar[str] = "telea"
    summary: ClassVar[str] = "fast marching (OpenCV)"
    uses_device: ClassVar[bool] = False
    requires: ClassVar[dict[str, str]] = OPENCV

    radius: Annotated[float, Field(gt=0, le=100)] = RADIUS

    def fill(self, image: Image, mask: Mask) -> Image:
        return _inpaint(image, mask, self.radius, cv2.INPAINT_TELEA)


@dataclass(kw_only=True)
class NavierStokes(Inpainter):
    """M. Bertalmio, A. L. Bertozzi and G. Sapiro, Navier-Stokes, Fluid Dynamics, and Image and
    Video Inpainting, 2001.

    radius: pixels around each filled pixel that are averaged.
    """

    name: ClassVar[str] = "navier-stokes"
    summary: ClassVar[str] = "isophotes continued as a fluid's stream lines (OpenCV)"
    uses_device: ClassVar[bool] = False
    requires: ClassVar[dict[str, str]] = OPENCV

    radius: Annotated[float, Field(gt=0, le=100)] = RADIUS

    def fill(self, image: Image, mask: Mask) -> Image:
        return _inpaint(image, mask, self.radius, cv2.INPAINT_NS)


def _inpaint(image: Image, mask: Mask, radius: float, algorithm: int) -> Image:
    # Blank, because where a hole touches the border OpenCV lets its pixels shine through a little.
    return cv2.inpaint(blank(image, mask), mask.astype(np.uint8), radius, algorithm)
