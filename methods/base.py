"""The interface of every inpainting method, and what all methods share.

Images are uint8 (H, W, 3) RGB, masks are bool (H, W) with True = hole, sizes are in pixels.
"""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

from methods.errors import MethodError, MissingRequirementError, TimeLimitError
from methods.foreign_code import error_message
from methods.known_pixels import (
    Image,
    Mask,
    blank,
    check_pair,
    check_raw,
    composite,
    known_pixels_changed,
)
from methods.libraries import distribution_of, extra_installation, installed_version
from methods.resolutions import Resolution

__all__ = [
    "Image",
    "Inpainter",
    "Mask",
    "MethodError",
    "MissingRequirementError",
    "Resolution",
    "TimeLimitError",
    "blank",
    "check_pair",
    "check_raw",
    "composite",
    "known_pixels_changed",
]


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
    summary: ClassVar[str] = ""
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
            bool (H, W), True = hole. Both are copies, which may be changed in place.

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
        # Of both a copy: methods may write into what they are given.
        raw = check_raw(self.fill(blank(image, mask), mask.copy()), image)
        return composite(image, raw, mask)

    def load(self) -> None:
        """Import and load what `fill` needs; called once per process and not timed.

        Raises
        ------
        MissingRequirementError
            If the method cannot run here; the message says what to do.
        """
        for module, package in self.requires.items():
            try:
                importlib.import_module(module)
            except (ImportError, OSError) as error:
                raise MissingRequirementError(
                    f"{self.name} cannot import {module} ({error_message(error)}): "
                    f"{self.installation(package)}"
                ) from None

    def check(self) -> None:  # noqa: B027, only methods with weights need it
        """Check files given as options; called once before a run.

        Raises
        ------
        MethodError
            If one is unusable.
        """

    def weights_used(self) -> dict[str, str]:
        """Return what the results depend on besides options and code.

        Returns
        -------
        dict
            Name of weights -> SHA-256 of their file, or "random"; empty without weights.
        """
        return {}

    def check_resolutions(self, resolutions: Sequence[Resolution]) -> None:  # noqa: B027, rarely needed
        """Check that there can be results for all resolutions of a run.

        Parameters
        ----------
        resolutions
            Sides in pixels, or "native".

        Raises
        ------
        ValueError
            If results, which are looked up by it, cannot be told apart.
        """

    def for_case(self, resolution: Resolution, image_name: str) -> Inpainter:
        """Return the inpainter of one case.

        Parameters
        ----------
        resolution
            Side in pixels, or "native".
        image_name
            The photograph's name in the run.

        Returns
        -------
        Inpainter
            Itself, unless results are looked up by name.
        """
        return self

    def options(self) -> dict[str, Any]:
        """Return the method's own options.

        Returns
        -------
        dict
            Name -> value, without the device.
        """
        return {
            item.name: getattr(self, item.name)
            for item in fields(self)
            if item.init and item.name != "device"
        }

    def settled_options(self) -> dict[str, Any]:
        """Return options whose value depends on what is on this machine.

        Returns
        -------
        dict
            Name -> value as settled here, so that other processes and machines do the same.
        """
        return {}

    def identity(self, resolution: Resolution, image_name: str) -> dict[str, Any]:
        """Return everything, besides the pixels, that the result of a case depends on.

        Parameters
        ----------
        resolution
            Side in pixels, or "native".
        image_name
            The photograph's name in the run.

        Returns
        -------
        dict
            Plain values for JSON. When any of them has changed the case runs again.
        """
        return {
            "method": self.name,
            "version": self.version,
            "options": self.options(),
            "libraries": self.libraries(),
        }

    @classmethod
    def libraries(cls) -> dict[str, str]:
        """Return the versions of everything in `requires`.

        Returns
        -------
        dict
            Distribution -> installed version.

        Raises
        ------
        MissingRequirementError
            If one is not installed.
        """
        versions: dict[str, str] = {}
        for module, package in cls.requires.items():
            installed = distribution_of(module, package)
            if installed is None:
                raise MissingRequirementError(
                    f"{cls.name} needs {package}: {cls.installation(package)}"
                )
            versions[installed] = installed_version(installed)
        return versions

    @classmethod
    def installation(cls, package: str) -> str:
        """Return the command that installs a package.

        Parameters
        ----------
        package
            One of the distributions in `requires`.

        Returns
        -------
        str
            For a shell.
        """
        return extra_installation(cls.extra) if cls.extra else f"pip install {package}"
