"""A stand-in for GIMP, and the plug-in's own client."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from tests.paths import ROOT

PLUG_IN = ROOT / "plugins" / "gimp" / "inpaint_selection"
sys.path.append(str(PLUG_IN))  # the plug-in's modules find each other by their bare names

from environment import Environment  # noqa: E402
from worker_client import Worker  # noqa: E402

ENVIRONMENT = Environment(Path(sys.executable), ROOT, "1.2.3")
ODD = "tests.methods.gimp.odd"
SIZE = (40, 30)  # width, height


def wait_until(condition: Callable[[], object], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def silent(fraction: float | None, text: str) -> None:
    """Progress that nobody looks at."""


def scene() -> tuple[bytes, bytes]:
    """RGB and mask of `SIZE`: a slope with a hole of 5 by 4 pixels."""
    width, height = SIZE
    rgb = np.arange(width * height * 3, dtype=np.uint32) % 251
    mask = np.zeros((height, width), np.uint8)
    mask[10:14, 20:25] = 255
    return rgb.astype(np.uint8).tobytes(), mask.tobytes()


class FakeGimp:
    """A process that does nothing, with a private folder for its worker."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        self.folder = folder
        self.worker = Worker(ENVIRONMENT, folder, self.process.pid)

    @property
    def state(self) -> Path:
        return self.folder / f"gimp-{self.process.pid}.json"

    def told(self) -> dict[str, Any]:
        return dict(json.loads(self.state.read_text()))

    def fill(self, method: str, device: str = "cpu") -> np.ndarray:
        rgb, mask = scene()
        result = self.worker.fill(method, device, SIZE, rgb, mask, silent)
        return np.frombuffer(result, np.uint8).reshape(SIZE[1], SIZE[0], 3)

    def quit(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Private, and with a path short enough for a socket."""
    made = tmp_path_factory.mktemp("g")
    made.chmod(0o700)
    return made


@pytest.fixture
def start_gimp(folder: Path) -> Iterator[Callable[[], FakeGimp]]:
    """Starts stand-ins; all end with the test, and so do their workers."""
    started: list[FakeGimp] = []

    def start() -> FakeGimp:
        started.append(FakeGimp(folder))
        return started[-1]

    yield start
    for gimp in started:
        with contextlib.suppress(OSError, ValueError, psutil.NoSuchProcess):
            psutil.Process(gimp.told()["pid"]).kill()
        gimp.quit()


@pytest.fixture
def gimp(start_gimp: Callable[[], FakeGimp]) -> FakeGimp:
    return start_gimp()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeGimp]:
    """One for all tests of a module that do not end its worker."""
    made = tmp_path_factory.mktemp("g")
    made.chmod(0o700)
    gimp = FakeGimp(made)
    yield gimp
    pid = gimp.told()["pid"]
    gimp.quit()
    wait_until(lambda: is_gone(pid))


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def in_another_process(code: str, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    """A client of its own, as GIMP starts one for every call."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        text=True,
    )
