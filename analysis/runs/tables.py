"""The tables of a run, laid out as Table 1 of Moskalenko et al. 2020: methods down, metric within
resolution across, best and second best marked. How they are written: `analysis.table_formats`."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from dataclasses import replace

from analysis.runs import table_formats
from analysis.runs.run import Run, Score
from analysis.runs.table import AS_GIVEN, INCOMPLETE, Cell, Column, Table
from methods.files import write_atomically


def objective(run: Run) -> Table:
    """Means over images of the protocol's metrics. A mean over fewer images than the others is
    marked * and not ranked."""
    columns = [
        Column(resolution, metric.key, metric.label, metric.unit, metric.better, metric.decimals)
        for resolution in run.resolutions
        for metric in run.metrics
    ]
    rows = {
        method: [_cell(run, method, column, _mean) for column in columns] for method in run.methods
    }
    title = f"Objective results, protocol {run.info['protocol']['name']}"
    return Table(title, columns, _ranked(columns, rows), _objective_notes(run, rows), run.names)


def cost(run: Run) -> Table:
    """Median seconds and highest peak memory; timings of one machine, never ranked."""
    columns = [
        Column(resolution, key, label, unit, "", decimals)
        for resolution in run.resolutions
        for key, label, unit, decimals in (
            ("seconds", "time", "s", 2),
            ("peak_memory_mb", "memory", "MB", 0),
        )
    ]
    reduce: dict[str, Callable[[list[float]], float]] = {
        "seconds": statistics.median,
        "peak_memory_mb": max,
    }
    rows = {
        method: [
            replace(_cell(run, method, column, reduce[column.key]), as_given=0)
            for column in columns
        ]
        for method in run.methods
    }
    machine = run.info["machine"]
    notes = [
        "time: median over images of the method alone; memory: highest peak of its process.",
        f"Machine: {machine['processor']}; workers: {run.info['workers']}, threads of each: "
        f"{run.info['threads']}.",
    ]
    return Table("Time and memory", columns, rows, notes, run.names)


def write(run: Run) -> None:
    """Write tables/objective and tables/cost, .csv, .md and .tex, into the run folder."""
    for name, table in (("objective", objective(run)), ("cost", cost(run))):
        for suffix, text in (
            ("csv", table_formats.to_csv(table)),
            ("md", table_formats.to_markdown(table)),
            ("tex", table_formats.to_latex(table, name)),
        ):
            write_atomically(run.path / "tables" / f"{name}.{suffix}", text)


def _cell(run: Run, method: str, column: Column, reduce: Callable[[list[float]], float]) -> Cell:
    cases = run.cell(method, column.resolution)
    used = [case for case in cases if case.status == "ok" and column.key in case.values]
    values = [case.values[column.key] for case in used]
    as_given = sum(case.values.get("scored_as_given", 0) > 0 for case in used)
    return Cell(reduce(values) if values else None, len(values), len(cases), as_given)


def _mean(values: list[float]) -> float:
    # fsum: the same mean whatever the order of the rows.
    return math.fsum(values) / len(values)


def _ranked(columns: list[Column], rows: dict[str, list[Cell]]) -> dict[str, list[Cell]]:
    """Mark the best and second best of each column, by what is printed, complete cells only."""
    ranked = {method: list(cells) for method, cells in rows.items()}
    for i, column in enumerate(columns):
        complete = {
            method: round(cells[i].value or 0.0, column.decimals)
            for method, cells in rows.items()
            if cells[i].value is not None and cells[i].images == cells[i].expected
        }
        if len(complete) < 2:
            continue
        order = sorted(set(complete.values()), reverse=column.better == "higher")
        for method, value in complete.items():
            place = order.index(value) + 1
            ranked[method][i] = replace(rows[method][i], place=place if place < 3 else 0)
    return ranked


def _objective_notes(run: Run, rows: dict[str, list[Cell]]) -> list[str]:
    images = "1 image" if len(run.images) == 1 else f"{len(run.images)} images"
    notes = [
        f"Means over {images}, whole image after known pixels were put back; "
        f"protocol {run.info['protocol']['name']}. Best bold, second underlined."
    ]
    notes += [f"{metric.label}: {metric.definition}" for metric in run.metrics]
    notes += [
        f"{method['label']}: {method['note']}" for method in run.info["methods"] if method["note"]
    ]
    for method in rows:
        notes += _method_notes(method, [score for score in run.scores if score.method == method])
    return notes


def _method_notes(method: str, scores: list[Score]) -> list[str]:
    notes = []
    missing = [score for score in scores if score.status != "ok"]
    if missing:
        first = missing[0]
        notes.append(
            f"{method}: {len(missing)} of {len(scores)} cases without a result "
            f"({first.status}: {first.error}); {INCOMPLETE} marks means over fewer images."
        )
    as_given = sum(score.values.get("scored_as_given", 0) > 0 for score in scores)
    changed = sum(score.values.get("known_pixels_changed", 0) > 0 for score in scores) - as_given
    if as_given:
        notes.append(
            f"{method}: {AS_GIVEN} marks means with results made elsewhere ({as_given} of "
            f"{len(scores)}) that differ from the reference outside the hole; scored as given."
        )
    if changed:
        notes.append(
            f"{method}: changed known pixels in {changed} of {len(scores)} results; "
            "they were put back before scoring."
        )
    return notes
