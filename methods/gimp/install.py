"""Find the plug-ins folders of GIMP 3, install the plug-in there, and remove it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from methods.errors import InputError
from methods.files import replacing
from methods.gimp.version import PROTOCOL_VERSION
from methods.libraries import ROOT, suite_version

# GIMP runs the file that has the name of its folder.
NAME = "inpaint_selection"
RECORD = "environment.json"
CACHE = "__pycache__"
# GIMP's own environment variable, which replaces all other folders of settings.
VARIABLE = "GIMP3_DIRECTORY"
VERSION = re.compile(r"3\.\d+")
# The version to assume if GIMP was never started here.
FIRST = "3.0"

Record = dict[str, Any]


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
    versions = [version for root in roots for version in _versions(root)]
    return [version / "plug-ins" for version in versions or [roots[0] / FIRST]]


def files() -> dict[str, bytes]:
    """Return the content of the plug-in's files by their path relative to its folder."""
    source = _source()
    return {
        path.relative_to(source).as_posix(): path.read_bytes()
        for path in sorted(source.rglob("*"))
        if path.is_file() and CACHE not in path.parts and path.name != RECORD
    }


def install(folder: Path) -> Path:
    """Install or update the plug-in in a plug-ins folder and return its path. Raises InputError if
    something else has the plug-in's name, OSError."""
    target, content, old = folder / NAME, files(), record_of(folder)
    # Hidden files are temporary files of an installation that was interrupted.
    if target.is_symlink() or (old is None and any(target.glob("[!.]*"))):
        raise InputError(f"{target} was not put there by this command: move it away first")
    content = {RECORD: _record(content), **content}
    with replacing(*(target / name for name in content)) as parts:
        for name, part in zip(content, parts, strict=True):
            part.write_bytes(content[name])
            if name == f"{NAME}.py":
                part.chmod(0o755)
    _remove(target, set(old["files"] if old else []) - set(content))
    return target


def uninstall(folder: Path) -> list[Path] | None:
    """Remove the files that `install` wrote and return the others in the plug-in's folder; None
    if nothing is installed. Raises OSError."""
    record = record_of(folder)
    if record is None:
        return None
    target = folder / NAME
    _remove(target, [*record["files"], RECORD])
    for inner in sorted((path for path in target.rglob("*") if path.is_dir()), reverse=True):
        if not any(inner.iterdir()):
            inner.rmdir()
    remaining = sorted(target.iterdir())
    if not remaining:
        target.rmdir()
    return remaining


def record_of(folder: Path) -> Record | None:
    """Return the record that `install` wrote to a plug-ins folder; None if there is none."""
    try:
        record = json.loads((folder / NAME / RECORD).read_text(encoding="utf-8"))
        names = [PurePosixPath(name) for name in record["files"]]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    # Never remove files outside of the folder, which `install` does not write.
    return None if any(name.is_absolute() or ".." in name.parts for name in names) else record


def changed(folder: Path) -> list[str]:
    """Return the names of installed files that are missing or differ from this suite's."""
    return [
        name
        for name, content in files().items()
        if not (path := folder / NAME / name).is_file() or path.read_bytes() != content
    ]


def _settings(system: str, environment: Mapping[str, str], home: Path) -> list[Path]:
    """Return the folders that hold one folder for each version; the usual one first."""
    if system == "win32":
        return [Path(environment.get("APPDATA") or home / "AppData" / "Roaming") / "GIMP"]
    if system == "darwin":
        return [home / "Library" / "Application Support" / "GIMP"]
    return [
        Path(environment.get("XDG_CONFIG_HOME") or home / ".config") / "GIMP",
        home / ".var" / "app" / "org.gimp.GIMP" / "config" / "GIMP",
        home / "snap" / "gimp" / "current" / ".config" / "GIMP",
    ]


def _versions(root: Path) -> list[Path]:
    versions = [path for path in root.glob("3.*") if VERSION.fullmatch(path.name) and path.is_dir()]
    return sorted(versions, key=lambda path: int(path.name.partition(".")[2]))


def _source() -> Path:
    # A wheel has the plug-in beside this file.
    for source in (ROOT / "plugins" / "gimp" / NAME, Path(__file__).with_name(NAME)):
        if (source / f"{NAME}.py").is_file():
            return source
    raise InputError(
        "this suite came without plugins/gimp: run the command from a checkout of its repository"
    )


def _record(content: dict[str, bytes]) -> bytes:
    record = {
        # Not resolved: a virtual environment's Python is a link that works only as such.
        "python": str(Path(sys.executable).absolute()),
        "root": str(ROOT) if (ROOT / "pyproject.toml").is_file() else None,
        "protocol": PROTOCOL_VERSION,
        "suite_version": suite_version(),
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in content.items()},
    }
    return (json.dumps(record, indent=1, ensure_ascii=False) + "\n").encode()


def _remove(target: Path, names: Iterable[str]) -> None:
    """Remove files and what Python compiled from them."""
    for name in names:
        path = target / name
        path.unlink(missing_ok=True)
        for compiled in (path.parent / CACHE).glob(f"{path.stem}.*.pyc"):
            compiled.unlink()
