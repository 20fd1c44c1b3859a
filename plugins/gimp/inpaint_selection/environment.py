"""The suite's environment that the plug-in uses, and the private folder of its worker."""

from __future__ import annotations

import getpass
import json
import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

RECORD = Path(__file__).with_name("environment.json")
INSTALL = "python -m methods gimp install"
PROTOCOL = 1


class PlugInError(Exception):
    """A problem that the user can solve; the message is one line."""


@dataclass(frozen=True)
class Environment:
    """The suite as recorded by `python -m methods gimp install`.

    `python` is its interpreter, `root` its checkout, None if the suite is installed."""

    python: Path
    root: Path | None
    suite_version: str


def read(record: Path = RECORD) -> Environment:
    """Return the recorded environment. Raises PlugInError if it is missing or has moved."""
    again = f"run `{INSTALL}` in the inpainting suite again"
    try:
        content = json.loads(record.read_text(encoding="utf-8"))
        python, root = Path(content["python"]), content["root"]
        version, protocol = str(content["suite_version"]), content["protocol"]
    except FileNotFoundError:
        raise PlugInError(f"{record} is missing: {again}.") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PlugInError(f"{record} cannot be read ({error!r}): {again}.") from None
    if protocol != PROTOCOL:
        raise PlugInError(f"{record} is of another version of the plug-in: {again}.")
    if not python.is_file():
        raise PlugInError(f"The environment has moved, there is no {python}: {again}.")
    if root is not None and not Path(root).is_dir():
        raise PlugInError(f"The suite has moved, there is no folder {root}: {again}.")
    return Environment(python, Path(root) if root is not None else None, version)


def private_folder() -> Path:
    """Return the folder of sockets, tokens and logs, which only this user can read."""
    base = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    user = str(os.getuid()) if hasattr(os, "getuid") else getpass.getuser()
    folder = Path(base) / f"inpainting-suite-{user}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        info = folder.lstat()
    except OSError as error:
        raise PlugInError(f"{folder} cannot be made: {error.strerror}.") from None
    if hasattr(os, "getuid") and not _is_private(info):
        raise PlugInError(f"{folder} is not a folder of yours alone (mode 700): remove it.")
    return folder


def _is_private(info: os.stat_result) -> bool:
    # In the shared temporary folder another user may have created a folder or link of this name.
    ours = stat.S_ISDIR(info.st_mode) and info.st_uid == os.getuid()
    return ours and not info.st_mode & 0o077
