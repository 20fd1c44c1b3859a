"""Keywords of the Python interface, as the job takes them."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterable, Mapping, Sequence
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.planning import method_specs
from methods.base import Inpainter, Resolution
from methods.errors import InputError

# A name, a subclass of `Inpainter` from a module, or a label with a table as in a method file.
Methods = Sequence[str | type[Inpainter]] | Mapping[str, str | Mapping[str, Any]]


def sizes(resolutions: Resolution | Sequence[Resolution] | None) -> str | None:
    """Return resolutions as the command line takes them."""
    if resolutions is None:
        return None
    every = [resolutions] if isinstance(resolutions, Real | str) else resolutions
    if not isinstance(every, Iterable):
        raise InputError(f"resolutions={resolutions!r}: give pixels, or a list of them")
    return ",".join(map(str, every))


def specs(
    methods: Methods | None,
    external: Mapping[str, str | Path],
    options: Mapping[str, Mapping[str, Any]],
    weights: Mapping[str, str | Path],
    pythons: Mapping[str, str | Path],
    device: str,
    seed: int,
) -> list[method_specs.MethodSpec]:
    if methods is None:
        methods = () if external else method_specs.DEFAULT
    if isinstance(methods, str):
        raise InputError(f"methods={methods!r}: give a list, such as [{methods!r}]")
    if isinstance(methods, Mapping):
        named: list[Any] = [
            (label, {"method": table} if isinstance(table, str) else _plain(table))
            for label, table in methods.items()
        ]
    else:
        named = [method if isinstance(method, str) else _importable(method) for method in methods]
    tables = method_specs.tables_of(named, external=external.items(), pythons=pythons)
    for label, values in options.items():
        for option, value in values.items():
            method_specs.set_option(tables, label, option, _plain(value))
    for network, path in weights.items():
        method_specs.set_weights(tables, network, str(path))
    if not tables:
        raise InputError("methods is empty; see: python -m methods list")
    return method_specs.specs_of(tables, device, seed)


def _plain(value: Any) -> Any:
    """Return a value without the types of NumPy, which JSON does not have."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value


def path_of(path: Any, keyword: str) -> Path:
    if not isinstance(path, str | Path):
        raise InputError(f"{keyword}: a path is needed, not {type(path).__name__}")
    return Path(path).expanduser()


def refuse_wrong_place(progress: Any) -> None:
    """Raise InputError if no run can be started or shown, before anything is read."""
    if progress is not None and not callable(progress):
        raise InputError(f"progress={progress!r}: a function of two numbers is needed, or None")
    if multiprocessing.current_process().daemon:
        raise InputError(
            "a run starts processes, which those of multiprocessing.Pool may not: call it from a "
            "thread, or from concurrent.futures.ProcessPoolExecutor"
        )


def _importable(method: Any) -> str:
    """Return the "module:Class" of a class, by which a process of its own can import it."""
    if not (isinstance(method, type) and issubclass(method, Inpainter)):
        raise InputError(f"methods: {method!r} is neither a name nor a subclass of Inpainter")
    if method.__module__ == "__main__":
        raise InputError(
            f"methods: {method.__name__} is defined in a notebook or script, where the process "
            f"that runs it cannot import it; save it to a file, such as mine.py, and give "
            f"'mine:{method.__name__}'"
        )
    return f"{method.__module__}:{method.__qualname__}"
