"""The tables of a run, laid out as Table 1 of Moskalenko et al. 2020: methods down, metrics within
resolutions (or ranges of the hole's share) across, best and second best marked."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any

from analysis.output import ABSENT
from analysis.runs.case import MOST_NAMED, reasons
from analysis.runs.metric_info import MetricInfo
from analysis.runs.photographs import have_several_masks, repeated
from analysis.runs.run import Case, Run
from methods.base import Resolution
from methods.resolutions import size_text
from methods.shown_text import counted

# Marks on values, explained in the notes below a table.
INCOMPLETE = "*"
AS_GIVEN = "†"
# Quantities of the table of costs, and how the values of several images become one.
_COSTS: dict[MetricInfo, Callable[[list[float]], float]] = {
    MetricInfo("seconds", "time", "s", "", 2): statistics.median,
    MetricInfo("peak_memory_mb", "memory", "MB", "", 0): max,
}


@dataclass(frozen=True)
class Group:
    """Columns that stand together: those of the same images at the same resolution."""

    # In the names of columns of CSV, such as "1024" or "0-10%".
    key: str
    heading: str
    resolution: Resolution
    images: frozenset[str]


@dataclass(frozen=True)
class Column:
    """One column: a quantity of a group."""

    group: Group
    metric: MetricInfo


@dataclass(frozen=True)
class Cell:
    """One value of a column, computed from `images` of `expected` cases."""

    column: Column
    value: float | None
    images: int
    expected: int
    # Cases scored without putting changed known pixels back.
    as_given: int = 0
    # 1 for the best value of a column, 2 for the second best, else 0.
    place: int = 0

    @property
    def complete(self) -> bool:
        """Whether the value is computed from all cases."""
        return self.value is not None and self.images == self.expected

    @property
    def marks(self) -> str:
        """Marks that the notes below the table explain."""
        incomplete = self.value is not None and not self.complete
        return INCOMPLETE * incomplete + AS_GIVEN * (self.as_given > 0)

    @property
    def number(self) -> str:
        """The rounded value, "" without one; costs, which are never zero, at least as "<0.01"."""
        if self.value is None:
            return ""
        metric = self.column.metric
        number = f"{self.value:.{metric.decimals}f}"
        if metric not in _COSTS or float(number):
            return number
        return f"<{10**-metric.decimals:.{metric.decimals}f}"

    @property
    def text(self) -> str:
        """The rounded value with its marks, or a dash."""
        return self.number + self.marks if self.number else ABSENT


@dataclass(frozen=True)
class Table:
    """Cells by method, a cell for each column, with notes to print below."""

    title: str
    # Those of a group one after the other.
    columns: list[Column]
    rows: dict[str, list[Cell]]
    notes: list[str]
    # Method -> its name for readers.
    names: dict[str, str]

    @property
    def groups(self) -> list[Group]:
        return list(dict.fromkeys(column.group for column in self.columns))


def objective(run: Run) -> Table:
    """Return the means of the protocol's metrics; those over fewer images are not ranked."""
    columns = _columns(_by_resolution(run), run.metrics or run.protocol_metrics)
    title = f"Objective results, protocol {run.protocol}"
    return Table(title, columns, means(run, columns), _objective_notes(run), run.names)


def means(run: Run, columns: list[Column]) -> dict[str, list[Cell]]:
    """Return method -> its means, the best of each column marked."""
    left_out = {column.metric: run.not_finite(column.metric.key).keys() for column in columns}
    rows = {
        method: [_cell(run, method, column, _mean, left_out[column.metric]) for column in columns]
        for method in run.methods
    }
    return _ranked(columns, rows)


def cost(run: Run) -> Table:
    """Return the median seconds and the highest peak memory, which are not ranked."""
    columns = _columns(_by_resolution(run), list(_COSTS))
    rows = {
        method: [
            replace(_cell(run, method, column, _COSTS[column.metric]), as_given=0)
            for column in columns
        ]
        for method in run.methods
    }
    notes = [
        "time: median over images of the method alone; memory: highest peak of its process.",
        *_machines(run),
        *run.remarks,
    ]
    return Table("Time and memory", columns, rows, notes, run.names)


def _machines(run: Run) -> Iterator[str]:
    """Yield what was computed where; of a merged run, for each run in it."""
    cases: dict[str, Counter[str]] = {}
    timed = [case for case in run.cases if "seconds" in case.values]
    for case in timed:
        cases.setdefault(run.origin(case), Counter())[case.method] += 1
    if not any(cases):
        yield f"Machine: {_machine(run.info)}."
        return
    totals = Counter(case.method for case in timed)
    for origin, counts in cases.items():
        info = run.origins.runs.get(origin, run.info)
        methods = ", ".join(
            method if count == totals[method] else f"{method} ({count} of {totals[method]} cases)"
            for method, count in counts.items()
        )
        yield f"{methods}: run {origin or 'here, after merging'}; machine: {_machine(info)}."
    if len(cases) > 1:
        yield "Times are comparable within one machine only."


def _machine(info: Mapping[str, Any]) -> str:
    return (
        f"{info['machine']['processor']}; workers: {info['workers']}, threads of each: "
        f"{info['threads']}"
    )


