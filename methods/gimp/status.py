"""Check whether an installed plug-in can work."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from methods.gimp import install, protocol
from methods.gimp.install import Record

# Importing all libraries from a cold disk can take minutes.
TIMEOUT_SECONDS = 180
LIST = "import json; from methods.gimp import filling, worker; print(json.dumps(filling.listing()))"


@dataclass(frozen=True)
class Status:
    """The state of an installed plug-in: problems with their remedy, the recorded Python, and the
    names of methods that can run and that cannot."""

    problems: list[str]
    python: str
    ready: list[str]
    others: list[str]


def read_status(folder: Path) -> Status | None:
    """Return the state of the plug-in in a plug-ins folder; None if it is not installed."""
    record = install.record_of(folder)
    if record is None:
        return None
    again = "run `python -m methods gimp install` again"
    problems: list[str] = []
    ready: list[str] = []
    others: list[str] = []
    changed = install.changed(folder)
    if changed:
        problems.append(f"not the files of this suite: {', '.join(changed)}; {again}")
    if record.get("protocol") != protocol.VERSION:
        problems.append(f"its protocol is not that of this suite; {again}")
    try:
        for method in _listing(record):
            (ready if method["ready"] else others).append(method["name"])
    except (OSError, ValueError, KeyError, TypeError, subprocess.SubprocessError) as error:
        problems.append(f"its Python cannot be used ({' '.join(str(error).split())}); {again}")
    return Status(problems, str(record.get("python")), ready, others)


def _listing(record: Record) -> list[dict[str, Any]]:
    """Return the methods as the recorded environment lists them, which may not be this one."""
    foreign = {"PYTHONHOME", "PYTHONPATH"}
    done = subprocess.run(
        [record["python"], "-c", LIST],
        # As the worker is started; an installed suite needs any folder without Python files.
        cwd=record["root"] or Path(record["python"]).parent,
        env={name: value for name, value in os.environ.items() if name not in foreign},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
    )
    if done.returncode:
        raise ValueError((done.stderr.strip().splitlines() or ["it printed nothing"])[-1])
    # The last line: libraries may print, too.
    return list(json.loads(done.stdout.splitlines()[-1])["methods"])
