"""The page's table of cases: all of a run, or as many as a browser sorts and a mail carries."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate, islice
from typing import Any

from analysis.figures.gallery import chosen, json_length
from analysis.runs.run import Run, Score

# Rows that a browser still sorts at once, and what they may take of the page.
MOST_CASES = 20_000
MOST_BYTES = 6_000_000


@dataclass(frozen=True)
class CaseTable:
    """data: {"columns", "rows"} as the page's script sorts them; remark: what is not listed, ""
    where all is."""

    data: dict[str, Any]
    remark: str


def case_table(run: Run) -> CaseTable:
    """All cases, or, where these are too many, those of the gallery's photographs first and then
    those without a result, as far as they fit."""
    columns = _columns(run)
    rows = _fitting(run.scores, columns)
    remark = ""
    if len(rows) < len(run.scores):
        shown = set(chosen(run.images))
        first = [score for score in run.scores if score.image in shown]
        failed = [s for s in run.scores if s.status != "ok" and s.image not in shown]
        rows = _fitting([*first, *failed], columns)
        remark = _remark(len(run.scores), len(rows), len(first), len(failed))
    places = {method: place for place, method in enumerate(run.methods)}
    rows.sort(key=lambda row: (row["image"], places[row["method"]], row["resolution"]))
    return CaseTable({"columns": columns, "rows": rows}, remark)


def _remark(total: int, listed: int, first: int, failed: int) -> str:
    of_gallery = min(listed, first)
    return (
        f"Of {total:,} cases {listed:,} are listed: {of_gallery:,} of {first:,} of the photographs "
        f"in the gallery, and {listed - of_gallery:,} of {failed:,} others without a result; all "
        "are in scores.csv of the run folder."
    )


def _fitting(scores: Iterable[Score], columns: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of the first scores, as many as the page has room for."""
    rows = [_row(score, columns) for score in islice(scores, MOST_CASES)]
    sizes = accumulate(map(json_length, rows))
    return rows[: sum(size <= MOST_BYTES for size in sizes)]


def _columns(run: Run) -> list[dict[str, Any]]:
    described = [run.metric(key) for key in run.info["metrics"]]
    return [
        *({"key": m.key, "label": m.heading, "decimals": m.decimals} for m in described),
        *(
            {"key": f"{m.key}_hole", "label": f"hole {m.heading}", "decimals": m.decimals}
            for m in described
        ),
        {"key": "seconds", "label": "seconds", "decimals": 2},
        {"key": "known_pixels_changed", "label": "known pixels changed", "decimals": 0},
    ]


def _row(score: Score, columns: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "image": score.image,
        "method": score.method,
        "resolution": score.resolution,
        "status": score.status,
        "error": score.error,
        "as_given": score.values.get("scored_as_given", 0) > 0,
        # JSON has no infinity; the page writes texts as they are.
        "values": [_finite(score.values.get(column["key"])) for column in columns],
    }


def _finite(value: float | None) -> float | str | None:
    return value if value is None or abs(value) != float("inf") else "inf"
