"""Files of set metrics: a table with intervals as CSV, Markdown and LaTeX."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from analysis.output import (
    ABSENT,
    between,
    latex_table,
    make_folder,
    markdown_table,
    to_csv,
)
from analysis.runs.metric_info import ARROWS
from analysis.runs.tables import INCOMPLETE
from analysis.sets.set_metrics import (
    FEWEST_PHOTOGRAPHS,
    METRICS,
    Estimate,
    SetMetric,
    SetMetrics,
    fewest_samples,
)
from methods.files import write_atomically
from methods.resolutions import size_text
from methods.shown_text import counted

_HEADING = (
    "method", "resolution", "metric", "value", "ci_low", "ci_high",
    "images", "photographs", "samples",
)  # fmt: skip


def write(found: SetMetrics, folder: Path, command: Sequence[str]) -> list[Path]:
    """Write set_metrics.csv, .md and .tex and return their paths.

    Raises InputError if `folder` cannot be created.
    """
    make_folder(folder)
    notes = _notes(found, command)
    heading, rows = _table(found)
    texts = {
        "csv": to_csv(_HEADING, _long(found)),
        "md": markdown_table(heading, rows, notes, names=[0]),
        "tex": latex_table(
            heading, rows, notes, names=[0], caption=_title(found), label="set_metrics"
        ),
    }
    paths = [folder / f"set_metrics.{suffix}" for suffix in texts]
    for path, text in zip(paths, texts.values(), strict=True):
        write_atomically(path, text)
    return paths


def to_text(found: SetMetrics) -> str:
    """Return the table for a terminal."""
    return markdown_table(*_table(found), _notes(found), names=[0], escape=str)


def _title(found: SetMetrics) -> str:
    what = "patches around holes" if found.of_patches else "whole images"
    return f"Set metrics of {what}, protocol {found.run.protocol}"


def _long(found: SetMetrics) -> list[list[object]]:
    """Return a row for each value; of a metric that was refused, without one."""
    rows: list[list[object]] = []
    for cell in found.cells:
        for metric in METRICS.values():
            numbers = cell.values.get(metric.key, (None, None, None))
            counts = cell.images, cell.photographs, cell.samples
            rows.append([cell.method, cell.resolution, found.name(metric)[0], *numbers, *counts])
    return rows


def _table(found: SetMetrics) -> tuple[list[str], list[list[str]]]:
    computed = _computed(found)
    names = [f"{found.name(metric)[1]} {ARROWS[metric.better]}" for metric in computed]
    rows = [
        [
            found.run.names[cell.method], str(cell.resolution),
            f"{cell.samples}{INCOMPLETE if cell.images < cell.expected else ''}",
            *(_shown(cell.values.get(metric.key)) for metric in computed),
        ]
        for cell in found.cells
    ]  # fmt: skip
    return ["method", "size", "patches" if found.of_patches else "images", *names], rows


def _computed(found: SetMetrics) -> list[SetMetric]:
    """Return the metrics that have a value anywhere."""
    return [m for m in METRICS.values() if any(m.key in cell.values for cell in found.cells)]


def _shown(estimate: Estimate | None) -> str:
    if estimate is None:
        return ABSENT
    low, high = f"{estimate.ci_low:.3g}", f"{estimate.ci_high:.3g}"
    return f"{estimate.value:.3g} ({between(low, high)})"


def _notes(found: SetMetrics, command: Sequence[str] = ()) -> list[str]:
    network, run = found.network, found.run
    what = "whole images after known pixels were put back"
    if found.of_patches:
        what = (
            f"squares of {network.side} x {network.side} px at full resolution that cover the holes"
        )
    notes = [
        f"Between results and references over all photographs of a row: {what}. Protocol "
        f"{run.protocol}. In brackets 95 % intervals from {found.resamples} resamples of "
        "photographs, moved by the resamples' bias.",
        f"Features: {network.definition}.",
        *run.remarks,
    ]
    computed = _computed(found)
    notes += [f"{found.name(metric)[1]}: {metric.definition}." for metric in computed]
    notes += _refusals(found)
    notes += [
        f"{INCOMPLETE} {cell.method}, {size_text(cell.resolution)}: "
        f"{counted(cell.images, 'image')} of {cell.expected}; not comparable with rows of all."
        for cell in found.cells
        if cell.images < cell.expected
    ]
    return [*notes, *([f"Command: {' '.join(command)}"] if command else [])]


def _refusals(found: SetMetrics) -> Iterator[str]:
    """Say below how many samples metrics have no value, and why."""
    what = "patches" if found.of_patches else "images"
    for metric in METRICS.values():
        fewer = [cell.samples for cell in found.cells if metric.key not in cell.values]
        if fewer and metric.needs_many:
            yield (
                f"{found.name(metric)[1]}: left out for {min(fewer)} {what}, it needs "
                f"{fewest_samples(metric, found.network)}, twice the {found.network.features} "
                f"features: {metric.needs_many}."
            )
        elif fewer:
            yield (
                f"{found.name(metric)[1]}: left out where there are fewer than "
                f"{FEWEST_PHOTOGRAPHS} photographs, for an interval."
            )
