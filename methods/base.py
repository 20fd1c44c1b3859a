"""What every inpainting method is: `fill` from the adapter, everything common from here.

Conventions at every boundary: an image is uint8 (H, W, 3) RGB, a mask is bool (H, W) with
True = hole, sizes are pixels.
"""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from dataclasses import dataclass, field, fields
from functools import cache
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as distribution_version
from typing import Any, ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Mask = NDArray[np.bool_]

# As the published test inputs of Moskalenko et al. 2020, which are black under the hole.
BLANK = 0


class MethodError(Exception):
    """A method could not make a result. `log` holds what the method printed, if anything."""

    def __init__(self, message: str, log: str = "") -> None:
        super().__init__(message)
        self.log = log


class TimeLimitError(MethodError):
    """The method's own time limit was reached."""


class MissingRequirementError(MethodError):
    """The method cannot run on this machine yet; the message says what to install or fetch."""


def blank(image: Image, mask: Mask) -> Image:
    """Copy of `image` with the hole black, so that no method can look at what it must invent."""
    return cv2.copyTo(image, _bytes(~mask), np.full_like(image, BLANK))


def composite(image: Image, raw: Image, mask: Mask) -> Image:
    """`raw` inside the hole, `image` outside: known pixels are returned bit for bit."""
    return cv2.copyTo(raw, _bytes(mask), image.copy())


def known_pixels_changed(image: Image, raw: Image, mask: Mask) -> int:
    """How many pixels outside the hole differ from `image` in any channel."""
    # Most methods change none, which OpenCV tells thirty times faster than numpy counts.
    if cv2.norm(image, raw, cv2.NORM_L1, _bytes(~mask)) == 0:
        return 0
    return int(np.count_nonzero((image != raw).any(axis=2) & ~mask))


def _bytes(mask: Mask) -> NDArray[np.uint8]:
    """A mask as OpenCV takes it, without copying where that is possible."""
    return np.ascontiguousarray(mask).view(np.uint8)


def check_pair(image: Image, mask: Mask) -> None:
    """Raise ValueError unless `image` is uint8 (H, W, 3) and `mask` bool (H, W) of the same
    size with at least one hole pixel and one known pixel."""
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"image must be uint8 (H, W, 3) RGB, is {image.dtype} {image.shape}")
    if mask.dtype != np.bool_ or mask.shape != image.shape[:2]:
        raise ValueError(
            f"mask must be bool {image.shape[:2]}, True = hole, is {mask.dtype} {mask.shape}"
        )
    if not mask.any():
        raise ValueError("mask is empty: there is nothing to fill")
    if mask.all():
        raise ValueError("mask covers the whole image: nothing is known to fill from")


def check_raw(raw: object, image: Image) -> Image:
    """`raw` unchanged if it is uint8 and shaped like `image`, else MethodError."""
    if not isinstance(raw, np.ndarray) or raw.dtype != np.uint8 or raw.shape != image.shape:
        found = f"{raw.dtype} {raw.shape}" if isinstance(raw, np.ndarray) else type(raw).__name__
        raise MethodError(f"returned {found} where uint8 {image.shape} was expected")
    return raw


@dataclass(kw_only=True)
class Inpainter(ABC):
    """A method. Subclasses are dataclasses: their fields are the method's options.

    To add one, write one file in `methods/` with one subclass that sets `name` (as a string
    literal: methods are found by reading the files, not by importing them) and has `fill`.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    # Importable module -> what to `pip install` for it.
    requires: ClassVar[dict[str, str]] = {}
    # Raise it whenever a change of the adapter changes results: finished cases are run again.
    version: ClassVar[int] = 1
    # False where `fill` does no computing of its own, so that seconds and memory mean nothing.
    measures_cost: ClassVar[bool] = True
    # False where `device` changes nothing, so that no GPU need be kept for it.
    uses_device: ClassVar[bool] = True

    device: str = "auto"

    # Set by `fill` where there is something to tell: what an outside program printed, and its
    # own peak memory in MB (2**20 bytes), which this process's would not show.
    log: str = field(default="", init=False, repr=False, compare=False)
    peak_memory_mb: float | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def note(self) -> str:
        """What must stand under every table with this method; usually nothing."""
        return ""

    @property
    def remark(self) -> str:
        """A few words that must stand behind the method's name in every table; usually none."""
        return ""

    @abstractmethod
    def fill(self, image: Image, mask: Mask) -> Image:
        """Raw result, uint8 (H, W, 3) RGB of the image's size. Known pixels may differ from
        `image`; pixels of `image` under the mask must not be read."""

    def inpaint(self, image: Image, mask: Mask) -> Image:
        """`image` with its hole filled; known pixels come back bit for bit.

        image: uint8 (H, W, 3) RGB; mask: bool (H, W), True = hole; result like `image`.
        Raises ValueError on a wrong pair, MethodError when the method fails.
        """
        check_pair(image, mask)
        raw = check_raw(self.fill(blank(image, mask), mask), image)
        return composite(image, raw, mask)

    def load(self) -> None:
        """Import and load what `fill` needs: called once in a process, outside the timing.

        Raises MissingRequirementError, with the remedy, if the method cannot run here."""
        for module, package in self.requires.items():
            try:
                importlib.import_module(module)
            except (ImportError, OSError) as error:
                raise MissingRequirementError(
                    f"{self.name} cannot import {module} ({error}): pip install {package}"
                ) from None

    def check(self) -> None:  # noqa: B027, only methods with weights need it
        """Raise MethodError if a file that the method was given is not what it should be; called
        once, before a run begins."""

    def weights_used(self) -> dict[str, str]:
        """Name of weights -> SHA-256 of the file, or "random"; empty for methods without."""
        return {}

    def check_resolutions(self, resolutions: list[int]) -> None:  # noqa: B027, rarely needed
        """Raise ValueError if a run at these resolutions (pixels) cannot be meant; only methods
        that look results up by resolution mind."""

    def for_case(self, resolution: int, image_name: str) -> Inpainter:
        """The inpainter for one case; only methods that look results up by name differ."""
        return self

    def options(self) -> dict[str, Any]:
        """The method's own options, without where it runs."""
        return {
            item.name: getattr(self, item.name)
            for item in fields(self)
            if item.init and item.name != "device"
        }

    def identity(self, resolution: int, image_name: str) -> dict[str, Any]:
        """What the result of a case depends on besides its pixels: a change of anything in
        here makes the benchmark run the case again."""
        return {
            "method": self.name,
            "version": self.version,
            "options": self.options(),
            "libraries": self.libraries(),
        }

    @classmethod
    def libraries(cls) -> dict[str, str]:
        """Distribution -> installed version of what the method computes with.

        Raises MissingRequirementError if one is not installed."""
        try:
            return {package: _installed(package) for package in cls.requires.values()}
        except PackageNotFoundError as error:
            raise MissingRequirementError(
                f"{cls.name} needs {error.name}: pip install {error.name}"
            ) from None


@cache
def _installed(distribution: str) -> str:
    """Its version: found by reading files, which no run should do for each of its cases."""
    return distribution_version(distribution)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a method failed because memory ran out, of the machine or of its GPU."""
    # torch and OpenCV have errors of their own for it; neither may be imported here to ask.
    text = str(error).lower()
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or "insufficient memory" in text
        or "can't allocate memory" in text
        or "not enough memory" in text
        or "bad_alloc" in text
    )
