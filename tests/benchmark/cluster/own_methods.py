"""Methods by which tests steer what workers live through."""

from __future__ import annotations

import os
import resource
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from methods.base import Image, Inpainter, Mask, MissingRequirementError


@dataclass(kw_only=True)
class Waiting(Inpainter):
    """Fills grey once `folder` holds a file "go", or a file "one", which only one of them takes
    away; tells of every start by a file of its own."""

    name: ClassVar[str] = "waiting"
    summary: ClassVar[str] = "waits to be told"
    uses_device: ClassVar[bool] = False

    folder: str

    def fill(self, image: Image, mask: Mask) -> Image:
        started = Path(self.folder) / f"started-{os.getpid()}-{time.monotonic_ns()}"
        started.touch()
        while not ((Path(self.folder) / "go").exists() or self._chosen()):
            time.sleep(0.02)
        return np.full_like(image, 128)

    def _chosen(self) -> bool:
        try:
            (Path(self.folder) / "one").unlink()
        except FileNotFoundError:
            return False
        return True


@dataclass(kw_only=True)
class Deadly(Inpainter):
    """Kills the worker it runs on, for the image whose top left pixel is bright, as a system does
    that runs out of memory; on workers that grant less than `least_mb` it tells so instead."""

    name: ClassVar[str] = "deadly"
    summary: ClassVar[str] = "kills its worker"
    uses_device: ClassVar[bool] = False

    folder: str
    least_mb: int = 0

    def fill(self, image: Image, mask: Mask) -> Image:
        if image[0, 0, 0] > 128:
            granted, _ = resource.getrlimit(resource.RLIMIT_DATA)
            if 0 <= granted < self.least_mb << 20:
                raise MemoryError
            (Path(self.folder) / f"killed-{os.getppid()}").touch()
            os.kill(os.getppid(), signal.SIGKILL)
            time.sleep(60)
        return np.full_like(image, 128)


@dataclass(kw_only=True)
class Traced(Inpainter):
    """Takes a GPU, where there is one, and leaves word of it in `folder`."""

    name: ClassVar[str] = "traced"
    summary: ClassVar[str] = "tells where it ran"

    folder: str

    def fill(self, image: Image, mask: Mask) -> Image:
        begin = time.monotonic_ns()
        time.sleep(0.1)
        told = f"traced-{self.device}-{os.getppid()}-{begin}-{time.monotonic_ns()}"
        (Path(self.folder) / told).touch()
        return np.full_like(image, 128)


@dataclass(kw_only=True)
class Needy(Inpainter):
    """Runs where there is no BROKEN in the environment."""

    name: ClassVar[str] = "needy"
    summary: ClassVar[str] = "needs what is not everywhere"
    uses_device: ClassVar[bool] = False

    def load(self) -> None:
        if "BROKEN" in os.environ:
            raise MissingRequirementError("needy needs a driver: install one")

    def fill(self, image: Image, mask: Mask) -> Image:
        return np.full_like(image, 128)
