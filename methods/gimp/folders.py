"""Find the folders in which GIMP 3 looks for the user's plug-ins."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

# GIMP's own environment variable, which replaces all of the folders below.
VARIABLE = "GIMP3_DIRECTORY"
VERSION = re.compile(r"3\.\d+")
# The version to assume if GIMP was never started here.
FIRST = "3.0"
SANDBOXED = {".var": "Flatpak", "snap": "Snap"}


def plug_ins(
    system: str = sys.platform,
    environment: Mapping[str, str] = os.environ,
    home: Path | None = None,
) -> list[Path]:
    """Return the plug-ins folder of every version of GIMP 3 that has settings here.

    If none has, this is the folder of version 3.0, which need not exist."""
    if environment.get(VARIABLE):
        return [Path(environment[VARIABLE]) / "plug-ins"]
    roots = _settings(system, environment, home or Path.home())
    versions = [version for root in roots if root.is_dir() for version in _versions(root)]
    return [version / "plug-ins" for version in versions or [roots[0] / FIRST]]


def sandbox(folder: Path) -> str | None:
    """Return the packaging that prevents the GIMP of this folder from starting programs."""
    return next((name for part, name in SANDBOXED.items() if part in folder.parts), None)


def _settings(system: str, environment: Mapping[str, str], home: Path) -> list[Path]:
    """Return the folders that hold one folder for each version; the usual one first."""
    if system == "win32":
        roaming = environment.get("APPDATA")
        return [(Path(roaming) if roaming else home / "AppData" / "Roaming") / "GIMP"]
    if system == "darwin":
        return [home / "Library" / "Application Support" / "GIMP"]
    configuration = environment.get("XDG_CONFIG_HOME")
    return [
        (Path(configuration) if configuration else home / ".config") / "GIMP",
        home / ".var" / "app" / "org.gimp.GIMP" / "config" / "GIMP",
        home / "snap" / "gimp" / "current" / ".config" / "GIMP",
    ]


def _versions(root: Path) -> list[Path]:
    versions = [path for path in root.iterdir() if VERSION.fullmatch(path.name) and path.is_dir()]
    return sorted(versions, key=lambda path: int(path.name.partition(".")[2]))
