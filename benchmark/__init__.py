"""The benchmark: run methods on photographs, score the results.

`run`, `read_scores`, `score` and `score_folder` are for Python and notebooks; they are imported
when they are first used, since parts of this package run where pandas is not wanted.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmark.interface import read_scores, run, score, score_folder

__all__ = ["read_scores", "run", "score", "score_folder"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("benchmark.interface"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
