"""Plots of a run: metrics against resolution, hole share and time, and paired differences."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from analysis.runs.differences import FEWEST_PHOTOGRAPHS, Difference
from analysis.runs.hole_shares import by_hole_share
from analysis.runs.metric_info import MetricInfo
from analysis.runs.run import Run
from analysis.runs.tables import Group, Table
from analysis.style import (
    GREY,
    MethodStyle,
    current,
    lines_height,
    method_styles,
    wrapped_label,
)
from methods.base import Resolution
from methods.resolutions import NATIVE, size_text

_HEIGHT = 2.7
# Characters in a line of a legend.
_LEGEND_LENGTH = 42
# Ranges of hole shares whose labels fit side by side in a column.
_MOST_TICKS = 6
# Marker sizes of the lowest and the highest resolution, in points.
_SMALLEST, _LARGEST = 3.0, 8.0
# Where times of 0.000 are drawn, as scores.csv has what takes less than this.
_FASTEST = 0.0005
_INCOMPLETE = "no score on every image"


class Plot(NamedTuple):
    """A figure, its caption and the name of its file without suffix."""

    name: str
    caption: str
    figure: Figure


def all_plots(run: Run, table: Table, differences: list[Difference]) -> Iterator[Plot]:
    """Draw the plots of a run, from its objective table and its differences to the best methods."""
    for metric in run.metrics if run.resolutions != [NATIVE] else ():
        name, caption = f"{metric.key}-against-resolution", f"{metric.label} against resolution"
        absent = _without_means(run, table, metric)
        if len(absent) < len(run.methods):
            caption += _not_drawn(absent, _INCOMPLETE)
            yield Plot(name, caption, _against_resolution(run, table, metric))
    if by_share := by_hole_share(run):
        size = size_text(by_share.groups[0].resolution)
        for metric in run.metrics:
            name = f"{metric.key}-against-hole-share"
            caption = f"{metric.label} against the hole's share of the image, {size}"
            absent = _without_means(run, by_share, metric)
            if len(absent) < len(run.methods):
                caption += _not_drawn(absent, f"{_INCOMPLETE} of a range")
                yield Plot(name, caption, _against_hole_share(run, by_share, metric))
    for metric in run.metrics:
        if figure := _against_seconds(run, table, metric):
            name, caption = f"{metric.key}-against-seconds", f"{metric.label} against time"
            yield Plot(name, caption + _times_noted(run, table, metric), figure)
    if differences:
        if any(difference.ci_low is not None for difference in differences):
            marks = "with 95 % intervals; open markers: the interval holds zero"
        else:
            marks = f"without intervals, which need {FEWEST_PHOTOGRAPHS} photographs"
        caption = f"Differences to the best method {marks}"
        yield Plot("differences", caption, _paired_differences(run, differences))


def _against_resolution(run: Run, table: Table, metric: MetricInfo) -> Figure:
    """Plot the mean of a metric against the resolution, a line per method."""
    figure, axes = _metric_axes(metric, "Resolution (px)")
    for method, style in method_styles(run.methods).items():
        means = _means(table, method, metric)
        if not means:
            continue
        sizes = [group.resolution for group in means]
        _draw_line(axes, method, style, sizes, list(means.values()))
    axes.set_xticks(run.resolutions)
    if not metric.across_resolutions and len(run.resolutions) > 1:
        axes.set_title("compare within one resolution only", color=GREY)
    _add_legend(figure, axes)
    return figure


def _against_hole_share(run: Run, by_share: Table, metric: MetricInfo) -> Figure:
    """Plot the mean of a metric against the range of hole shares, a line per method."""
    figure, axes = _metric_axes(metric, "Hole's share (%); in brackets: images")
    percents = {group: int(group.key.split("-")[0]) for group in by_share.groups}
    for method, style in method_styles(run.methods).items():
        means = _means(by_share, method, metric)
        if means:
            shares = [percents[group] for group in means]
            _draw_line(axes, method, style, shares, [*means.values()])
    dash = "–" if len(percents) <= _MOST_TICKS else "–\n"
    ticks = [group.heading.replace(" % ", "\n").replace("–", dash) for group in percents]
    axes.set_xticks(list(percents.values()), ticks)
    _add_legend(figure, axes)
    return figure


def _draw_line(
    axes: Axes, method: str, style: MethodStyle, x: Sequence[Resolution], y: Sequence[float]
) -> None:
    label = wrapped_label(method, _LEGEND_LENGTH)
    axes.plot(x, y, color=style.colour, marker=style.marker, label=label)


def _against_seconds(run: Run, table: Table, metric: MetricInfo) -> Figure | None:
    """Plot the mean of a metric against the median time; None if no method was timed."""
    figure, axes = _metric_axes(metric, "Seconds per image (median)")
    for method, style in method_styles(run.methods).items():
        points = _timed_means(run, table, method, metric)
        if not points:
            continue
        times = {size: seconds or _FASTEST for size, (seconds, _) in points.items()}
        values = [mean for _, mean in points.values()]
        axes.plot([*times.values()], values, color=style.colour, linewidth=0.8)
        for size, (_, mean) in points.items():
            share = (run.resolutions.index(size) + 1) / len(run.resolutions)
            axes.plot(
                times[size],
                mean,
                color=style.colour,
                marker=style.marker,
                linestyle="none",
                markersize=_SMALLEST + share * (_LARGEST - _SMALLEST),
                label=wrapped_label(method, _LEGEND_LENGTH) if size == [*points][-1] else None,
            )
    if not axes.lines:
        return None
    axes.set_xscale("log")
    axes.margins(y=0.08)
    _label_seconds(axes)
    if len(run.resolutions) > 1:
        axes.set_title(f"marker size: {run.resolutions[0]} to {run.resolutions[-1]} px", color=GREY)
    _add_legend(figure, axes)
    return figure


def _metric_axes(metric: MetricInfo, x_label: str) -> tuple[Figure, Axes]:
    """Return a new figure, as wide as a column, and its axes for values of a metric."""
    figure = Figure(figsize=(current().column_width, _HEIGHT))
    axes = figure.add_subplot()
    # Keep single points off the frame.
    axes.margins(x=0.08)
    axes.set_xlabel(x_label)
    axes.set_ylabel(f"{metric.heading} {metric.better} is better")
    return figure, axes


def _label_seconds(axes: Axes) -> None:
    """Label powers of ten, on a short axis 2 and 5 times these too, as plain numbers."""
    low, high = axes.get_xlim()
    steps = (1, 2, 5) if high / low < 100 else (1,)
    axes.xaxis.set_major_locator(LogLocator(subs=steps))
    axes.xaxis.set_major_formatter(
        FuncFormatter(lambda value, _: f"{value:f}".rstrip("0").rstrip("."))
    )
    axes.xaxis.set_minor_formatter(NullFormatter())


def _paired_differences(run: Run, differences: list[Difference]) -> Figure:
    """Plot differences to the best method, better to the right: metrics across, sizes down."""
    methods = [method for method in run.methods if any(d.method == method for d in differences)]
    rows, columns = len(run.resolutions), len(run.metrics)
    labels = [*map(wrapped_label, methods)]
    titles = [wrapped_label(f"best: {best}") for best in {d.other for d in differences}]
    row = max(0.17, lines_height(labels) + 0.04)
    height = 0.7 + rows * (0.32 + lines_height(titles) + row * len(methods))
    figure = Figure(figsize=(current().page_width, height))
    grid = figure.subplots(rows, columns, squeeze=False, sharex="col")
    for i, resolution in enumerate(run.resolutions):
        for j, metric in enumerate(run.metrics):
            axes = grid[i][j]
            by_method = {
                d.method: d
                for d in differences
                if d.resolution == resolution and d.metric == metric.key
            }
            _draw_differences(axes, methods, by_method, method_styles(run.methods))
            best = next((d.other for d in by_method.values()), "")
            best_line = "\n" + wrapped_label(f"best: {best}") if best else ""
            axes.set_title(f"{size_text(resolution)}{best_line}")
            if metric.better == "lower" and i == 0:
                axes.invert_xaxis()
            if j:
                axes.set_yticklabels([])
            if i == rows - 1:
                unit = f" ({metric.unit})" if metric.unit else ""
                axes.set_xlabel(f"{metric.label}{unit}: worse ← → better")
    return figure


def _draw_differences(
    axes: Axes, methods: list[str], by_method: dict[str, Difference], styles: dict[str, MethodStyle]
) -> None:
    axes.axvline(0, color=GREY, linewidth=0.8)
    for y, method in enumerate(methods):
        if method not in by_method:
            continue
        difference, style = by_method[method], styles[method]
        has_interval = difference.ci_low is not None
        if difference.ci_low is not None and difference.ci_high is not None:
            axes.plot([difference.ci_low, difference.ci_high], [y, y], color=style.colour)
        axes.plot(
            difference.difference,
            y,
            marker=style.marker,
            color=style.colour,
            # An open marker: the interval contains zero.
            markerfacecolor="white" if has_interval and difference.outcome == "unclear" else None,
        )
    axes.set_yticks(range(len(methods)), [*map(wrapped_label, methods)])
    axes.set_ylim(len(methods) - 0.5, -0.5)
    axes.grid(axis="y", visible=False)
    axes.xaxis.set_major_locator(MaxNLocator(4))


def _means(table: Table, method: str, metric: MetricInfo) -> dict[Group, float]:
    """Return group -> mean over all its images; means over fewer would not be comparable."""
    return {
        cell.column.group: cell.value
        for cell in table.rows[method]
        if cell.column.metric.key == metric.key and cell.value is not None and cell.complete
    }


def _median_seconds(run: Run, method: str) -> dict[Resolution, float]:
    """Return resolution -> median seconds over the images that were timed."""
    medians = {}
    for resolution in run.resolutions:
        times = [
            case.values["seconds"]
            for case in run.cases_of(method, resolution)
            if case.status == "ok" and "seconds" in case.values
        ]
        if times:
            medians[resolution] = statistics.median(times)
    return medians


def _timed_means(
    run: Run, table: Table, method: str, metric: MetricInfo
) -> dict[Resolution, tuple[float, float]]:
    """Return resolution -> median seconds and mean, where there are both."""
    seconds = _median_seconds(run, method)
    means = {group.resolution: mean for group, mean in _means(table, method, metric).items()}
    return {
        size: (seconds[size], means[size])
        for size in run.resolutions
        if size in means and size in seconds
    }


def _times_noted(run: Run, table: Table, metric: MetricInfo) -> str:
    """Say in a caption which methods are drawn at a time that stands for less, or not at all."""
    points = {method: _timed_means(run, table, method, metric) for method in run.methods}
    fast = [m for m, drawn in points.items() if any(not seconds for seconds, _ in drawn.values())]
    noted = f"; {', '.join(fast)}: under {_FASTEST:g} s, drawn there" if fast else ""
    absent = _without_means(run, table, metric)
    untimed = [method for method, drawn in points.items() if not drawn and method not in absent]
    return noted + _not_drawn(absent, _INCOMPLETE) + _not_drawn(untimed, "no time")


def _without_means(run: Run, table: Table, metric: MetricInfo) -> list[str]:
    """Return the methods without a mean over all images of any group."""
    return [method for method in run.methods if not _means(table, method, metric)]


def _not_drawn(methods: Sequence[str], reason: str) -> str:
    """Say in a caption which methods a plot does not have."""
    return f"; not drawn: {', '.join(methods)} ({reason})" if methods else ""


def _add_legend(figure: Figure, axes: Axes) -> None:
    """Put the legend below the plot, where it never covers data, and enlarge the figure for it."""
    _, labels = axes.get_legend_handles_labels()
    longest = max((len(line) for label in labels for line in label.splitlines()), default=0)
    columns = 1 if longest > 30 else 2 if longest > 14 or len(labels) == 4 else 3
    legend = figure.legend(loc="outside lower center", ncols=columns)
    for handle in legend.legend_handles:
        if isinstance(handle, Line2D):
            handle.set_markersize(5)
    rows = -(-len(labels) // columns)
    width, height = figure.get_size_inches()
    figure.set_size_inches(width, height + max(0, rows * (lines_height(labels) + 0.02) - 0.32))
