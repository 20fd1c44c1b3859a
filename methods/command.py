"""Any program as a method: image and mask in, result out."""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import signal
import string
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import Field

from methods.base import Image, Inpainter, Mask, MethodError
from methods.images import ImageFileError, read_rgb, write_png

PLACEHOLDERS = {"image", "mask", "result"}


@dataclass(kw_only=True)
class Command(Inpainter):
    """template: a command line with {image}, {mask} and {result}. It is split as by a shell but
    run without one, in a scratch folder; names of existing files may be relative to the current
    folder. The program gets an RGB PNG with the hole black and a mask PNG (255 = hole) and writes
    a PNG of the same size. time_limit: seconds for one image; after it the program and what it
    has started are killed. Raises ValueError for a template that cannot work."""

    name: ClassVar[str] = "command"
    summary: ClassVar[str] = "any program: image and mask in, result out"

    template: str
    time_limit: Annotated[float, Field(gt=0)] = 3600.0
    _arguments: list[str] = field(default_factory=list, init=False, repr=False)

    def __post_init__(self) -> None:
        self._arguments = _split(self.template)

    def identity(self, resolution: int, image_name: str) -> dict[str, Any]:
        """With the bytes of every file that the template names: a changed program runs again."""
        files = {
            argument: hashlib.sha256(Path(argument).read_bytes()).hexdigest()
            for argument in self._arguments
            if Path(argument).is_file()
        }
        return {**super().identity(resolution, image_name), "files": files}

    def fill(self, image: Image, mask: Mask) -> Image:
        with tempfile.TemporaryDirectory(prefix="inpainting-") as scratch:
            paths = {name: Path(scratch) / f"{name}.png" for name in PLACEHOLDERS}
            write_png(paths["image"], image)
            write_png(paths["mask"], mask)
            values = {name: str(path) for name, path in paths.items()}
            arguments = [argument.format(**values) for argument in self._arguments]
            self._run(arguments, Path(scratch))
            return self._read(paths["result"], image)

    def _run(self, arguments: list[str], scratch: Path) -> None:
        with (scratch / "log.txt").open("wb") as log:
            process = subprocess.Popen(
                arguments,
                cwd=scratch,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        stopped = threading.Event()

        def stop() -> None:
            stopped.set()
            os.killpg(process.pid, signal.SIGKILL)

        timer = threading.Timer(self.time_limit, stop)
        timer.start()
        # wait4, unlike wait, tells the program's own peak memory.
        _, status, usage = os.wait4(process.pid, 0)
        timer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        # Kilobytes on Linux, bytes on macOS.
        self.peak_memory_mb = usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 1024)
        self.log = (scratch / "log.txt").read_text(errors="replace")
        if stopped.is_set():
            raise MethodError(f"time limit of {self.time_limit:g} s reached", self.log)
        if process.returncode:
            lines = self.log.strip().splitlines()
            said = f": {lines[-1]}" if lines else ""
            raise MethodError(f"{_ending(process.returncode)}{said}", self.log)

    def _read(self, path: Path, image: Image) -> Image:
        if not path.exists():
            raise MethodError("the program wrote no result to {result}", self.log)
        try:
            result = read_rgb(path)
        except ImageFileError as error:
            raise MethodError(f"result cannot be read: {error}", self.log) from None
        if result.shape != image.shape:
            raise MethodError(
                f"result is {result.shape[1]}x{result.shape[0]}, the image "
                f"{image.shape[1]}x{image.shape[0]}",
                self.log,
            )
        return result


def _ending(returncode: int) -> str:
    if returncode < 0:
        return f"program killed by {signal.Signals(-returncode).name}"
    return f"program ended with exit status {returncode}"


def _split(template: str) -> list[str]:
    """Arguments with their placeholders, programs and files found. Raises ValueError."""
    try:
        arguments = shlex.split(template)
        named = {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}
    except ValueError as error:
        raise ValueError(f"template {template!r}: {error}") from None
    if not arguments:
        raise ValueError("template is empty; write a command with {image}, {mask} and {result}")
    if named != PLACEHOLDERS:
        wrong = ", ".join(f"{{{name}}}" for name in sorted(named ^ PLACEHOLDERS))
        raise ValueError(
            f"template {template!r}: needs {{image}}, {{mask}} and {{result}} and no other "
            f"placeholder; wrong or missing: {wrong} (write {{{{ and }}}} for plain braces)"
        )
    program = shutil.which(arguments[0])
    if program is None:
        raise ValueError(f"template {template!r}: program {arguments[0]!r} not found")
    rest = [
        str(Path(argument).resolve()) if Path(argument).is_file() else argument
        for argument in arguments[1:]
    ]
    return [str(Path(program).absolute()), *rest]
