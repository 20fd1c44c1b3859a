"""Methods without weights that OpenCV implements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np

from methods.base import Image, Inpainter, Mask

OPENCV = {"cv2": "opencv-contrib-python"}


@dataclass(kw_only=True)
class Telea(Inpainter):
    """A. Telea, An Image Inpainting Technique Based on the Fast Marching Method, 2004."""

    name: ClassVar[str] = "telea"
    summary: ClassVar[str] = "fast marching (OpenCV)"
    requires: ClassVar[dict[str, str]] = OPENCV

    radius: float = 3.0

    def fill(self, image: Image, mask: Mask) -> Image:
        return cv2.inpaint(image, mask.astype(np.uint8), self.radius, cv2.INPAINT_TELEA)
