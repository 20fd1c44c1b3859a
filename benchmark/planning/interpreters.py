"""Other Pythons, in whose environments methods run: which can be used, and what they say."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from methods.errors import InputError

MAIN = Path(__file__).with_name("interpreter_main.py")
OLDEST = (3, 11)
# A program that is no Python may wait for ever.
VERSION_S = 60
VERSION = 'import sys; print("Python %d.%d" % sys.version_info[:2])'
# Where this Python looks for packages is not where another one should.
OWN_VARIABLES = {"PYTHONPATH", "PYTHONHOME", "__PYVENV_LAUNCHER__"}


def checked(label: str, path: str) -> str:
    """Return the absolute path of a method's Python. Raises InputError if it is none or too old."""
    what = f"python {label}={path}"
    found = shutil.which(Path(path).expanduser())
    if found is None:
        raise InputError(
            f"{what}: not an executable file; give the Python of an environment, ENV/bin/python"
        )
    # Links stay: by its own path the Python of a virtual environment finds that environment.
    python = str(Path(found).absolute())
    try:
        done = _run([python, "-c", VERSION], "", VERSION_S)
    except (OSError, subprocess.TimeoutExpired):
        done = None
    match = re.fullmatch(r"Python (\d+)\.(\d+)\s*", done.stdout if done else "")
    if match is None:
        raise InputError(f"{what}: is no Python; give that of an environment, ENV/bin/python")
    if (int(match[1]), int(match[2])) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise InputError(f"{what}: is {match[0].strip()}; {oldest} or newer is needed")
    return python


def ask(label: str, python: str, question: str, arguments: Mapping[str, Any]) -> Any:
    """Return the answer to one of `benchmark.planning.described.QUESTIONS` by another Python.

    Raises InputError if it lacks packages or refuses the method.
    """
    what = f"python {label}={python}"
    request = json.dumps([question, arguments]) + "\n"
    done = _run(command(python, "benchmark.planning.described"), request)
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        lines = [f"ended with exit status {done.returncode}", *done.stderr.split("\n")]
        last = [line.strip() for line in lines if line.strip()][-1]
        raise InputError(f"{what}: {last}") from None
    if missing := answer.get("missing"):
        packages = " ".join(missing)
        raise InputError(f"{what}: lacks {', '.join(missing)}: {python} -m pip install {packages}")
    if "error" in answer:
        raise InputError(f"{answer['error']} (said by {python})")
    return answer["answer"]


def command(python: str, module: str) -> list[str]:
    """Return the command line that begins a module of the suite in another Python."""
    return [python, "-P", str(MAIN), module]


def environment() -> dict[str, str]:
    """Return the environment variables for another Python."""
    return {name: value for name, value in os.environ.items() if name not in OWN_VARIABLES}


def _run(
    words: list[str], text: str, seconds: float | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words, input=text, capture_output=True, timeout=seconds, env=environment(),
        encoding="utf-8", errors="replace",
    )  # fmt: skip
