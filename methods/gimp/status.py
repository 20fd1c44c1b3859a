"""Whether an installed plug-in can work."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from methods.gimp import install, protocol
from methods.gimp.install import Record

# Loading all libraries from a cold disk.
SECONDS = 180
ASK = "import json; from methods.gimp import filling, worker; print(json.dumps(filling.listing()))"


@dataclass(frozen=True)
class Status:
    """What was found in a plug-ins folder. problems: what hinders, each with its remedy; python:
    the recorded one; ready, others: names of methods that can run, that cannot."""

    problems: list[str]
    python: str
    ready: list[str]
    others: list[str]


def look(folder: Path) -> Status | None:
    """The state of the plug-in in a plug-ins folder; None where it is not installed."""
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
        problems.append(f"it speaks another protocol than this suite; {again}")
    try:
        for told in _listing(record):
            (ready if told["ready"] else others).append(told["name"])
    except (OSError, ValueError, KeyError, TypeError, subprocess.SubprocessError) as error:
        problems.append(f"its Python cannot be used ({' '.join(str(error).split())}); {again}")
    return Status(problems, str(record.get("python")), ready, others)


def _listing(record: Record) -> list[dict[str, Any]]:
    """The methods as the recorded environment finds them, not this one."""
    foreign = {"PYTHONHOME", "PYTHONPATH"}
    found = subprocess.run(
        [record["python"], "-c", ASK],
        # As the worker is started; without a checkout any folder without Python files will do.
        cwd=record["root"] or Path(record["python"]).parent,
        env={name: value for name, value in os.environ.items() if name not in foreign},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    if found.returncode:
        raise ValueError((found.stderr.strip().splitlines() or ["it printed nothing"])[-1])
    # The last line: libraries may print too.
    return list(json.loads(found.stdout.splitlines()[-1])["methods"])
