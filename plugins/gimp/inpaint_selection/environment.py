"""Which environment of the suite the plug-in uses, and the private folder of its worker."""

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
    """Something the user can act on, told in one line."""


@dataclass(frozen=True)
class Environment:
    """The suite as `python -m methods gimp install` found it.

    python: the suite's interpreter; root: the checkout it runs in, None for an installed suite.
    """

    python: Path
    root: Path | None
    suite_version: str


def read(record: Path = RECORD) -> Environment:
    """The recorded environment; PlugInError where there is none or it has moved."""
    again = f"run `{INSTALL}` in the inpainting suite again"
    try:
        told = json.loads(record.read_text(encoding="utf-8"))
        python, root = Path(told["python"]), told["root"]
        version, protocol = str(told["suite_version"]), told["protocol"]
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
    """The folder of sockets, tokens and logs, readable for this user alone; made where missing."""
    base = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    user = str(os.getuid()) if hasattr(os, "getuid") else getpass.getuser()
    folder = Path(base) / f"inpainting-suite-{user}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise PlugInError(f"{folder} cannot be made: {error.strerror}.") from None
    if hasattr(os, "getuid") and not _is_private(found):
        raise PlugInError(f"{folder} is not a folder of yours alone (mode 700): remove it.")
    return folder


def _is_private(found: os.stat_result) -> bool:
    # The temporary folder is everybody's: somebody else may have put a folder or a link there.
    ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
    return ours and not found.st_mode & 0o077
