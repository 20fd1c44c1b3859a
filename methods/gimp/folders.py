"""Where GIMP 3 looks for plug-ins of its user."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

# GIMP's own variable: another folder than all of those below.
VARIABLE = "GIMP3_DIRECTORY"
VERSION = re.compile(r"3\.\d+")
# Of a GIMP that was never started here.
FIRST = "3.0"
SANDBOXED = {".var": "Flatpak", "snap": "Snap"}


def plug_ins(
    system: str = sys.platform,
    environment: Mapping[str, str] = os.environ,
    home: Path | None = None,
) -> list[Path]:
    """The plug-ins folders of every version of GIMP 3 that has settings here; that of 3.0, which
    need not be there, if none has.

    system: as `sys.platform`; environment: variables; home: the user's, by default this user's."""
    if environment.get(VARIABLE):
        return [Path(environment[VARIABLE]) / "plug-ins"]
    roots = _settings(system, environment, home or Path.home())
    found = [version for root in roots if root.is_dir() for version in _versions(root)]
    return [version / "plug-ins" for version in found or [roots[0] / FIRST]]


def sandbox(folder: Path) -> str | None:
    """Which packaging keeps the GIMP of this folder from starting programs, if any does."""
    return next((name for part, name in SANDBOXED.items() if part in folder.parts), None)


def _settings(system: str, environment: Mapping[str, str], home: Path) -> list[Path]:
    """Folders that hold a folder for each version; the usual one first."""
    if system == "win32":
        roaming = environment.get("APPDATA")
        return [(Path(roaming) if roaming else home / "AppData" / "Roaming") / "GIMP"]
    if system == "darwin":
        return [home / "Library" / "Application Support" / "GIMP"]
    given = environment.get("XDG_CONFIG_HOME")
    return [
        (Path(given) if given else home / ".config") / "GIMP",
        home / ".var" / "app" / "org.gimp.GIMP" / "config" / "GIMP",
        home / "snap" / "gimp" / "current" / ".config" / "GIMP",
    ]


def _versions(root: Path) -> list[Path]:
    found = [path for path in root.iterdir() if VERSION.fullmatch(path.name) and path.is_dir()]
    return sorted(found, key=lambda path: int(path.name.partition(".")[2]))
