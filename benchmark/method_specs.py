"""Which methods to run: names and options from the command line and from method files.

A method file is TOML; each table is a row of the run, named as in the tables of the paper:

    ["Telea, wide"]
    method = "telea"
    radius = 9
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import methods
from benchmark.errors import InputError
from benchmark.inference import MethodSpec
from benchmark.run_folder import REFERENCE, folder_name
from methods.validation import field_names

DEFAULT = ("telea", "navier-stokes", "patchmatch", "two-stage")


def collect(
    names: str | None,
    files: Iterable[Path] = (),
    external: Iterable[str] = (),
    options: Iterable[str] = (),
    device: str = "auto",
    seed: int = 0,
) -> list[MethodSpec]:
    """The methods of a run, in the order of the tables.

    names: "a,b,c" or None for the default ones (none if there are files or external results);
    external: "NAME=DIR"; options: "NAME.KEY=VALUE", VALUE as in TOML or plain text.
    Raises InputError for anything that cannot be meant.
    """
    tables: dict[str, dict[str, Any]] = {}
    for name in _split(names) if names is not None else () if files or external else DEFAULT:
        _add(tables, name, {"method": name})
    for path in files:
        for label, table in _read(path).items():
            _add(tables, label, table)
    for text in external:
        label, found, folder = text.partition("=")
        if not found or not folder:
            raise InputError(f"--external {text!r}: write it as NAME=DIR")
        _add(tables, label, {"method": "external", "folder": str(Path(folder).expanduser())})
    for text in options:
        _set_option(tables, text)
    return [_spec(label, dict(table), device, seed) for label, table in tables.items()]


def _split(names: str) -> list[str]:
    found = [name.strip() for name in names.split(",") if name.strip()]
    if not found:
        raise InputError("--methods is empty; see: python -m methods list")
    return found


def _read(path: Path) -> dict[str, dict[str, Any]]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"method file {path} cannot be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"method file {path} is not valid TOML: {error}") from None
    for label, table in content.items():
        if not isinstance(table, dict) or not isinstance(table.get("method"), str):
            raise InputError(f'method file {path}: [{label}] must be a table with method = "NAME"')
    if not content:
        raise InputError(f"method file {path} defines no method; add a [NAME] table")
    return content


def _add(tables: dict[str, dict[str, Any]], label: str, table: dict[str, Any]) -> None:
    problem = _label_problem(label)
    if problem:
        raise InputError(f"method name {label!r} {problem}; choose another name")
    for other in tables:
        if folder_name(other).casefold() == folder_name(label).casefold():
            raise InputError(f"method {label!r} is there twice (as {other!r}); rename one")
    tables[label] = table


def _label_problem(label: str) -> str | None:
    """Why a label cannot be a folder name and a table row, or None."""
    if folder_name(label).casefold() == REFERENCE:
        return "is reserved for the photographs themselves"
    if not label.strip() or label != label.strip():
        return "is empty or has spaces around it"
    if "/" in label or "\\" in label or not label.isprintable():
        return "has a path separator or control character"
    if label[0] in "-.":
        return f"begins with {label[0]!r}"
    if len(label.encode()) > 100:
        return "is longer than 100 bytes"
    return None


def _set_option(tables: dict[str, dict[str, Any]], text: str) -> None:
    key, found, value = text.partition("=")
    label, dot, option = key.rpartition(".")
    if not found or not dot:
        raise InputError(f"--option {text!r}: write it as METHOD.KEY=VALUE")
    if label not in tables:
        raise InputError(
            f"--option {text!r}: method {label!r} is not in this run ({', '.join(tables)})"
        )
    try:
        tables[label][option] = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        tables[label][option] = value


def _spec(label: str, table: dict[str, Any], device: str, seed: int) -> MethodSpec:
    method = table.pop("method")
    try:
        cls = methods.method_class(method)
    except ValueError as error:
        raise InputError(f"{error}; see: python -m methods list") from None
    if "seed" in field_names(cls):
        table.setdefault("seed", seed)
    return MethodSpec(label, method, table, table.pop("device", device))
