"""Putting the plug-in into a plug-ins folder of GIMP, and taking it away."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import tempfile
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path, PurePosixPath
from typing import Any

from methods.gimp import protocol

# GIMP runs the file that is called like its folder.
NAME = "inpaint_selection"
RECORD = "environment.json"
CACHE = "__pycache__"
CHECKOUT = Path(__file__).resolve().parents[2]
# Folders that are being written, or were when the power failed. GIMP does not look into them.
UNFINISHED = f".{NAME}-"

Record = dict[str, Any]


class InstallError(ValueError):
    """The plug-in cannot be put there, or is not there; the message says what to do."""


def files() -> dict[str, bytes]:
    """What the plug-in consists of: paths relative to its folder -> content.

    Raises InstallError where the suite came without it."""
    source = _source()
    return {
        path.relative_to(source).as_posix(): path.read_bytes()
        for path in sorted(source.rglob("*"))
        if path.is_file() and CACHE not in path.parts and path.name != RECORD
    }


def install(folder: Path) -> Path:
    """Put the plug-in into a plug-ins folder, whole or not at all, in place of an earlier one;
    files of others in there stay. Returns where it is. Raises InstallError or OSError."""
    target, content = folder / NAME, files()
    if target.is_symlink() or (target.exists() and record_of(folder) is None):
        raise InstallError(f"{target} was not put there by this command: move it away first")
    folder.mkdir(parents=True, exist_ok=True)
    _clean(folder)
    new = Path(tempfile.mkdtemp(dir=folder, prefix=UNFINISHED))
    try:
        _fill(new, content)
        _keep_others(folder, new)
        _swap(new, target)
    finally:
        _clean(folder)
    return target


def uninstall(folder: Path) -> list[Path]:
    """Remove what `install` wrote into a plug-ins folder. Returns what is left in there, which
    others wrote. Raises InstallError where nothing was installed, OSError."""
    record = record_of(folder)
    if record is None:
        raise InstallError(f"{folder}: nothing is installed")
    target = folder / NAME
    for name in [*record["files"], RECORD]:
        path = target / name
        path.unlink(missing_ok=True)
        for compiled in (path.parent / CACHE).glob(f"{path.stem}.*.pyc"):
            compiled.unlink()
    for inner in sorted((path for path in target.rglob("*") if path.is_dir()), reverse=True):
        if not any(inner.iterdir()):
            inner.rmdir()
    left = sorted(target.iterdir())
    if not left:
        target.rmdir()
    return left


def record_of(folder: Path) -> Record | None:
    """What `install` wrote down in a plug-ins folder; None where there is nothing of it."""
    try:
        record = json.loads((folder / NAME / RECORD).read_text(encoding="utf-8"))
        names = [PurePosixPath(name) for name in record["files"]]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    # Names that lead elsewhere are not of `install`, which would not remove those either.
    return None if any(name.is_absolute() or ".." in name.parts for name in names) else record


def changed(folder: Path) -> list[str]:
    """Names of installed files that are missing or not those of this suite."""
    found = []
    for name, content in files().items():
        path = folder / NAME / name
        if not path.is_file() or path.read_bytes() != content:
            found.append(name)
    return found


def suite_version() -> str:
    """The version of this suite, installed or a checkout."""
    about = CHECKOUT / "pyproject.toml"
    if about.is_file():
        return str(tomllib.loads(about.read_text(encoding="utf-8"))["project"]["version"])
    try:
        return version("inpainting-suite")
    except PackageNotFoundError:
        return "unknown"


def _source() -> Path:
    # In a wheel it is beside this file.
    for source in (CHECKOUT / "plugins" / "gimp" / NAME, Path(__file__).with_name(NAME)):
        if (source / f"{NAME}.py").is_file():
            return source
    raise InstallError(
        "this suite came without plugins/gimp: run the command from a checkout of its repository"
    )


def _record(content: dict[str, bytes]) -> Record:
    return {
        # Not resolved: a virtual environment's Python is a link, and works as itself only.
        "python": str(Path(sys.executable).absolute()),
        "root": str(CHECKOUT) if (CHECKOUT / "pyproject.toml").is_file() else None,
        "protocol": protocol.VERSION,
        "suite_version": suite_version(),
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in content.items()},
    }


def _fill(new: Path, content: dict[str, bytes]) -> None:
    for name, data in content.items():
        (new / name).parent.mkdir(parents=True, exist_ok=True)
        (new / name).write_bytes(data)
    (new / f"{NAME}.py").chmod(0o755)
    new.chmod(0o755)
    text = json.dumps(_record(content), indent=1, ensure_ascii=False) + "\n"
    (new / RECORD).write_text(text, encoding="utf-8")


def _keep_others(folder: Path, new: Path) -> None:
    """Copy what others put into the installed plug-in's folder."""
    record, old = record_of(folder) or {"files": {}}, folder / NAME
    ours = {*record["files"], RECORD}
    for path in sorted(old.rglob("*")):
        name = path.relative_to(old)
        if not path.is_file() or name.as_posix() in ours or CACHE in name.parts:
            continue
        if not (new / name).exists():
            (new / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, new / name)


def _swap(new: Path, target: Path) -> None:
    if not target.exists():
        new.rename(target)
        return
    old = Path(tempfile.mkdtemp(dir=target.parent, prefix=UNFINISHED)) / NAME
    target.rename(old)
    try:
        new.rename(target)
    except OSError:
        old.rename(target)
        raise


def _clean(folder: Path) -> None:
    for path in folder.glob(f"{UNFINISHED}*"):
        shutil.rmtree(path, ignore_errors=True)
