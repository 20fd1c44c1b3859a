"""Runs commands of the suite inside the test process, where everything is imported already."""

from __future__ import annotations

import io
import os
import runpy
import sys
import warnings
from contextlib import chdir, nullcontext, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest import mock


@dataclass(frozen=True)
class Done:
    """The result of a command, with the attributes of `subprocess.CompletedProcess`."""

    returncode: int
    stdout: str
    stderr: str


def run(module: str, *words: object, cwd: Path | None = None) -> Done:
    """Run `python -m MODULE WORDS` in this process, and undo its changes of the environment.

    Parameters
    ----------
    module
        A module or package of the suite; its `__main__` code is executed.
    words
        The command line, each converted to a string.
    cwd
        The working directory meanwhile.
    """
    argv = [module, *map(str, words)]
    stdout, stderr = _stream(), _stream()
    with (
        mock.patch.object(sys, "argv", argv),
        mock.patch.dict(os.environ),
        chdir(cwd) if cwd else nullcontext(),
        warnings.catch_warnings(),
        redirect_stdout(stdout),
        redirect_stderr(stderr),
    ):
        code = _exit_code(module)
    return Done(code, _text(stdout), _text(stderr))


def _exit_code(module: str) -> int:
    try:
        # What is imported already is only executed again.
        warnings.filterwarnings("ignore", ".* found in sys.modules", RuntimeWarning)
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        assert end.code is None or isinstance(end.code, int), end.code
        return int(end.code or 0)
    return 0


def _stream() -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="", write_through=True)


def _text(stream: io.TextIOWrapper) -> str:
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue().decode()
