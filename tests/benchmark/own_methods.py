"""Methods that go right or wrong in every way that a runner must survive."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from methods.base import Image, Inpainter, Mask, MethodError, MissingRequirementError


class PanicException(BaseException):  # as pyo3 names it
    """As what Rust raises."""


class UnprintableError(Exception):
    def __str__(self) -> str:
        raise ValueError("no words")


class NoLogError(MethodError):
    def __init__(self) -> None:
        pass


@dataclass(kw_only=True)
class Grey(Inpainter):
    """Fills the hole with one value and may brighten what is known."""

    name: ClassVar[str] = "grey"
    summary: ClassVar[str] = "one grey value"

    value: int = 128
    brighten: int = 0
    seconds: float = 0.0

    def fill(self, image: Image, mask: Mask) -> Image:
        time.sleep(self.seconds)
        raw = np.clip(image.astype(int) + self.brighten, 0, 255).astype(np.uint8)
        raw[mask] = self.value
        return raw


@dataclass(kw_only=True)
class Bad(Inpainter):
    """Does what `how` says, for images whose top left pixel is bright; fills grey otherwise."""

    name: ClassVar[str] = "bad"
    summary: ClassVar[str] = "misbehaves"

    how: str

    def fill(self, image: Image, mask: Mask) -> Image:
        if image[0, 0, 0] < 128:
            return np.full_like(image, 128)
        print(f"about to be {self.how}")
        if self.how == "raise":
            raise RuntimeError("the network\nhas diverged")
        # As SuperLU does when memory runs out, after saying so.
        if self.how in {"segfault", "malloc fails"}:
            os.kill(os.getpid(), signal.SIGSEGV)
        if self.how == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.how == "exit":
            sys.exit(5)
        if self.how == "panic":
            raise PanicException("index out of range")
        if self.how == "interrupt":
            raise KeyboardInterrupt
        if self.how == "unprintable":
            raise UnprintableError
        if self.how == "closes its output":
            sys.stdout.close()
            sys.stderr.close()
            raise RuntimeError("closed")
        if self.how == "no output":
            sys.stdout = sys.stderr = None  # type: ignore[assignment]
            raise RuntimeError("gone")
        if self.how == "odd log":
            raise MethodError("odd", log="\udcff")
        if self.how == "no log":
            raise NoLogError
        if self.how == "ends well":
            sys.stdout.flush()
            os._exit(0)
        if self.how == "hang":
            signal.pause()
        if self.how.startswith("leaves"):
            signal.signal(signal.SIGTERM, signal.SIG_IGN)  # what it starts ignores it, too
            left = subprocess.Popen(["sleep", "600"])
            print(f"sleep is {left.pid}", flush=True)
            if self.how == "leaves and hangs":
                signal.pause()
            if self.how == "leaves and ends":
                os._exit(3)
            return np.full_like(image, 128)
        if self.how == "greedy":
            np.ones(5 * 2**28, np.uint8)
            return np.full_like(image, 128)
        if self.how == "memory":
            np.empty(2**50, np.uint8)
        if self.how == "shape":
            return image[:-1]
        if self.how == "float":
            return image / np.float32(255)  # type: ignore[return-value]
        if self.how == "method-error":
            raise MethodError("the program said no", log="no, said the program")
        raise MissingRequirementError("bad needs a part: pip install part")


@dataclass(kw_only=True)
class Greedy(Inpainter):
    """Touches `megabytes` of memory while it fills."""

    name: ClassVar[str] = "greedy"
    summary: ClassVar[str] = "uses memory"

    megabytes: int

    def fill(self, image: Image, mask: Mask) -> Image:
        np.ones(self.megabytes * 2**20, np.uint8)
        return np.full_like(image, 128)
