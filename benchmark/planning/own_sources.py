"""Methods of the user's: whether their files have changed since their cases ran."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import methods
from benchmark.planning.method_specs import MethodSpec
from methods.files import sha256


def source_sha256(spec: MethodSpec) -> str | None:
    """Return the SHA-256 of the file of a "module:Class"; None for methods of the suite."""
    name, _, cls = spec.method.partition(":")
    if not cls or name in methods.available():
        return None
    file = getattr(sys.modules.get(name), "__file__", None)
    return sha256(Path(file)) if file else None


def changed(specs: Iterable[MethodSpec], earlier: dict[str, Any]) -> list[MethodSpec]:
    """Return the methods whose file is not the one of an earlier command.

    Parameters
    ----------
    earlier
        run.json of that command.
    """
    before = {entry["label"]: entry for entry in earlier.get("methods", [])}
    return [
        spec
        for spec in specs
        for known in [before.get(spec.label, {})]
        if known.get("method") == spec.method
        and known.get("source_sha256") not in (None, source_sha256(spec))
    ]
