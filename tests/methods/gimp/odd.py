"""Methods that do what the worker must bear, by names of `package.module:Class`."""

from __future__ import annotations

import os
import sys
import time
from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from methods.base import Image, Inpainter, Mask, MethodError

# Where Slow tells that it has begun.
BEGUN = "GIMP_TEST_BEGUN"


@dataclass(kw_only=True)
class Counting(Inpainter):
    """Fills with the number of times that it was loaded in this process."""

    name: ClassVar[str] = "counting"
    summary: ClassVar[str] = "counts loads"
    loads: ClassVar[int] = 0

    def load(self) -> None:
        Counting.loads += 1

    def fill(self, image: Image, mask: Mask) -> Image:
        result = image.copy()
        result[mask] = Counting.loads
        return result


@dataclass(kw_only=True)
class Other(Counting):
    name: ClassVar[str] = "other"


@dataclass(kw_only=True)
class Third(Counting):
    name: ClassVar[str] = "third"


class _Failing(Inpainter):
    summary: ClassVar[str] = "fails"

    def fill(self, image: Image, mask: Mask) -> Image:
        raise self.error()

    @abstractmethod
    def error(self) -> BaseException:
        """What it fails with."""


class Failing(_Failing):
    name: ClassVar[str] = "failing"

    def error(self) -> BaseException:
        return MethodError("the hole\nis too strange")


class Crashing(_Failing):
    name: ClassVar[str] = "crashing"

    def error(self) -> BaseException:
        return ZeroDivisionError("by nothing")


class Leaving(_Failing):
    name: ClassVar[str] = "leaving"

    def error(self) -> BaseException:
        return SystemExit(3)


class PanicException(BaseException):  # as pyo3 names it
    def __str__(self) -> str:
        raise ValueError("no words")


class Panicking(_Failing):
    name: ClassVar[str] = "panicking"

    def error(self) -> BaseException:
        return PanicException()


class OutOfMemory(_Failing):
    name: ClassVar[str] = "out-of-memory"

    def error(self) -> BaseException:
        return MemoryError()


class GpuOutOfMemory(_Failing):
    name: ClassVar[str] = "gpu-out-of-memory"

    def error(self) -> BaseException:
        import torch

        return torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")


class Dying(Inpainter):
    """As when the kernel kills the worker for its memory."""

    name: ClassVar[str] = "dying"
    summary: ClassVar[str] = "dies"

    def fill(self, image: Image, mask: Mask) -> Image:
        os._exit(9)


class Slow(Inpainter):
    name: ClassVar[str] = "slow"
    summary: ClassVar[str] = "never ends"

    def fill(self, image: Image, mask: Mask) -> Image:
        Path(os.environ[BEGUN]).touch()
        time.sleep(600)
        return image


class Chatty(Counting):
    """Prints three megabytes on each stream."""

    name: ClassVar[str] = "chatty"

    def fill(self, image: Image, mask: Mask) -> Image:
        print("x" * 3 * 2**20, flush=True)
        print("y" * 3 * 2**20, file=sys.stderr, flush=True)
        return super().fill(image, mask)
