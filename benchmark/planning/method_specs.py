"""Which methods to run: names and options from the command line and from method files.

A method file is TOML; each table is a row of the run, named as in the tables of the paper:

    ["Telea, wide"]
    method = "telea"
    radius = 9
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import methods
from benchmark.run_folder.folder import REFERENCE, folder_name
from methods.base import Inpainter
from methods.errors import InputError
from methods.validation import field_names

DEFAULT = ("telea", "navier-stokes", "patchmatch", "two-stage")


def collect(
    names: str | None,
    files: Iterable[Path] = (),
    external: Iterable[str] = (),
    options: Iterable[str] = (),
    device: str = "auto",
    seed: int = 0,
    weights: Iterable[str] = (),
) -> list[MethodSpec]:
    """The methods of a run, in the order of the tables.

    names: "a,b,c" or None for the default ones (none if there are files or external results);
    external: "NAME=DIR"; options: "NAME.KEY=VALUE", VALUE as in TOML or plain text; weights:
    "NAME=PATH", NAME as in `python -m methods list`.
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
    for text in weights:
        _give_weights(tables, text)
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


def _give_weights(tables: dict[str, dict[str, Any]], text: str) -> None:
    """Hand a weights file to every method, and every stage one, whose network it is for."""
    name, found, path = text.partition("=")
    if not found or not path:
        raise InputError(f"--weights {text!r}: write it as NAME=PATH")
    taken: set[str] = set()
    for label, table in tables.items():
        cls = _class_of(table["method"])
        taken |= _names(cls)
        if name == label or name in _names(cls):
            table["weights"] = path
        inner = _stage_one(table, cls)
        if inner:
            taken |= _names(_class_of(inner))
            if name in _names(_class_of(inner)):
                options = {**table.get("stage_one_options", {}), "weights": path}
                table["stage_one_options"] = options
    if name not in taken | set(tables):
        known = ", ".join(sorted(taken)) or "none"
        raise InputError(
            f"--weights {text!r}: no method of this run takes weights called {name!r} "
            f"(those it takes: {known})"
        )


def _names(cls: type[Inpainter]) -> set[str]:
    return {cls.weights_name} if hasattr(cls, "weights_name") else set()


def _stage_one(table: dict[str, Any], cls: type[Inpainter]) -> str | None:
    """Name of the method that a method of this class takes as stage one, if it takes one."""
    if "stage_one" not in field_names(cls):
        return None
    _, _, given = table["method"].partition(":")
    return given or table.get("stage_one") or getattr(cls, "stage_one", None)


def _class_of(method: str) -> type[Inpainter]:
    try:
        return methods.method_class(method)
    except ValueError as error:
        raise InputError(f"{error}; see: python -m methods list") from None


def _spec(label: str, table: dict[str, Any], device: str, seed: int) -> MethodSpec:
    method = table.pop("method")
    cls = _class_of(method)
    if "seed" in field_names(cls):
        table.setdefault("seed", seed)
    return MethodSpec(label, method, table, table.pop("device", device))


@dataclass(frozen=True)
class MethodSpec:
    """What `methods.create` needs, and the name under which results are filed."""

    label: str
    method: str
    options: dict[str, Any]
    device: str = "auto"