def _by_resolution(run: Run) -> list[Group]:
    images = frozenset(run.images)
    return [Group(str(size), size_text(size), size, images) for size in run.resolutions]


def _columns(groups: Sequence[Group], metrics: Sequence[MetricInfo]) -> list[Column]:
    return [Column(group, metric) for group in groups for metric in metrics]


def _cell(
    run: Run,
    method: str,
    column: Column,
    reduce: Callable[[list[float]], float],
    left_out: Set[str] = frozenset(),
) -> Cell:
    """Reduce the values of a method's cases, without those of some images, to one cell."""
    group, key = column.group, column.metric.key
    images = group.images - left_out
    cases = [case for case in run.cases_of(method, group.resolution) if case.image in images]
    used = [case for case in cases if case.status == "ok" and key in case.values]
    value = reduce([case.values[key] for case in used]) if used else None
    # Not all cases need be there: a method may have run before a photograph was added or changed.
    return Cell(column, value, len(used), len(images), sum(case.scored_as_given for case in used))


def _mean(values: list[float]) -> float:
    # With fsum the mean does not depend on the order of the rows.
    return math.fsum(values) / len(values)


def _ranked(columns: list[Column], rows: dict[str, list[Cell]]) -> dict[str, list[Cell]]:
    """Mark the best and second best complete cells of each column, as printed."""
    ranked = {method: list(cells) for method, cells in rows.items()}
    for i, column in enumerate(columns):
        printed = {
            method: round(cells[i].value or 0.0, column.metric.decimals)
            for method, cells in rows.items()
            if cells[i].complete
        }
        if len(printed) < 2:
            continue
        order = sorted(set(printed.values()), reverse=column.metric.better == "higher")
        for method, value in printed.items():
            place = order.index(value) + 1
            ranked[method][i] = replace(rows[method][i], place=place if place < 3 else 0)
    return ranked


def _objective_notes(run: Run) -> list[str]:
    metrics = run.metrics or run.protocol_metrics
    images = counted(len(run.images), "image")
    if len(run.images) > run.number_of_photographs:
        several = ", several masks" if have_several_masks(run) else ""
        images += f" ({counted(run.number_of_photographs, 'photograph')}{several})"
    notes = [
        f"Means over {images}, whole image after known pixels were put back; "
        f"protocol {run.protocol}. Best bold, second underlined.",
        *repeated(run),
        *run.remarks,
    ]
    if run.not_computed:
        notes.append(
            f"No {', '.join(run.not_computed)}: they compare with the original, which shows the "
            "object to be removed."
        )
    notes += [f"{metric.label}: {metric.definition}" for metric in metrics]
    notes += run.missing
    notes += [left_out(run, metric) for metric in metrics if run.not_finite(metric.key)]
    notes += [
        f"{method['label']}: {method['note']}" for method in run.info["methods"] if method["note"]
    ]
    for method in run.methods:
        cases = [case for case in run.cases if case.method == method]
        if absent := len(run.images) * len(run.resolutions) - len(cases):
            notes.append(
                f"{method}: not run, or not since a photograph has changed, for {absent} of "
                f"{len(cases) + absent} cases; {INCOMPLETE} marks means over fewer images."
            )
        notes += _method_notes(method, cases)
    return notes


def left_out(run: Run, metric: MetricInfo, what: str = "means, differences and plots") -> str:
    """Say which images are left out of what is computed from a metric, and why."""
    cases = run.not_finite(metric.key)
    named = [
        f"{image}: {', '.join(dict.fromkeys(case.method for case in found))}"
        for image, found in list(cases.items())[:MOST_NAMED]
    ]
    more = f"; {len(cases) - MOST_NAMED} more" if len(cases) > MOST_NAMED else ""
    errors = [case.error for found in cases.values() for case in found if case.error]
    is_lacking = any(metric.key not in case.values for found in cases.values() for case in found)
    usual = "it is missing" if is_lacking else "as where it equals the reference"
    reason = errors[0] if errors else usual
    return (
        f"{metric.label}: {what} leave out {len(cases)} of "
        f"{len(run.images)} images for all methods, because a result has no finite value "
        f"({'; '.join(named)}{more}), {reason}; scores.csv has them all."
    )


def _method_notes(method: str, cases: list[Case]) -> list[str]:
    """Say which cases of a method have no result or changed known pixels."""
    notes = []
    missing = [case for case in cases if case.status != "ok"]
    if missing:
        notes.append(
            f"{method}: {len(missing)} of {len(cases)} cases without a result "
            f"({reasons(missing)}); {INCOMPLETE} marks means over fewer images."
        )
    as_given = sum(case.scored_as_given for case in cases)
    changed = sum(case.values.get("known_pixels_changed", 0) > 0 for case in cases) - as_given
    if as_given:
        notes.append(
            f"{method}: {AS_GIVEN} marks means with results made elsewhere ({as_given} of "
            f"{len(cases)}) that differ from the reference outside the hole; scored as given."
        )
    if black := sum(case.values.get("hole_left_black", 0) > 0 for case in cases):
        notes.append(f"{method}: left the hole black in {black} of {len(cases)} results.")
    if changed:
        notes.append(
            f"{method}: changed known pixels in {changed} of {len(cases)} results; "
            "they were put back before scoring."
        )
    return notes
