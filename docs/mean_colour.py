"""A method of your own: the mean colour of the known pixels around the hole."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import cv2
import numpy as np
from pydantic import Field

from methods.base import Image, Inpainter, Mask


@dataclass(kw_only=True)
class MeanColour(Inpainter):
    """Fill the hole with the mean colour of the known pixels around it.

    Parameters
    ----------
    reach
        Distance from the hole, in pixels, up to which known pixels are averaged.
    """

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
