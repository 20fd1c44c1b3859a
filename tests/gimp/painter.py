"""Methods for the tests in GIMP, by names of `package.module:Class`."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from methods.base import Image, Inpainter, Mask

SHARED = "GIMP_TEST_SHARED"
COLOUR = (200, 100, 50)


@dataclass(kw_only=True)
class Painter(Inpainter):
    """Fills with one colour, and leaves what it was shown in a file."""

    name: ClassVar[str] = "painter"
    summary: ClassVar[str] = "one colour"

    def fill(self, image: Image, mask: Mask) -> Image:
        np.savez(Path(os.environ[SHARED]) / "shown.npz", image=image, mask=mask)
        return np.broadcast_to(np.array(COLOUR, np.uint8), image.shape)


@dataclass(kw_only=True)
class Slow(Inpainter):
    """Never ends; leaves a file when it has begun."""

    name: ClassVar[str] = "slow"
    summary: ClassVar[str] = "never ends"

    def fill(self, image: Image, mask: Mask) -> Image:
        (Path(os.environ[SHARED]) / "begun").touch()
        time.sleep(600)
        return image
