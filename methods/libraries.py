"""Installed packages: what methods need, and the suite itself."""

from __future__ import annotations

import sys
import tomllib
from argparse import ArgumentParser
from functools import cache
from importlib import import_module
from importlib.metadata import (
    PackageNotFoundError,
    distribution,
    packages_distributions,
    version,
)
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import NoReturn

from methods.foreign_code import compiled_anew, error_message, error_text

# Of a checkout; of an installed suite the folder of all packages.
ROOT = Path(__file__).resolve().parents[1]
_PROJECT, _SUITE = ROOT / "pyproject.toml", "inpainting-suite"
_USUAL_ERROR = ArgumentParser.error

# Cached because it reads files and is needed for every case.
installed_version = cache(version)


def distribution_of(module: str, package: str) -> str | None:
    """Return the installed distribution that brings a module, or None: `package`, or another one,
    as opencv-contrib-python does in place of opencv-python."""
    root = module.partition(".")[0]
    # Of two that bring one module, removing one takes the other's files away.
    if find_spec(root) is None:
        return None
    try:
        distribution(package)
    except PackageNotFoundError:
        # Takes a tenth of a second.
        others = packages_distributions().get(root)
        return others[0] if others else None
    return package


def imported_module(name: str) -> ModuleType:
    """Import a module of the user's, which may lie in the current folder.

    Raises
    ------
    ModuleNotFoundError
        If there is none of this name.
    ImportError
        If it cannot be imported, whatever happens meanwhile, in one line.
    """
    # Python searches the script's folder, but users expect the current one.
    if str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))
    # That of a script would print the usage of another command than the user's.
    ArgumentParser.error = _refuse  # type: ignore[method-assign, assignment]
    try:
        with compiled_anew(name):
            return import_module(name)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        if isinstance(error, ModuleNotFoundError) and f"{name}.".startswith(f"{error.name}."):
            raise
        raise ImportError(_import_failure(name, error)) from None
    finally:
        ArgumentParser.error = _USUAL_ERROR  # type: ignore[method-assign]


def _refuse(_: ArgumentParser, message: str) -> NoReturn:
    raise SystemExit(message)


def _import_failure(name: str, error: BaseException) -> str:
    match error:
        case SystemExit():
            remedy = "put its script part under if __name__ == '__main__'"
            return f"importing {name} ended with SystemExit: {remedy}"
        case SyntaxError(filename=str(), lineno=int()):
            where = f"{error.filename}, line {error.lineno}"
            return f"importing {name} failed: {where}: {error.msg}"
        case ModuleNotFoundError(name=str()):
            return f"importing {name} failed: {error.name} is not installed"
        case ImportError():
            return f"importing {name} failed: {error_message(error)}"
    return f"importing {name} failed: {error_text(error)}"


def suite_version() -> str:
    """Return the version of this suite, installed or a checkout."""
    if _PROJECT.is_file():
        return str(tomllib.loads(_PROJECT.read_text(encoding="utf-8"))["project"]["version"])
    return version(_SUITE)


def extra_installation(extra: str) -> str:
    """Return the command for a shell that installs what an optional part of this suite needs."""
    # In quotes, as zsh has another meaning for brackets.
    return f"pip install '{'.' if _PROJECT.is_file() else _SUITE}[{extra}]'"
