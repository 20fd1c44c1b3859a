"""Plots of a run: metrics against resolution and against seconds, and paired differences."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from analysis.runs.differences import Difference
from analysis.runs.run import Metric, Run
from analysis.runs.table import Table
from analysis.style import GREY, Look, column, literal, looks, page

SMALLEST, LARGEST = 3.0, 8.0


class Plot(NamedTuple):
    """name: of the file, without suffix."""

    name: str
    caption: str
    figure: Figure


def all_plots(run: Run, table: Table, differences: list[Difference]) -> Iterator[Plot]:
    """Every plot that the run has enough data for.

    table: the objective table; differences: to the best method."""
    for metric in run.metrics:
        name, caption = f"{metric.key}-against-resolution", f"{metric.label} against resolution"
        yield Plot(name, caption, against_resolution(run, table, metric))
    for metric in run.metrics:
        timed = against_seconds(run, table, metric)
        if timed:
            name, caption = f"{metric.key}-against-seconds", f"{metric.label} against time"
            yield Plot(name, caption, timed)
    if differences:
        caption = (
            "Differences to the best method with 95 % intervals; open markers: the interval "
            "holds zero"
        )
        yield Plot("differences", caption, paired_differences(run, differences))


def against_resolution(run: Run, table: Table, metric: Metric) -> Figure:
    """Mean of a metric over images against the resolution, a line per method."""
    figure = Figure(figsize=(column(), 2.7))
    axes = figure.add_subplot()
    for method, look in looks(run.methods).items():
        means = _means(table, method, metric)
        axes.plot(list(means), list(means.values()), label=literal(method), **_line(look))
    axes.set_xticks(run.resolutions)
    # Half of the closest pair of sizes keeps single points off the frame.
    axes.margins(x=0.08)
    axes.set_xlabel("Resolution (px)")
    axes.set_ylabel(_axis_label(metric))
    if not metric.across_resolutions and len(run.resolutions) > 1:
        axes.set_title("compare within one resolution only", color=GREY)
    _legend(figure, axes)
    return figure


def against_seconds(run: Run, table: Table, metric: Metric) -> Figure | None:
    """Mean of a metric against the median seconds per image; a method's resolutions are joined,
    from a small marker to a large one. None if no method was timed."""
    figure = Figure(figsize=(column(), 2.7))
    axes = figure.add_subplot()
    for method, look in looks(run.methods).items():
        means = _means(table, method, metric)
        seconds = _seconds(run, method)
        sizes = [size for size in run.resolutions if size in means and size in seconds]
        if not sizes:
            continue
        line = {**_line(look), "markersize": 0, "linewidth": 0.8}
        axes.plot([seconds[size] for size in sizes], [means[size] for size in sizes], **line)
        for size in sizes:
            place = (run.resolutions.index(size) + 1) / len(run.resolutions)
            axes.plot(
                seconds[size],
                means[size],
                color=look.colour,
                marker=look.marker,
                linestyle="none",
                markersize=SMALLEST + place * (LARGEST - SMALLEST),
                label=literal(method) if size == sizes[-1] else None,
            )
    if not axes.lines:
        return None
    axes.set_xscale("log")
    axes.margins(x=0.08, y=0.08)
    _label_seconds(axes)
    axes.set_xlabel("Seconds per image (median)")
    if len(run.resolutions) > 1:
        axes.set_title(f"marker size: {run.resolutions[0]} to {run.resolutions[-1]} px", color=GREY)
    axes.set_ylabel(_axis_label(metric))
    _legend(figure, axes)
    return figure


def _label_seconds(axes: Axes) -> None:
    """Plain numbers at the powers of ten; where hardly any is in view, at 2 and 5 too."""
    low, high = axes.get_xlim()
    steps = (1, 2, 5) if high / low < 100 else (1,)
    axes.xaxis.set_major_locator(LogLocator(subs=steps))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def paired_differences(run: Run, differences: list[Difference]) -> Figure:
    """Difference of each method to the best one with its interval: metrics across, resolutions
    down. To the right of the line is better, whatever the metric."""
    methods = [method for method in run.methods if any(d.method == method for d in differences)]
    look = looks(run.methods)
    rows, columns = len(run.resolutions), len(run.metrics)
    figure = Figure(figsize=(page(), 0.7 + rows * (0.32 + 0.17 * len(methods))))
    grid = figure.subplots(rows, columns, squeeze=False, sharex="col")
    for i, resolution in enumerate(run.resolutions):
        for j, metric in enumerate(run.metrics):
            shown = {
                d.method: d
                for d in differences
                if d.resolution == resolution and d.metric == metric.key
            }
            _forest(grid[i][j], methods, shown, look)
            best = next((d.other for d in shown.values()), "")
            named = f", best: {literal(best)}" if best else ""
            grid[i][j].set_title(f"{resolution} px{named}")
            if metric.better == "lower" and i == 0:
                grid[i][j].invert_xaxis()
            if j:
                grid[i][j].set_yticklabels([])
            if i == rows - 1:
                unit = f" ({metric.unit})" if metric.unit else ""
                grid[i][j].set_xlabel(f"{metric.label}{unit}: worse ← → better")
    return figure


def _forest(
    axes: Axes, methods: list[str], shown: dict[str, Difference], look: dict[str, Look]
) -> None:
    axes.axvline(0, color=GREY, linewidth=0.8)
    for place, method in enumerate(methods):
        difference = shown.get(method)
        if difference is None:
            continue
        low, high = difference.ci_low, difference.ci_high
        if low is not None and high is not None:
            axes.plot([low, high], [place, place], color=look[method].colour)
        axes.plot(
            difference.difference,
            place,
            marker=look[method].marker,
            color=look[method].colour,
            # An open marker: zero is inside the interval.
            markerfacecolor="white" if difference.outcome == "unclear" else None,
        )
    axes.set_yticks(range(len(methods)), [*map(literal, methods)])
    axes.set_ylim(len(methods) - 0.5, -0.5)
    axes.grid(axis="y", visible=False)
    axes.xaxis.set_major_locator(MaxNLocator(4))


def _means(table: Table, method: str, metric: Metric) -> dict[int, float]:
    """Resolution -> mean, where a mean is over all images; others would not be comparable."""
    return {
        column.resolution: cell.value
        for column, cell in zip(table.columns, table.rows[method], strict=True)
        if column.key == metric.key and cell.value is not None and cell.images == cell.expected
    }


def _seconds(run: Run, method: str) -> dict[int, float]:
    """Resolution -> median seconds over the images that were timed."""
    found = {}
    for resolution in run.resolutions:
        times = [
            case.values["seconds"]
            for case in run.cell(method, resolution)
            if case.status == "ok" and case.values.get("seconds", 0) > 0
        ]
        if times:
            found[resolution] = statistics.median(times)
    return found


def _line(look: Look) -> dict[str, Any]:
    return {"color": look.colour, "marker": look.marker, "linestyle": "-"}


def _axis_label(metric: Metric) -> str:
    return f"{metric.heading} {metric.better} is better"


def _legend(figure: Figure, axes: Axes) -> None:
    """Below the plot, where it covers no data however many methods there are."""
    _, labels = axes.get_legend_handles_labels()
    longest = max(map(len, labels), default=0)
    columns = 1 if longest > 30 else 2 if longest > 14 or len(labels) == 4 else 3
    legend = figure.legend(loc="outside lower center", ncols=columns)
    for handle in legend.legend_handles:
        if isinstance(handle, Line2D):
            handle.set_markersize(5)
    rows = -(-len(labels) // columns)
    width, height = figure.get_size_inches()
    figure.set_size_inches(width, height + 0.16 * max(0, rows - 2))
