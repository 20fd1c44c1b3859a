"""The tables of a run, laid out as Table 1 of Moskalenko et al. 2020: methods down, metric within
resolution across, best and second best marked."""

from __future__ import annotations

import csv
import io
import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape
from rich.table import Table as RichTable

from analysis.run import Run, Score, write_text

ARROWS = {"higher": "↑", "lower": "↓"}
ABSENT = "–"


@dataclass(frozen=True)
class Column:
    """One column: a quantity at one resolution. better: "higher", "lower" or "" (not ranked)."""

    resolution: int
    key: str
    label: str
    unit: str
    better: str
    decimals: int

    @property
    def heading(self) -> str:
        unit = f" ({self.unit})" if self.unit else ""
        return f"{self.label}{unit} {ARROWS.get(self.better, '')}".strip()


@dataclass(frozen=True)
class Cell:
    """One value: `images` of `expected` cases went into it. place: 1 best, 2 second, 0 other."""

    value: float | None
    images: int
    expected: int
    place: int = 0

    def text(self, decimals: int) -> str:
        if self.value is None:
            return ABSENT
        mark = "" if self.images == self.expected else "*"
        return f"{self.value:.{decimals}f}{mark}"


@dataclass(frozen=True)
class Table:
    """methods x columns, with the notes that belong under it."""

    columns: list[Column]
    rows: dict[str, list[Cell]]
    notes: list[str]


def objective(run: Run) -> Table:
    """Means over images of the protocol's metrics. A mean over fewer images than the others is
    marked * and not ranked."""
    metrics = run.info["metrics"]
    columns = [
        Column(resolution, key, *(metrics[key][name] for name in _METRIC_FIELDS))
        for resolution in run.resolutions
        for key in run.info["protocol"]["metrics"]
    ]
    rows = {
        method: [_cell(run, method, column, _mean) for column in columns] for method in run.methods
    }
    return Table(columns, _ranked(columns, rows), _objective_notes(run, rows))


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
        method: [_cell(run, method, column, reduce[column.key]) for column in columns]
        for method in run.methods
    }
    machine = run.info["machine"]
    notes = [
        "time: median over images of the method alone; memory: highest peak of its process.",
        f"Machine: {machine['processor']}, {run.info['threads']} thread(s) for each of "
        f"{run.info['workers']} worker(s).",
    ]
    return Table(columns, rows, notes)


def to_csv(table: Table) -> str:
    """Unrounded values; `<resolution>_images` tells how many images a mean is over."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    resolutions = list(dict.fromkeys(column.resolution for column in table.columns))
    writer.writerow(
        ["method"]
        + [f"{column.resolution}_{column.key}" for column in table.columns]
        + [f"{resolution}_images" for resolution in resolutions]
    )
    for method, cells in table.rows.items():
        counts = {
            column.resolution: cell.images
            for column, cell in zip(table.columns, cells, strict=True)
        }
        values = ["" if cell.value is None else repr(cell.value) for cell in cells]
        writer.writerow([method, *values, *(counts[resolution] for resolution in resolutions)])
    return text.getvalue()


def to_markdown(table: Table) -> str:
    """GitHub's tables have one heading row, so the resolution stands in each heading."""
    headings = [f"{column.resolution} {column.heading}" for column in table.columns]
    lines = [
        "| method | " + " | ".join(headings) + " |",
        "|---|" + "---:|" * len(table.columns),
    ]
    for method, cells in table.rows.items():
        texts = [
            _marked(cell, column, "**{}**", "<u>{}</u>")
            for column, cell in zip(table.columns, cells, strict=True)
        ]
        lines.append(f"| {_escaped(method)} | " + " | ".join(texts) + " |")
    return "\n".join(lines) + "\n\n" + "".join(f"- {_escaped(note)}\n" for note in table.notes)


def write(run: Run) -> None:
    """Write tables/objective and tables/cost, .csv and .md, into the run folder."""
    for name, table in (("objective", objective(run)), ("cost", cost(run))):
        write_text(run.path / "tables" / f"{name}.csv", to_csv(table))
        write_text(run.path / "tables" / f"{name}.md", to_markdown(table))


def show(table: Table, console: Console) -> None:
    """Print a table: all resolutions side by side where the terminal is wide enough (or where
    there is no terminal), one below the other otherwise. Notes follow."""
    resolutions = list(dict.fromkeys(column.resolution for column in table.columns))
    whole = _for_console(table, resolutions)
    width = console.measure(whole, options=console.options.update(max_width=10_000)).maximum
    if not console.is_terminal or width <= console.width:
        console.width = max(console.width, width)
        console.print(whole)
    else:
        for resolution in resolutions:
            console.print(_for_console(table, [resolution]), "")
    for note in table.notes:
        console.print(f"· {note}", markup=False, soft_wrap=not console.is_terminal)


def _for_console(table: Table, resolutions: Sequence[int]) -> RichTable:
    """The columns of some resolutions as a table for a terminal."""
    shown = [i for i, column in enumerate(table.columns) if column.resolution in resolutions]
    rich = RichTable(box=None, pad_edge=False, padding=(0, 1), header_style="")
    rich.add_column("\nmethod", no_wrap=True)
    for i in shown:
        column = table.columns[i]
        first = i == 0 or table.columns[i - 1].resolution != column.resolution
        over = f"{column.resolution} px" if first else ""
        heading = f"{over}\n{column.label}{ARROWS.get(column.better, '')}"
        rich.add_column(heading, justify="right", no_wrap=True)
    for method, cells in table.rows.items():
        texts = [
            _marked(cells[i], table.columns[i], "[bold]{}[/]", "[underline]{}[/]") for i in shown
        ]
        rich.add_row(escape(method), *texts)
    return rich


_METRIC_FIELDS = ("label", "unit", "better", "decimals")


def _cell(run: Run, method: str, column: Column, reduce: Callable[[list[float]], float]) -> Cell:
    cases = run.cell(method, column.resolution)
    values = [
        case.values[column.key]
        for case in cases
        if case.status == "ok" and column.key in case.values
    ]
    return Cell(reduce(values) if values else None, len(values), len(cases))


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
            cell = rows[method][i]
            place = order.index(value) + 1
            ranked[method][i] = Cell(
                cell.value, cell.images, cell.expected, place if place < 3 else 0
            )
    return ranked


def _objective_notes(run: Run, rows: dict[str, list[Cell]]) -> list[str]:
    protocol = run.info["protocol"]
    images = len(run.info["dataset"]["images"])
    notes = [
        f"Means over {images} images, whole image after known pixels were put back; "
        f"protocol {protocol['name']}. Best bold, second underlined."
    ]
    notes += [
        f"{run.info['metrics'][key]['label']}: {run.info['metrics'][key]['definition']}"
        for key in protocol["metrics"]
    ]
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
            f"({first.status}: {first.error}); * marks means over fewer images."
        )
    changed = sum(score.values.get("known_pixels_changed", 0) > 0 for score in scores)
    if changed:
        notes.append(
            f"{method}: changed known pixels in {changed} of {len(scores)} results; "
            "they were put back before scoring."
        )
    return notes


def _marked(cell: Cell, column: Column, best: str, second: str) -> str:
    text = cell.text(column.decimals)
    return {1: best, 2: second}.get(cell.place, "{}").format(text)


def _escaped(text: str) -> str:
    return text.replace("|", r"\|")
