"""The methods of a run, from the command line and from method files.

A method file is TOML; each table is one method, under the name that tables show:

    ["Telea, wide"]
    method = "telea"
    radius = 9

A table may have `device`, and `python`: the Python of the environment in which the method runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import methods
from benchmark.inputs.toml import read_toml
from benchmark.planning import interpreters
from benchmark.planning.described import class_facts
from methods import arguments
from methods.errors import InputError
from methods.external import External
from methods.labels import folder_name, label_problem, share_folder

DEFAULT = ("telea", "navier-stokes", "patchmatch", "two-stage")


@dataclass(frozen=True)
class MethodSpec:
    """A method of a run: its name in tables and run folder, and arguments of `methods.create`."""

    label: str
    method: str
    options: dict[str, Any]
    device: str = "auto"
    # Path of the Python that runs it, if that is not this one.
    python: str | None = None


def collect(
    names: str | None,
    files: Iterable[Path] = (),
    external: Iterable[str] = (),
    options: Iterable[str] = (),
    device: str = "auto",
    seed: int = 0,
    weights: Iterable[str] = (),
    pythons: Iterable[str] = (),
) -> list[MethodSpec]:
    """Return the methods of a run, from options of the command line, in the order of the tables.

    Without names these are the default methods, or none besides files and external results.
    Raises InputError for anything that is malformed, unknown or ambiguous.
    """
    folders = [_split_argument("--external", argument, "NAME=DIR") for argument in external]
    named = _split(names) if names is not None else () if files or folders else DEFAULT
    own = dict(_split_argument("--python", argument, "METHOD=PATH") for argument in pythons)
    tables = tables_of(named, files, folders, own)
    for argument in options:
        _set_option(tables, argument)
    for argument in weights:
        set_weights(tables, *_split_argument("--weights", argument, "NAME=PATH"))
    return specs_of(tables, device, seed)


def tables_of(
    methods: Iterable[str | tuple[str, Mapping[str, Any]]],
    files: Iterable[Path] = (),
    external: Iterable[tuple[str, str | Path]] = (),
    pythons: Mapping[str, str | Path] | None = None,
) -> dict[str, dict[str, Any]]:
    """Return label -> table of each method, as in a method file.

    Parameters
    ----------
    methods
        Names of methods, or labels with tables.
    external
        Labels with folders of results.
    pythons
        Labels or names of methods with the Pythons that run them.

    Raises
    ------
    InputError
        If a label cannot be used or is there twice, or a file cannot be read.
    """
    tables: dict[str, dict[str, Any]] = {}
    for method in methods:
        if isinstance(method, str):
            python = (pythons or {}).get(method)
            _add(tables, _own_name(method, python), {"method": method})
        else:
            _add(tables, method[0], _checked_table(*method, "methods"))
    for path in files:
        for label, table in _read(path).items():
            _add(tables, label, table)
    for label, folder in external:
        _add(tables, label, {"method": "external", "folder": str(Path(folder).expanduser())})
    for label, python in (pythons or {}).items():
        set_option(tables, label, "python", str(python))
    return tables


def specs_of(tables: Mapping[str, Mapping[str, Any]], device: str, seed: int) -> list[MethodSpec]:
    """Return the methods of tables; those with random numbers get the seed if they have none."""
    return [_spec(label, dict(table), device, seed) for label, table in tables.items()]


def _own_name(method: str, python: str | Path | None) -> str:
    """Return the name in tables: for `module:Class` its own, unless a method here has that;
    `NAME:FOLDER/MODEL` is NAME:MODEL, because a name has no path separator."""
    module, _, cls = method.partition(":")
    if module in methods.available():
        return re.sub(r"[^:]*[/\\]", "", method.rstrip("/\\"))
    if not cls:
        return method
    path = None if python is None else interpreters.checked(method, str(python))
    name = _class_facts(method, method, path)["name"]
    return method if name in methods.available() else str(name)


def _split(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise InputError("--methods is empty; see: python -m methods list")
    return names


def _split_argument(option: str, argument: str, form: str) -> tuple[str, str]:
    name, _, value = argument.partition("=")
    if not value:
        raise InputError(f"{option} {argument!r}: write it as {form}")
    return name, value


def _read(path: Path) -> dict[str, dict[str, Any]]:
    content = read_toml(path, "method file")
    if not content:
        raise InputError(f"method file {path} defines no method; add a [NAME] table")
    return {
        label: _checked_table(label, table, f"method file {path}")
        for label, table in content.items()
    }


def _checked_table(label: str, table: Any, source: str) -> dict[str, Any]:
    if not isinstance(table, Mapping) or not isinstance(table.get("method"), str):
        raise InputError(f'{source}: [{label}] must be a table with method = "NAME"')
    return dict(table)


def _add(tables: dict[str, dict[str, Any]], label: str, table: dict[str, Any]) -> None:
    problem = label_problem(label)
    if problem:
        raise InputError(f"method name {label!r} {problem}; choose another name")
    for other in tables:
        if other == label:
            raise InputError(f"method {label!r} is listed twice; rename one")
        if share_folder(other, label):
            raise InputError(
                f"methods {other!r} and {label!r} would share the folder {folder_name(label)!r}; "
                "rename one"
            )
    tables[label] = table


def _set_option(tables: dict[str, dict[str, Any]], argument: str) -> None:
    key, equals, value = argument.partition("=")
    label, dot, option = key.rpartition(".")
    if not equals or not dot:
        raise InputError(f"--option {argument!r}: write it as METHOD.KEY=VALUE")
    set_option(tables, label, option, arguments.parsed_value(value))


def set_option(tables: dict[str, dict[str, Any]], label: str, option: str, value: Any) -> None:
    """Set an option of a method, by its label or its name; raise InputError for an unknown one."""
    given = {table["method"]: own for own, table in tables.items()}
    label = label if label in tables else given.get(label, label)
    if label not in tables:
        raise InputError(
            f"option {label}.{option}: method {label!r} is not in this run ({', '.join(tables)})"
        )
    tables[label][option] = value


def set_weights(tables: dict[str, dict[str, Any]], name: str, path: str) -> None:
    """Set the weights file of every method, and of every stage one, that has this network."""
    known: set[str] = set()
    for label, table in tables.items():
        try:
            known |= arguments.set_weights(table["method"], table, name, path)
        except ValueError as error:
            # The Python that runs it may know it.
            if "python" not in table:
                raise InputError(f"{error}; see: python -m methods list") from None
        if name == label:
            table["weights"] = path
    if name not in known | set(tables):
        raise InputError(
            f"weights {name}={path}: no method of this run takes weights called {name!r} "
            f"(those it takes: {', '.join(sorted(known)) or 'none'})"
        )


def _class_facts(label: str, method: str, python: str | None) -> dict[str, Any]:
    if python is None:
        return class_facts(method)
    return interpreters.ask(label, python, "class_facts", {"method": method})


def _spec(label: str, table: dict[str, Any], device: str, seed: int) -> MethodSpec:
    method, python = table.pop("method"), table.pop("python", None)
    if python is not None:
        python = _checked_python(label, method, python)
    if "seed" in _class_facts(label, method, python)["options"]:
        table.setdefault("seed", seed)
    return MethodSpec(label, method, table, table.pop("device", device), python)


def _checked_python(label: str, method: str, python: Any) -> str:
    if not isinstance(python, str):
        raise InputError(f"{label}: python = {python!r}: give the path of a Python")
    if method == External.name:
        raise InputError(f"{label}: results made elsewhere run in no Python; leave out python")
    return interpreters.checked(label, python)
