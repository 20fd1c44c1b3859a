"""Tables, plots, figures, rankings and reports from finished runs and votes.

`read_votes`, `rank`, `correlate` and `objective_table` are for Python and notebooks; they are
imported when they are first used, since the survey needs a part of this package only.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analysis.interface import RankingResult, correlate, objective_table, rank, read_votes

__all__ = ["RankingResult", "correlate", "objective_table", "rank", "read_votes"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("analysis.interface"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
