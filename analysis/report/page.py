"""report.html: one self-contained page with everything that a run has to tell."""

from __future__ import annotations

import base64
import io
import json
import math
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path, PurePath
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from matplotlib.figure import Figure

from analysis.output import ABSENT
from analysis.report import people
from analysis.report.case_table import case_table
from analysis.report.people import People
from analysis.runs import published, tables
from analysis.runs.differences import Difference
from analysis.runs.plots import Plot
from analysis.runs.published import PublishedTable
from analysis.runs.run import ARROWS, Metric, Run
from analysis.runs.table import Table

FILE_NAME = "report.html"
TEMPLATES = Path(__file__).parent
# That the page can be mailed.
MOST_BYTES = 15_000_000
# More than the gallery takes besides its pictures.
GALLERY_MARKUP = 10_000
# Of photographs and of results made elsewhere.
MOST_ROWS = 1000


def prepared(
    run: Run,
    plots: Iterable[Plot],
    to_best: list[Difference],
    across: list[Difference],
    fingerprint: str,
    preferences: People | None = None,
) -> Callable[[dict[str, Any]], str]:
    """All of the page but its gallery: a function from that, {"resolution", "total", "methods",
    "photos": entries of `analysis.gallery`}, to the page as HTML text.

    preferences: people's, where there are votes; fingerprint: kept in the page, tells later whether
    it is still up to date."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    objective = tables.objective(run)
    cases = case_table(run)
    page = partial(
        environment.get_template("report.html").render,
        run=run,
        info=run.info,
        fingerprint=fingerprint,
        css=Markup((TEMPLATES / "report.css").read_text(encoding="utf-8")),
        script=Markup((TEMPLATES / "report.js").read_text(encoding="utf-8")),
        summary=_summary(run),
        objective=objective,
        arrows=ARROWS,
        published=[
            _aligned(table, objective)
            for table in published.for_protocol(run.info["protocol"]["name"])
        ],
        cost=tables.cost(run),
        best=_comparison(run, to_best, lambda d: f"{d.resolution} px"),
        across=_comparison(run, across, lambda d: ""),
        across_sizes=(min(run.resolutions), max(run.resolutions)),
        # The name only: a page that is sent around need not tell the sender's folders.
        dataset=PurePath(run.info["dataset"]["path"]).name,
        plots=[(plot, _svg(plot.figure)) for plot in plots],
        people=_people(preferences) if preferences else None,
        audit=run.audit,
        flagged=[row for row in run.audit if row["verdict"] != "ok"],
        most_rows=MOST_ROWS,
        cases=cases,
        protocol_json=json.dumps(run.info["protocol"], indent=2, ensure_ascii=False),
    )
    return lambda gallery: page(gallery=gallery)


def _people(preferences: People) -> dict[str, Any]:
    found = people.section(preferences)
    return {**found, "plots": [(plot, _svg(plot.figure)) for plot in found["plots"]]}


def _summary(run: Run) -> str:
    done = sum(score.status == "ok" for score in run.scores)
    sizes = ", ".join(map(str, run.resolutions))
    return (
        f"{_count(len(run.methods), 'method')} on {_count(len(run.images), 'photograph')} at "
        f"{sizes} px, protocol {run.info['protocol']['name']}. "
        f"{done} of {_count(len(run.scores), 'case')} have a result."
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _aligned(table: PublishedTable, objective: Table) -> dict[str, Any]:
    """A published table in the columns of the run's own."""
    rows = [
        {
            "method": method,
            "cells": [
                _published_cell(table, method, column.resolution, column.key)
                for column in objective.columns
            ],
        }
        for method in table.methods
    ]
    remarks = [
        f"{method} at {resolution} px: {remark}"
        for (method, resolution), remark in table.remarks.items()
        if resolution in objective.resolutions
    ]
    return {"about": table, "rows": rows, "remarks": remarks}


def _published_cell(
    table: PublishedTable, method: str, resolution: int, key: str
) -> dict[str, str]:
    text = table.values.get((method, resolution), {}).get(key, "")
    remark = table.remarks.get((method, resolution), "")
    # A remark names the metric that it is about first.
    about = remark if remark.lower().startswith(key) else ""
    return {"text": text or ABSENT, "remark": about}


def _comparison(
    run: Run, differences: list[Difference], heading: Callable[[Difference], str]
) -> list[dict[str, Any]]:
    """Differences as one table per metric: methods down, whatever `heading` names across."""
    found = []
    for metric in run.metrics:
        mine = [difference for difference in differences if difference.metric == metric.key]
        headings = list(dict.fromkeys(map(heading, mine)))
        decimals = _decimals(mine, metric)
        cells = {(d.method, heading(d)): _difference_cell(d, decimals) for d in mine}
        for d in mine:
            cells.setdefault((d.other, heading(d)), {"text": "best", "outcome": "best"})
        empty = {"text": ABSENT, "outcome": ""}
        rows = [
            (method, [cells.get((method, name), empty) for name in headings])
            for method in run.methods
        ]
        if mine:
            found.append({"metric": metric, "headings": headings, "rows": rows})
    return found


def _decimals(differences: list[Difference], metric: Metric) -> int:
    """As many as the metric has, or one more where most differences would be 0.00 something."""
    sizes = sorted(abs(d.difference) for d in differences if d.difference)
    if not sizes:
        return metric.decimals
    two_digits = 1 - math.floor(math.log10(sizes[len(sizes) // 2]))
    return min(metric.decimals + 1, max(metric.decimals, two_digits))


def _difference_cell(difference: Difference, decimals: int) -> dict[str, str]:
    def number(value: float) -> str:
        return f"{value:+.{decimals}f}".replace("-", "−")

    text = number(difference.difference)
    if difference.ci_low is not None and difference.ci_high is not None:
        text += f" [{number(difference.ci_low)}, {number(difference.ci_high)}]"
    return {"text": text, "outcome": difference.outcome}


def _svg(figure: Figure) -> str:
    content = io.BytesIO()
    figure.savefig(content, format="svg", metadata={"Date": None})
    return f"data:image/svg+xml;base64,{base64.b64encode(content.getvalue()).decode()}"
