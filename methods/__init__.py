"""Inpainting methods: one file each, created by name.

`available()` lists the names, `create(name, **options)` makes an Inpainter.
"""

from __future__ import annotations

import ast
import difflib
import importlib
import sys
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from methods.base import Inpainter
from methods.validation import build, field_names

__all__ = ["Inpainter", "available", "create", "method_class"]

ENTRY_POINTS = "inpainting_suite.methods"


def available() -> list[str]:
    """Names of all methods, sorted. `two-stage` also takes a stage one: `two-stage:NAME`."""
    return sorted({*_index(), *_plugins()})


def create(
    name: str, weights: str | None = None, device: str = "auto", **options: Any
) -> Inpainter:
    """The method called `name`, ready to `inpaint`.

    name: one of `available()`, `two-stage:NAME` for another stage one, or `package.module:Class`
    for a method of your own; weights: path of a weights file, for methods that take one; device:
    "auto", "cpu", "cuda"...; options: the method's own. Raises ValueError for an unknown name or
    option and MissingRequirementError when something must be installed or fetched first.
    """
    cls = method_class(name)
    values = {"device": device, **options}
    if weights is not None:
        values["weights"] = weights
    base, _, stage_one = name.partition(":")
    if stage_one and base in _index():
        if "stage_one" not in field_names(cls):
            raise ValueError(f"method {name!r}: {base} takes no stage one after ':'")
        if values.setdefault("stage_one", stage_one) != stage_one:
            raise ValueError(f"method {name!r}: stage_one is given twice, remove the option")
    inpainter = build(cls, values, f"method {name}")
    inpainter.libraries()
    return inpainter


def method_class(name: str) -> type[Inpainter]:
    """The class behind a name that `create` takes. Raises ValueError for another name."""
    index = _index()
    base, _, rest = name.partition(":")
    if base in index:
        module, cls = index[base]
        return getattr(importlib.import_module(f"methods.{module}"), cls)
    if base in _plugins():
        module, _, cls = _plugins()[base].partition(":")
        return _own_class(name, module, cls)
    if rest:
        return _own_class(name, base, rest)
    close = difflib.get_close_matches(name, available(), n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    raise ValueError(f"unknown method {name!r}: {hint}known: {', '.join(available())}")


def _plugins() -> dict[str, str]:
    """Methods that installed packages announce: name -> "module:Class"."""
    return {entry.name: entry.value for entry in entry_points(group=ENTRY_POINTS)}


def _own_class(name: str, module: str, cls: str) -> type[Inpainter]:
    # A script's folder is searched for modules, the current one is not: people are in theirs.
    if str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))
    try:
        found = getattr(importlib.import_module(module), cls)
    except (ImportError, AttributeError) as error:
        raise ValueError(
            f"unknown method {name!r}: {error}; known: {', '.join(available())}, "
            "or package.module:Class of your own"
        ) from None
    if not (isinstance(found, type) and issubclass(found, Inpainter)):
        raise ValueError(f"method {name!r}: {cls} is not a subclass of methods.Inpainter")
    return found


@cache
def _index() -> dict[str, tuple[str, str]]:
    """Method name -> (module, class), read from the source files.

    Nothing is imported: a method's heavy libraries load only where that method runs."""
    index: dict[str, tuple[str, str]] = {}
    for path in sorted(Path(__file__).parent.glob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            name = _declared_name(node)
            if name is not None:
                index[name] = (path.stem, node.name)  # type: ignore[attr-defined]
    return index


def _declared_name(node: ast.stmt) -> str | None:
    """The string that a class body assigns to `name`, if `node` is such a class."""
    if not isinstance(node, ast.ClassDef):
        return None
    for statement in node.body:
        target: ast.expr | None = None
        if isinstance(statement, ast.AnnAssign):
            target = statement.target
        if isinstance(statement, ast.Assign):
            target = statement.targets[0]
        if isinstance(target, ast.Name) and target.id == "name":
            value = getattr(statement, "value", None)
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                return value.value
    return None
