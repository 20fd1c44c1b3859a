"""The pages of the Python interface tell of every parameter and of what comes back."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

# What docs/api shows.
MODULES = (
    "methods",
    "methods.base",
    "methods.network",
    "benchmark",
    "benchmark.metrics",
    "analysis",
    "analysis.bradley_terry.fit",
)
NETWORKS = ("dfnet:DFNet", "refinement:RefinementNet", "detail:DetailNet", "deepfillv2:DeepFillV2")


def public(module: ModuleType) -> dict[str, Callable[..., Any]]:
    """Functions, and the public methods of classes, that a module offers."""
    own = [name for name, one in vars(module).items() if is_own(one, module)]
    found: dict[str, Callable[..., Any]] = {}
    for name in getattr(module, "__all__", own):
        one = getattr(module, name)
        if inspect.isfunction(one):
            found[name] = one
        elif inspect.isclass(one) and not issubclass(one, Exception):
            found |= public_methods(one)
    return found


def public_methods(cls: type) -> dict[str, Callable[..., Any]]:
    return {
        f"{cls.__name__}.{name}": one
        for name, one in vars(cls).items()
        if inspect.isfunction(one) and not name.startswith("_")
    }


def is_own(one: object, module: ModuleType) -> bool:
    has_home = getattr(one, "__module__", None) == module.__name__
    return has_home and not getattr(one, "__name__", "_").startswith("_")


def missing_sections(function: Callable[..., Any]) -> list[str]:
    text = inspect.getdoc(function) or ""
    signature = inspect.signature(function)
    told = text.split("\n---")
    sections = {part.rsplit("\n", 1)[-1] for part in told[:-1]}
    missing = [] if text else ["a docstring"]
    if signature.parameters.keys() - {"self", "cls"} and "Parameters" not in sections:
        missing.append("Parameters")
    returned = str(signature.return_annotation)
    if returned not in {"None", "NoReturn"} and not sections & {"Returns", "Yields"}:
        missing.append("Returns")
    return missing


def assert_told(functions: dict[str, Callable[..., Any]]) -> None:
    assert functions
    missing = {name: missing_sections(function) for name, function in functions.items()}
    assert {name: sections for name, sections in missing.items() if sections} == {}


@pytest.mark.parametrize("name", MODULES)
def test_parameters_and_returns_are_told(name: str) -> None:
    assert_told(public(importlib.import_module(name)))


@pytest.mark.parametrize("name", NETWORKS)
def test_shapes_of_networks_are_told(name: str) -> None:
    module, _, cls = name.partition(":")
    imported = importlib.import_module(f"methods.architectures.{module}")
    assert_told(public_methods(getattr(imported, cls)))
