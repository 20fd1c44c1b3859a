"""Any program as a method: image and mask in, result out."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar, NoReturn

from pydantic import Field

from methods.base import Image, Inpainter, Mask, MethodError, TimeLimitError, blank
from methods.files import sha256
from methods.images import ImageFileError, read_rgb, write_png

PLACEHOLDERS = {"image", "mask", "result"}
LAUNCHER = Path(__file__).with_name("run_program.py")
# Of what a program prints, this much of the end is kept.
LOG_BYTES = 2**18


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
    time_limit: Annotated[float, Field(gt=0, le=1e7)] = 3600.0
    _arguments: list[str] = field(default_factory=list, init=False, repr=False)

    def __post_init__(self) -> None:
        self._arguments = _split(self.template)

    def identity(self, resolution: int, image_name: str) -> dict[str, Any]:
        """With the bytes of every file that the template names, the program included: a changed
        one is run again. Results do not depend on the time limit."""
        files = [path for path in map(_named_file, self._arguments) if path.is_file()]
        return {
            **super().identity(resolution, image_name),
            "options": {"template": self.template},
            "files": [sha256(path) for path in files],
        }

    def fill(self, image: Image, mask: Mask) -> Image:
        self.log, self.peak_memory_mb = "", None
        with tempfile.TemporaryDirectory(prefix="inpainting-") as folder:
            scratch = Path(folder)
            write_png(scratch / "image.png", blank(image, mask))
            write_png(scratch / "mask.png", mask)
            self._run(scratch)
            return self._result(scratch, image)

    def _run(self, scratch: Path) -> None:
        paths = {f"{{{name}}}": str(scratch / f"{name}.png") for name in PLACEHOLDERS}
        pattern = "|".join(map(re.escape, paths))
        arguments = [
            re.sub(pattern, lambda found: paths[found[0]], argument) for argument in self._arguments
        ]
        report, out, err = (scratch / f".{name}" for name in ("report", "stdout", "stderr"))
        launcher = [sys.executable, "-I", "-S", str(LAUNCHER), str(report), f"{self.time_limit}"]
        with (
            out.open("wb") as stdout,
            err.open("wb") as stderr,
            subprocess.Popen(
                [*launcher, *arguments],
                cwd=scratch,
                stdin=subprocess.PIPE,
                stdout=stdout,
                stderr=stderr,
                # Ctrl-C must not end the launcher before it has ended the program.
                start_new_session=True,
            ) as process,
        ):
            process.wait()
        self.log = _tail(out) + _tail(err)
        if not report.exists():
            self._fail("the program's launcher was killed", scratch)
        outcome = json.loads(report.read_text(encoding="utf-8"))
        if "error" in outcome:
            self._fail(f"program {arguments[0]} cannot be started: {outcome['error']}", scratch)
        self.peak_memory_mb = outcome["peak_memory_mb"]
        if outcome["stopped"]:
            raise TimeLimitError(f"time limit of {self.time_limit:g} s reached", self.log)
        if outcome["exit_status"] != 0:
            last = (_tail(err).strip() or self.log.strip()).splitlines()[-1:]
            self._fail(": ".join([_ending(outcome["exit_status"]), *last]), scratch)

    def _result(self, scratch: Path, image: Image) -> Image:
        path = scratch / "result.png"
        if not path.exists():
            self._fail("the program wrote no result to {result}", scratch)
        try:
            result = read_rgb(path)
        except ImageFileError as error:
            self._fail(f"result cannot be read: {error}", scratch)
        if result.shape != image.shape:
            (height, width), (wanted_height, wanted_width) = result.shape[:2], image.shape[:2]
            self._fail(
                f"result is {width}x{height}, the image {wanted_width}x{wanted_height}", scratch
            )
        return result

    def _fail(self, message: str, scratch: Path) -> NoReturn:
        # The scratch folder has another name every time, and messages end up in tables.
        raise MethodError(message.replace(f"{scratch}/", ""), self.log)


def _ending(exit_status: int) -> str:
    if exit_status < 0:
        return f"program killed by {signal.Signals(-exit_status).name}"
    return f"program ended with exit status {exit_status}"


def _split(template: str) -> list[str]:
    """Arguments with the program and existing files as absolute paths. Raises ValueError."""
    try:
        arguments = shlex.split(template)
    except ValueError as error:
        raise ValueError(f"template {template!r}: {error}") from None
    if not arguments:
        raise ValueError("template is empty; write a command with {image}, {mask} and {result}")
    named = set(re.findall(r"\{(\w*)\}", " ".join(arguments)))
    if named != PLACEHOLDERS:
        wrong = ", ".join(f"{{{name}}}" for name in sorted(named ^ PLACEHOLDERS))
        raise ValueError(
            f"template {template!r}: needs {{image}}, {{mask}} and {{result}} and no other "
            f"placeholder; wrong or missing: {wrong}"
        )
    program = shutil.which(arguments[0])
    if program is None:
        raise ValueError(
            f"template {template!r}: program {arguments[0]!r} not found; install it, or write "
            "its path (./NAME in the current folder) and make it executable"
        )
    return [str(Path(program).absolute()), *map(_located, arguments[1:])]


def _located(argument: str) -> str:
    """`argument`, or the right side of `--key=argument`, absolute if it is an existing path."""
    key, equals, value = argument.rpartition("=")
    path = Path(value)
    # A plain word that is also the name of a folder is more likely just a word.
    if path.is_file() or ("/" in value and path.is_dir()):
        return f"{key}{equals}{path.absolute()}"
    return argument


def _named_file(argument: str) -> Path:
    return Path(argument.rpartition("=")[2])


def _tail(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - LOG_BYTES))
        return file.read().decode("utf-8", errors="replace")
