"""How a study stands, for a terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from survey.results.board import board
from survey.storage import database
from survey.storage.opened import open_study


def text(folder: Path) -> str:
    """Raises InputError."""
    opened = open_study(folder)
    with database.explained(str(folder)):
        found = board(opened)
    opened.engine.dispose()
    people, votes = found["people"], found["votes"]
    target = f" of {votes['target']:,} wanted" if votes["target"] else ""
    lines = [
        f"{folder}: {found['state']}{', simulated' if found['simulated'] else ''}",
        "people: " + ", ".join(f"{number:,} {name}" for name, number in people.items()),
        *(f"  excluded: {number:,} {reason}" for reason, number in found["reasons"]),
        f"votes: {votes['all']:,}, valid {votes['valid']:,}{target}",
    ]
    if found["median_ms"] is not None:
        lines.append(f"median answer: {found['median_ms'] / 1000:.1f} s")
    if found["sides"] is not None:
        lines.append(f"left side chosen: {100 * found['sides']:.1f} %")
    return "\n".join([*lines, "", *_ranking(found)]) + "\n"


def _ranking(found: dict[str, Any]) -> list[str]:
    wide = max((len(row["method"]) for row in found["ranking"]), default=0)
    lines = [
        f"{row['rank']:3d}  {row['method']:{wide}s}  {row['ability']:7.3f}  "
        f"({row['ci_low']:.3f} to {row['ci_high']:.3f})"
        for row in found["ranking"]
    ]
    return [*lines, found["ranking_note"]]
