"""report.html: one self-contained page about a run."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path, PurePath
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from analysis import style
from analysis.figures.gallery import data_url
from analysis.output import ABSENT, apart
from analysis.report import people as people_section
from analysis.report.case_table import case_table
from analysis.report.people import People
from analysis.runs import published, tables
from analysis.runs.complete import without_pictures
from analysis.runs.differences import Difference, to_best_by_hole_share, why_none
from analysis.runs.hole_shares import by_hole_share
from analysis.runs.metric_info import ARROWS, MetricInfo
from analysis.runs.photographs import have_several_masks, masks
from analysis.runs.plots import Plot
from analysis.runs.published import PublishedTable
from analysis.runs.run import Run, highest
from analysis.runs.tables import Table
from methods.base import Resolution
from methods.resolutions import size_text, sizes_text
from methods.shown_text import counted

FILE_NAME = "report.html"
# Mail servers refuse larger files.
MOST_BYTES = 15_000_000
# More than the gallery takes besides its images.
GALLERY_MARKUP = 10_000
# Rows of the lists of photographs and of audited results.
MOST_ROWS = 1000
TEMPLATES = Path(__file__).parent


def prepare(
    run: Run,
    plots: Iterable[Plot],
    to_best: list[Difference],
    across: list[Difference],
    fingerprint: str,
    people: People | None,
) -> Callable[..., str]:
    """Prepare the page except for its gallery.

    Return a function from `photos`, the entries of `analysis.figures.gallery`, to the HTML text.
    """
    objective = tables.objective(run)
    cases, unlisted = case_table(run)
    section = people_section.section(people) if people else None
    return partial(
        environment().get_template("report.html").render,
        **provenance(run),
        fingerprint=fingerprint,
        css=Markup((TEMPLATES / "report.css").read_text(encoding="utf-8")),
        script=Markup((TEMPLATES / "report.js").read_text(encoding="utf-8")),
        summary=summary(run),
        objective=objective,
        arrows=ARROWS,
        published=[
            _aligned(table, objective)
            for table in published.for_protocol(run.protocol)
            # Of other resolutions it would have nothing but dashes.
            if {size for _, size in table.values} & set(run.resolutions)
        ],
        by_hole_share=by_hole_share(run),
        cost=tables.cost(run),
        why_none="" if to_best else why_none(run),
        best=comparison(run, [(size_text(d.resolution), d) for d in to_best]),
        best_by_share=comparison(
            run, [(group.heading, d) for group, d in to_best_by_hole_share(run)]
        ),
        across=comparison(run, [("", d) for d in across]),
        across_sizes=(across[0].other_resolution, across[0].resolution) if across else (),
        over=resampled(run),
        plots=_embedded(plots),
        people=section and {**section, "plots": _embedded(section["plots"])},
        audit=run.audit,
        flagged=[row for row in run.audit if row["verdict"] != "ok"],
        resolution=highest(run.resolutions),
        without_pictures=without_pictures(run, highest(run.resolutions)),
        size_text=size_text,
        cases=cases,
        unlisted=unlisted,
    )


def environment(*folders: Path) -> Environment:
    """Return an environment of this folder's templates, and of those in further folders."""
    return Environment(
        loader=FileSystemLoader([*folders, TEMPLATES]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def provenance(run: Run) -> dict[str, Any]:
    """Return what the template provenance.html needs."""
    return {
        "run": run,
        "info": run.info,
        # Without its folder, which a page for others need not reveal.
        "dataset": PurePath(run.info["dataset"]["path"]).name,
        "most_rows": MOST_ROWS,
        "weights": any(method.get("weights_sha256") for method in run.info["methods"]),
        "protocol_json": json.dumps(run.info["protocol"], indent=2, ensure_ascii=False),
    }


def _embedded(plots: Iterable[Plot]) -> list[tuple[Plot, str]]:
    """Return each plot with its figure as an SVG data URL."""
    return [(plot, data_url("svg+xml", style.encoded(plot.figure, "svg"))) for plot in plots]


def resampled(run: Run) -> str:
    """Return what the bootstrap of a run draws, in words."""
    if have_several_masks(run):
        return "photographs, each drawn with all its masks"
    is_repeated = len(run.images) > run.number_of_photographs
    return "photographs, each drawn under all its names" if is_repeated else "images"


def summary(run: Run) -> str:
    """Return methods, photographs, sizes and finished cases of a run in words."""
    done = sum(case.status == "ok" for case in run.cases)
    photographs = counted(run.number_of_photographs, "photograph")
    with_masks = f" with {masks(run)} masks" if have_several_masks(run) else ""
    return (
        f"{counted(len(run.methods), 'method')} on {photographs}{with_masks} at "
        f"{sizes_text(run.resolutions)}, protocol {run.protocol}. "
        f"{done} of {counted(len(run.cases), 'case')} have a result."
    )


def _aligned(table: PublishedTable, objective: Table) -> dict[str, Any]:
    """Return a published table in the columns of the run's own."""
    columns = [(column.group.resolution, column.metric.key) for column in objective.columns]
    rows = [
        {
            "method": method,
            "cells": [_published_cell(table, (method, size), key) for size, key in columns],
        }
        for method in table.methods
    ]
    remarks = [
        f"{method} at {resolution} px: {remark}"
        for (method, resolution), remark in table.remarks.items()
        if resolution in {size for size, _ in columns}
    ]
    return {"about": table, "rows": rows, "remarks": remarks}


def _published_cell(
    table: PublishedTable, row: tuple[str, Resolution], metric: str
) -> dict[str, str]:
    text = table.values.get(row, {}).get(metric, "")
    remark = table.remarks.get(row, "")
    # A remark begins with the metric that it is about.
    about = remark if remark.lower().startswith(metric) else ""
    return {"text": text or ABSENT, "remark": about}


def comparison(run: Run, differences: list[tuple[str, Difference]]) -> list[dict[str, Any]]:
    """Return differences, each with its column, as a table per metric with methods down."""
    comparisons = []
    for metric in run.metrics:
        of_metric = [(column, d) for column, d in differences if d.metric == metric.key]
        if not of_metric:
            continue
        headings = list(dict.fromkeys(column for column, _ in of_metric))
        decimals = _decimals([d for _, d in of_metric], metric)
        cells = {(d.method, column): _difference_cell(d, decimals) for column, d in of_metric}
        for column, d in of_metric:
            cells.setdefault((d.other, column), {"text": "best", "outcome": "best"})
        empty = {"text": ABSENT, "outcome": ""}
        rows = [
            (method, [cells.get((method, name), empty) for name in headings])
            for method in run.methods
        ]
        comparisons.append({"metric": metric, "headings": headings, "rows": rows})
    return comparisons


def _decimals(differences: list[Difference], metric: MetricInfo) -> int:
    """Return the metric's decimals, or one more if the median would have one significant digit."""
    sizes = sorted(abs(d.difference) for d in differences if d.difference)
    if not sizes:
        return metric.decimals
    two_digits = 1 - math.floor(math.log10(sizes[len(sizes) // 2]))
    return min(metric.decimals + 1, max(metric.decimals, two_digits))


def _difference_cell(difference: Difference, decimals: int) -> dict[str, str]:
    def signed(value: float) -> str:
        return apart(value, 0, f"+.{decimals}f").replace("-", "−")

    text = signed(difference.difference)
    if difference.ci_low is not None and difference.ci_high is not None:
        text += f" [{signed(difference.ci_low)}, {signed(difference.ci_high)}]"
    return {"text": text, "outcome": difference.outcome}
