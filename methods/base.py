"""The interface of every inpainting method, and what all methods share.

Images are uint8 (H, W, 3) RGB, masks are bool (H, W) with True = hole, sizes are in pixels.
"""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from functools import cache
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as distribution_version
from typing import Any, ClassVar, Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from methods.errors import MethodError, MissingRequirementError
from methods.errors import TimeLimitError as TimeLimitError

Image = NDArray[np.uint8]
Mask = NDArray[np.bool_]

# The side of a square case in pixels, or each photograph at its own size.
Resolution = int | Literal["native"]
NATIVE: Final = "native"

# The published test inputs of Moskalenko et al. 2020 are black under the hole.
BLANK = 0
# In the messages of PyTorch, OpenCV and the C++ runtime.
OUT_OF_MEMORY = ("insufficient memory", "can't allocate memory", "not enough memory", "bad_alloc")


def size_text(resolution: Resolution) -> str:
    """Return a resolution for a sentence, such as "1024 px"."""
    return f"{resolution} px" if resolution != NATIVE else "native size"


def sizes_text(resolutions: Sequence[Resolution]) -> str:
    """Return resolutions for a sentence, such as "1024, 2048 px"."""
    *others, last = resolutions
    return ", ".join([*map(str, others), size_text(last)])


def blank(image: Image, mask: Mask) -> Image:
    """Return a copy of the image with black pixels in the hole."""
    return cv2.copyTo(image, _as_uint8(~mask), np.full_like(image, BLANK))


def composite(image: Image, raw: Image, mask: Mask) -> Image:
    """Return the pixels of `raw` inside the hole and those of `image`, bit for bit, outside."""
    return cv2.copyTo(raw, _as_uint8(mask), image.copy())


def known_pixels_changed(image: Image, raw: Image, mask: Mask) -> int:
    """Return how many pixels outside the hole differ between two images in any channel."""
    # Most methods change none, which OpenCV detects thirty times faster than numpy counts.
    if cv2.norm(image, raw, cv2.NORM_L1, _as_uint8(~mask)) == 0:
        return 0
    return int(np.count_nonzero((image != raw).any(axis=2) & ~mask))


def _as_uint8(mask: Mask) -> NDArray[np.uint8]:
    """Return a mask in OpenCV's type, without copying where that is possible."""
    return np.ascontiguousarray(mask).view(np.uint8)


def check_pair(image: Image, mask: Mask) -> None:
    """Raise ValueError unless the image is uint8 (H, W, 3) and the mask bool (H, W) of the same
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
    """Return `raw` unchanged; raise MethodError unless it is uint8 of the image's shape."""
    if not isinstance(raw, np.ndarray) or raw.dtype != np.uint8 or raw.shape != image.shape:
        actual = f"{raw.dtype} {raw.shape}" if isinstance(raw, np.ndarray) else type(raw).__name__
        raise MethodError(f"returned {actual} where uint8 {image.shape} was expected")
    return raw


