"""Inpainting methods, one file each: `available()` lists them, `create(name)` makes one."""

from __future__ import annotations

import ast
import importlib
import re
from functools import cache
from importlib.metadata import entry_points
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

from methods.errors import closest
from methods.libraries import imported_module

if TYPE_CHECKING:
    from methods.base import Inpainter

__all__ = ["Inpainter", "available", "create", "method_class", "option_in"]

ENTRY_POINTS = "inpainting_suite.methods"
# Also those of PyTorch's that only methods of the user's may know.
DEVICE = r"auto|(cpu|cuda|hip|hpu|ipu|meta|mps|mtia|npu|privateuseone|tpu|vulkan|xla|xpu)(:\d+)?"
# A line of a class body that may declare the name of a method.
DECLARATION = r"^\s+name\s*(:.*)?=.*"


def available() -> list[str]:
    """Return the names of all methods, sorted.

    Returns
    -------
    list of str
        Those of the suite and those that installed packages announce.
    """
    return sorted({*_bundled(), *_plugins()})


def create(
    name: str, weights: str | PathLike[str] | None = None, device: str = "auto", **options: Any
) -> Inpainter:
    """Create a method.

    Parameters
    ----------
    name
        One of `available()`; `NAME:VALUE` for those with an option that the name may set, such as
        `two-stage:telea`; or `package.module:Class` for a subclass of `Inpainter` of your own.
    weights
        Path of a weights file, or "random", for methods with a network; by default the fetched
        file.
    device
        "auto" (a GPU if there is one), "cpu", "cuda", "cuda:1"...
    **options
        The method's own options; see `python -m methods info NAME`.

    Returns
    -------
    Inpainter
        Its `inpaint(image, mask)` fills a hole.

    Raises
    ------
    ValueError
        If the name or an option is unknown or an option has a wrong value.
    MissingRequirementError
        If something must be installed or fetched first.
    """
    from methods.validation import build

    cls = method_class(name)
    if isinstance(device, str) and not re.fullmatch(DEVICE, device):
        raise ValueError(f"device {device!r}: there is none; write auto, cpu, cuda or cuda:1 ...")
    values = {"device": device, **options}
    if weights is not None:
        values["weights"] = fspath(weights)
    for key, value in option_in(name).items():
        if values.setdefault(key, value) != value:
            raise ValueError(f"method {name!r}: {key} is given twice, remove the option")
    inpainter = build(cls, values, f"method {name}")
    inpainter.libraries()
    return inpainter


def method_class(name: str) -> type[Inpainter]:
    """Return the class behind a method's name.

    Parameters
    ----------
    name
        As for `create`.

    Returns
    -------
    type
        A subclass of `Inpainter`.

    Raises
    ------
    ValueError
        If the name is unknown or leads to something else.
    """
    if not isinstance(name, str):
        raise ValueError(f"the name of a method is text, not {name!r}")
    base, _, rest = name.partition(":")
    if base in _bundled():
        module, cls = _bundled()[base]
        return getattr(importlib.import_module(f"methods.{module}"), cls)
    if base in _plugins():
        module, _, cls = _plugins()[base].partition(":")
        return _imported_class(name, module, cls)
    if rest:
        return _imported_class(name, base, rest)
    match = closest(name, available())
    hint = f"did you mean {match!r}? " if match else ""
    raise ValueError(f"unknown method {name!r}: {hint}known: {', '.join(available())}")


def option_in(name: str) -> dict[str, str]:
    """Return the option that a method's name sets.

    Parameters
    ----------
    name
        As for `create`.

    Returns
    -------
    dict
        Option -> value, such as {"stage_one": "telea"} for two-stage:telea; empty without a colon.

    Raises
    ------
    ValueError
        If the name is unknown or the method has no such option.
    """
    base, _, value = name.partition(":")
    if not value or (base not in _bundled() and base not in _plugins()):
        return {}
    option = method_class(name).option_after_colon
    if not option:
        raise ValueError(f"method {name!r}: {base} takes nothing after ':'")
    return {option: value}


def __getattr__(name: str) -> Any:
    """Import `Inpainter` when it is first used: with it come NumPy and OpenCV."""
    if name != "Inpainter":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return importlib.import_module("methods.base").Inpainter


def _plugins() -> dict[str, str]:
    """Return name -> "module:Class" of the methods that installed packages announce."""
    return {entry.name: entry.value for entry in entry_points(group=ENTRY_POINTS)}


def _imported_class(name: str, module: str, cls: str) -> type[Inpainter]:
    from methods.base import Inpainter

    try:
        imported = getattr(imported_module(module), cls)
    except (ImportError, AttributeError) as error:
        if "/" in module or module.endswith(".py"):
            raise ValueError(f"method {name!r}: write {_without_path(module)}:{cls}") from None
        if type(error) is ImportError:
            raise ValueError(f"method {name!r}: {error}") from None
        raise ValueError(
            f"unknown method {name!r}: {error}; known: {', '.join(available())}, "
            "or package.module:Class of your own"
        ) from None
    if not (isinstance(imported, type) and issubclass(imported, Inpainter)):
        raise ValueError(f"method {name!r}: {cls} is not a subclass of methods.Inpainter")
    if missing := ", ".join(sorted(imported.__abstractmethods__)):
        raise ValueError(f"method {name!r}: {cls} does not define {missing}")
    if not isinstance(getattr(imported, "name", None), str):
        raise ValueError(
            f"method {name!r}: {cls} does not define name; write a line into the class such as "
            f"name = {cls.lower()!r}"
        )
    return imported


def _without_path(file: str) -> str:
    """Return the name, with dots, by which a module is imported from the current folder."""
    path = Path(file.removesuffix(".py"))
    if path.is_absolute() or ".." in path.parts:
        return f"(in the folder {path.parent}) {path.name}"
    return ".".join(path.parts)


@cache
def _bundled() -> dict[str, tuple[str, str]]:
    """Return method name -> (module, class) of the methods in this folder.

    The source files are parsed, not imported: heavy libraries load only where a method runs.
    """
    bundled: dict[str, tuple[str, str]] = {}
    for path in sorted(Path(__file__).parent.glob("*.py")):
        for node in _parsed(path.read_text(encoding="utf-8")):
            if isinstance(node, ast.ClassDef) and (name := _declared_name(node)):
                bundled[name] = (path.stem, node.name)
    return bundled


def _parsed(text: str) -> list[ast.stmt]:
    """Return the statements of a source file up to its last line that may declare a name."""
    # Parsing takes ten times as long as this search, which most files do not pass.
    ends = [match.end() for match in re.finditer(DECLARATION, text, re.MULTILINE)]
    if not ends:
        return []
    try:
        return ast.parse(text[: ends[-1]]).body
    except SyntaxError:  # that line is part of a longer statement or of a docstring
        return ast.parse(text).body


def _declared_name(node: ast.ClassDef) -> str | None:
    """Return the string that a class body assigns to `name`, if any."""
    for statement in node.body:
        match statement:
            case (
                ast.AnnAssign(target=ast.Name("name"), value=ast.Constant(str(value)))
                | ast.Assign(targets=[ast.Name("name")], value=ast.Constant(str(value)))
            ):
                return value
    return None
