"""The inpainting algorithms of OpenCV's photo module."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from methods.base import Image, Inpainter, Mask, blank

# OpenCV is imported where it is used: methods are listed without it.

# The contrib build includes xphoto, and only one build can own the module cv2.
OPENCV = {"cv2": "opencv-contrib-python"}


@dataclass(kw_only=True)
class _PhotoModule(Inpainter):
    # Name of OpenCV's constant.
    algorithm: ClassVar[str]
    uses_device: ClassVar[bool] = False
    requires: ClassVar[dict[str, str]] = OPENCV
    typical_seconds: ClassVar[float | None] = 0.15

    # The radius of the published comparison, Moskalenko et al. 2020.
    radius: Annotated[float, Field(gt=0, le=100)] = 3.0

    def fill(self, image: Image, mask: Mask) -> Image:
        import cv2

        # Blank: OpenCV lets hole pixels show through slightly where a hole touches the border.
        hole = mask.astype(np.uint8)
        algorithm = getattr(cv2, self.algorithm)
        return cv2.inpaint(blank(image, mask), hole, self.radius, algorithm)


@dataclass(kw_only=True)
class Telea(_PhotoModule):
    """Fast marching: known colours are averaged inwards from the border of the hole.

    Parameters
    ----------
    radius
        Pixels around each filled pixel that are averaged.

    References
    ----------
    A. Telea, An Image Inpainting Technique Based on the Fast Marching Method, Journal of Graphics
    Tools 9(1), 2004.
    """

    name: ClassVar[str] = "telea"
    summary: ClassVar[str] = "fast marching (OpenCV)"
    algorithm: ClassVar[str] = "INPAINT_TELEA"


@dataclass(kw_only=True)
class NavierStokes(_PhotoModule):
    """Isophotes are continued into the hole like the stream lines of a fluid.

    Parameters
    ----------
    radius
        Pixels around each filled pixel that are averaged.

    References
    ----------
    M. Bertalmio, A. L. Bertozzi, G. Sapiro, Navier-Stokes, Fluid Dynamics, and Image and Video
    Inpainting, CVPR 2001.
    """

    name: ClassVar[str] = "navier-stokes"
    summary: ClassVar[str] = "isophotes continued as a fluid's stream lines (OpenCV)"
    algorithm: ClassVar[str] = "INPAINT_NS"