@dataclass(kw_only=True)
class Inpainter(ABC):
    """An inpainting method.

    A subclass is a dataclass whose fields are the method's options. To add a method to the suite,
    write one file in `methods/` with one subclass that sets `name` (a string literal: methods are
    listed by parsing the files, not by importing them) and `summary`, and implements `fill`.

    Parameters
    ----------
    device
        Where the method runs: "auto" (a GPU if there is one), "cpu", "cuda", "cuda:1"...
    """

    #: A string literal, which `create` and tables use.
    name: ClassVar[str]
    #: A string literal, for `python -m methods list`.
    summary: ClassVar[str]
    #: Module to import -> distribution to `pip install` for it.
    requires: ClassVar[dict[str, str]] = {}
    #: The optional extra of this project that installs `requires`, if there is one.
    extra: ClassVar[str] = ""
    #: The option that NAME:VALUE sets, such as "stage_one" of two-stage:telea, if there is one.
    option_after_colon: ClassVar[str] = ""
    #: Increase it whenever a change of the adapter changes results; finished cases then run again.
    version: ClassVar[int] = 1
    #: False if `fill` computes nothing itself, so that seconds and memory mean nothing.
    measures_cost: ClassVar[bool] = True
    #: Rough seconds per megapixel on two CPU cores, for estimates before the method has run.
    typical_seconds: ClassVar[float | None] = None
    #: False if `device` has no effect, so that no GPU is reserved.
    uses_device: ClassVar[bool] = True

    device: str = "auto"

    # Set by `fill` when it runs an external program: what that printed, and its own peak memory in
    # MB (2**20 bytes), which is not part of this process's.
    log: str = field(default="", init=False, repr=False, compare=False)
    peak_memory_mb: float | None = field(default=None, init=False, repr=False, compare=False)
    # Set by `fill` where it reads a file for the case: the SHA-256 of what it has read.
    read_sha256: str = field(default="", init=False, repr=False, compare=False)

    @property
    def note(self) -> str:
        """Text to print under every table with this method; usually empty."""
        return ""

    @property
    def remark(self) -> str:
        """Words to print after the method's name in every table; usually empty."""
        return ""

    @abstractmethod
    def fill(self, image: Image, mask: Mask) -> Image:
        """Return the raw result; `inpaint` then restores the known pixels.

        Parameters
        ----------
        image
            uint8 (H, W, 3) RGB, 0-255. Pixels under the mask must not be read.
        mask
            bool (H, W), True = hole.

        Returns
        -------
        ndarray
            uint8 (H, W, 3) RGB. Pixels outside the hole may differ from `image`.
        """

    def inpaint(self, image: Image, mask: Mask) -> Image:
        """Return the image with its hole filled.

        Parameters
        ----------
        image
            uint8 (H, W, 3) RGB, 0-255. Pixels under the mask have no influence.
        mask
            bool (H, W), True = hole; at least one pixel is hole and one is known.

        Returns
        -------
        ndarray
            uint8 (H, W, 3) RGB. Pixels outside the hole equal those of `image`.

        Raises
        ------
        ValueError
            If image or mask has another type or shape, or the mask is empty or full.
        MethodError
            If the method fails.
        """
        check_pair(image, mask)
        raw = check_raw(self.fill(blank(image, mask), mask), image)
        return composite(image, raw, mask)

    def load(self) -> None:
        """Import and load what `fill` needs; called once per process and not timed.

        Raise MissingRequirementError, whose message says what to do, if the method cannot run here.
        """
        for module, package in self.requires.items():
            try:
                importlib.import_module(module)
            except (ImportError, OSError) as error:
                raise MissingRequirementError(
                    f"{self.name} cannot import {module} ({error}): {self.installation(package)}"
                ) from None

    def check(self) -> None:  # noqa: B027, only methods with weights need it
        """Raise MethodError if a file given as an option is unusable; called once before a run."""

    def weights_used(self) -> dict[str, str]:
        """Return weights name -> SHA-256 of the file, or "random"; empty without weights."""
        return {}

    def check_resolutions(self, resolutions: Sequence[Resolution]) -> None:  # noqa: B027, rarely needed
        """Raise ValueError if results cannot be looked up for all of these resolutions (pixels)."""

    def for_case(self, resolution: Resolution, image_name: str) -> Inpainter:
        """Return the inpainter of one case; differs only if results are looked up by name."""
        return self

    def options(self) -> dict[str, Any]:
        """Return the method's own options, without the device."""
        return {
            item.name: getattr(self, item.name)
            for item in fields(self)
            if item.init and item.name != "device"
        }

    def settled_options(self) -> dict[str, Any]:
        """Return options whose value depends on what is on this machine, as they were settled here,
        so that other processes and machines do the same."""
        return {}

    def identity(self, resolution: Resolution, image_name: str) -> dict[str, Any]:
        """Return everything, besides the pixels, that the result of a case depends on.

        The benchmark runs a case again when any of these values has changed.
        """
        return {
            "method": self.name,
            "version": self.version,
            "options": self.options(),
            "libraries": self.libraries(),
        }

    @classmethod
    def libraries(cls) -> dict[str, str]:
        """Return distribution -> installed version of everything in `requires`.

        Raise MissingRequirementError if one is not installed.
        """
        try:
            return {package: _installed_version(package) for package in cls.requires.values()}
        except PackageNotFoundError as error:
            raise MissingRequirementError(
                f"{cls.name} needs {error.name}: {cls.installation(str(error.name))}"
            ) from None

    @classmethod
    def installation(cls, package: str) -> str:
        """Return the command that installs one of the packages in `requires`."""
        return f"pip install .[{cls.extra}]" if cls.extra else f"pip install {package}"


@cache
def _installed_version(distribution: str) -> str:
    # Cached because it reads files and is needed for every case.
    return distribution_version(distribution)


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether a method failed because the memory of the machine or its GPU ran out."""
    # PyTorch and OpenCV define their own errors, but this module must not import PyTorch.
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    message = str(error).lower()
    return any(phrase in message for phrase in OUT_OF_MEMORY)
