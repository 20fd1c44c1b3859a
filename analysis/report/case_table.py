"""The table of cases on the page: all of a run, or as many as fit."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import accumulate, islice
from typing import Any

from analysis.figures.gallery import chosen, json_length
from analysis.runs.run import Case, Run

# Rows that a browser sorts without delay, and the bytes of the page that they may take.
MOST_CASES = 20_000
_MOST_BYTES = 6_000_000
# Key of the column of a merged run that names where a case was computed.
_ORIGIN = "run"


def case_table(run: Run) -> tuple[dict[str, Any], str]:
    """Return the table for the page's script, and a remark on cases that it leaves out, if any.

    Of too many cases it has those of the gallery's photographs, then those without a result.
    """
    columns = _columns(run)
    rows = _fitting(run, run.cases, columns)
    remark = ""
    if len(rows) < len(run.cases):
        shown = set(chosen(run.images))
        first = [case for case in run.cases if case.image in shown]
        failed = [c for c in run.cases if c.status != "ok" and c.image not in shown]
        rows = _fitting(run, [*first, *failed], columns)
        of_gallery = min(len(rows), len(first))
        remark = (
            f"Of {len(run.cases):,} cases {len(rows):,} are listed: {of_gallery:,} of "
            f"{len(first):,} of the photographs in the gallery, and {len(rows) - of_gallery:,} of "
            f"{len(failed):,} others without a result; all are in scores.csv of the run folder."
        )
    order = {method: position for position, method in enumerate(run.methods)}
    rows.sort(key=lambda row: (row["image"], order[row["method"]], row["resolution"]))
    return {"columns": columns, "rows": rows}, remark


def _fitting(
    run: Run, cases: Iterable[Case], columns: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Return rows of the first cases, as many as the page has room for."""
    rows = [_row(run, case, columns) for case in islice(cases, MOST_CASES)]
    sizes = accumulate(map(json_length, rows))
    return rows[: sum(size <= _MOST_BYTES for size in sizes)]


def _columns(run: Run) -> list[dict[str, Any]]:
    metrics = [run.metric(key) for key in run.info["metrics"]] if run.has_reference else run.metrics
    columns = [(m.key, m.heading, m.decimals) for m in metrics]
    columns += [(f"{m.key}_hole", f"hole {m.heading}", m.decimals) for m in metrics]
    if any("hole_share" in case.values for case in run.cases):
        columns.append(("hole_share", "hole's share", 3))
    columns += [("seconds", "seconds", 2), ("known_pixels_changed", "known pixels changed", 0)]
    if run.origins.of_case:
        columns.append((_ORIGIN, "from run", 0))
    return [dict(zip(("key", "label", "decimals"), column, strict=True)) for column in columns]


def _row(run: Run, case: Case, columns: list[dict[str, Any]]) -> dict[str, Any]:
    values: list[float | str | None] = [
        run.origin(case) if column["key"] == _ORIGIN else case.values.get(column["key"])
        for column in columns
    ]
    return {
        "image": case.image,
        "method": case.method,
        "resolution": case.resolution,
        "status": case.status,
        "error": case.error,
        "as_given": case.scored_as_given,
        # JSON has no infinity; the script prints texts as they are.
        "values": ["inf" if value == math.inf else value for value in values],
    }
