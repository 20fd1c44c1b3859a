"""A method of one's own: the mean colour of the known pixels around the hole."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import cv2
import numpy as np
from pydantic import Field

from methods.base import Image, Inpainter, Mask


@dataclass(kw_only=True)
class MeanColour(Inpainter):
    """reach: how far from the hole pixels are averaged, in pixels."""

    name: ClassVar[str] = "mean-colour"
    summary: ClassVar[str] = "mean colour around the hole"
    requires: ClassVar[dict[str, str]] = {"cv2": "opencv-contrib-python"}

    reach: Annotated[int, Field(ge=1)] = 16

    def fill(self, image: Image, mask: Mask) -> Image:
        kernel = np.ones((2 * self.reach + 1, 2 * self.reach + 1), np.uint8)
        near = cv2.dilate(mask.astype(np.uint8), kernel) > 0
        raw = image.copy()
        raw[mask] = image[near & ~mask].mean(axis=0)
        return raw
