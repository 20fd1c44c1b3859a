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
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, ClassVar, NoReturn

from pydantic import Field

from methods.base import Image, Inpainter, Mask, MethodError, Resolution, TimeLimitError, blank
from methods.files import folder_sha256, sha256, shortest_names
from methods.images import ImageFileError, read_rgb, write_png
from methods.shown_text import message_text

PLACEHOLDERS = {"image", "mask", "result"}
LAUNCHER = Path(__file__).with_name("run_program.py")
# How much of the end of a program's output is kept.
LOG_BYTES = 2**18
# More files in a folder of the template are data, not a model, and would take long to hash.
_MOST_FILES = 1000


@dataclass(kw_only=True)
class Command(Inpainter):
    """Run a program for each image, in an empty temporary folder and without a shell.

    The program gets an RGB PNG whose hole is black and a mask PNG (255 = hole), and writes a PNG
    of the same size.

    Parameters
    ----------
    template
        A command line with {image}, {mask} and {result}, split like a shell does. Names of
        existing files may be relative to the current folder.
    time_limit
        Seconds per image; then the program and all processes it started are killed.
    """

    name: ClassVar[str] = "command"
    summary: ClassVar[str] = "any program: image and mask in, result out"

    template: str
    time_limit: Annotated[float, Field(gt=0, le=1e7)] = 3600.0
    _arguments: list[str] = field(default_factory=list, init=False, repr=False)

    def __post_init__(self) -> None:
        self._arguments = _split(self.template)

    def identity(self, resolution: Resolution, image_name: str) -> dict[str, Any]:
        """Include the content of files and folders in the template; leave out the time limit."""
        identity = {
            **super().identity(resolution, image_name),
            "options": {"template": self.template},
            "files": [sha256(path) for path in self._files()],
        }
        folders = [digest for _, digest in self._folders]
        return {**identity, "folders": folders} if folders else identity

    def weights_used(self) -> dict[str, str]:
        """Return the program's files and folders, as far as the template names them.

        A name that several have is preceded by as many of its folders as tell them apart.
        """
        folders = dict(self._folders)
        contents = {path: sha256(path) for path in self._files()} | folders
        names = shortest_names(contents)
        return {
            f"{names[path]}{'/' if path in folders else ''}": digest
            for path, digest in contents.items()
        }

    def _files(self) -> list[Path]:
        return [path for path in map(_path_in, self._arguments) if path.is_file()]

    @cached_property
    def _folders(self) -> list[tuple[Path, str]]:
        """Folders with a digest of names and contents of their files, unless they have many."""
        digests = {
            path: folder_sha256(path, _MOST_FILES)
            for argument in self._arguments
            # Words without a path have none made absolute, see `_with_absolute_path`.
            if (path := _path_in(argument)).is_absolute() and path.is_dir()
        }
        return [(path, digest) for path, digest in digests.items() if digest]

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
            re.sub(pattern, lambda match: paths[match[0]], argument) for argument in self._arguments
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
                # Ctrl-C must not end the launcher before the launcher has ended the program.
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
            printed = _tail(err).strip() or self.log.strip()
            last_line = [message_text(line) for line in printed.splitlines()[-1:]]
            self._fail(": ".join([_ending(outcome["exit_status"]), *last_line]), scratch)

    def _result(self, scratch: Path, image: Image) -> Image:
        path = scratch / "result.png"
        if not path.exists():
            self._fail("the program wrote no result to {result}", scratch)
        try:
            result = read_rgb(path)
        except ImageFileError as error:
            self._fail(f"result cannot be read: {error}", scratch)
        if result.shape != image.shape:
            actual, expected = (f"{a.shape[1]}x{a.shape[0]}" for a in (result, image))
            self._fail(f"result is {actual}, the image {expected}", scratch)
        return result

    def _fail(self, message: str, scratch: Path) -> NoReturn:
        # Messages appear in tables, where the random name of the temporary folder says nothing.
        raise MethodError(message.replace(f"{scratch}/", ""), self.log)


def _ending(exit_status: int) -> str:
    if exit_status < 0:
        return f"program killed by {signal.Signals(-exit_status).name}"
    return f"program ended with exit status {exit_status}"


def _split(template: str) -> list[str]:
    """Return the arguments, with absolute paths of the program and of existing files."""
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
    return [str(Path(program).absolute()), *map(_with_absolute_path, arguments[1:])]


def _with_absolute_path(argument: str) -> str:
    """Make an existing path absolute, also on the right side of `--key=`."""
    key, equals, value = argument.rpartition("=")
    path = Path(value)
    # A word without a slash that is also the name of a folder is more likely just a word.
    if path.is_file() or ("/" in value and path.is_dir()):
        return f"{key}{equals}{path.absolute()}"
    return argument


def _path_in(argument: str) -> Path:
    return Path(argument.rpartition("=")[2])


def _tail(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - LOG_BYTES))
        return file.read().decode("utf-8", errors="replace")
