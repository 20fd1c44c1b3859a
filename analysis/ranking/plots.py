"""Plots of a ranking: abilities with intervals, and expected preferences between methods."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray
from scipy.special import expit

from analysis.ranking.result import Ranking
from analysis.style import (
    GREY,
    add_warning,
    current,
    lines_height,
    short_labels,
    wrapped_labels,
)

# Distance of a share from one half at which the text on its cell is white.
_DARK = 0.27
_TITLE = "expected % of decided\nvotes for the row"
# Number of methods up to which the matrix has a number in each cell.
_MOST_NUMBERS = 20


def all_plots(ranking: Ranking) -> Iterator[tuple[str, Figure]]:
    """Yield the name of each plot's files, and the plot."""
    yield "ranking", _abilities(ranking)
    yield "preferences", _preferences(ranking)


def warning(ranking: Ranking) -> str:
    """Return what a plot must not be shown without."""
    prior = ranking.settings.prior
    regularised = f"regularised, prior {prior:g}" if prior else ""
    return "; ".join(filter(None, (ranking.simulated.label, regularised)))


def _abilities(ranking: Ranking) -> Figure:
    """Plot a line per method, best on top, with letters, as Fig. 5 of Moskalenko et al. 2020."""
    rows = ranking.rows
    labels = wrapped_labels([row.method for row in rows])
    height = max(0.27, lines_height(labels) + 0.06)
    figure = Figure(figsize=(current().column_width, 0.7 + height * len(rows)))
    axes = figure.add_subplot()
    colour = current().colours[0]
    for place, row in enumerate(rows):
        axes.plot([row.ci_low, row.ci_high], [place, place], color=colour, linewidth=1.6)
        axes.plot(row.ability, place, "o", color=colour)
        axes.annotate(
            ranking.letters[row.method], (1, place), xycoords=axes.get_yaxis_transform(),
            xytext=(4, 0), textcoords="offset points", va="center", color=GREY,
        )  # fmt: skip
    axes.set_yticks(range(len(rows)), labels)
    axes.invert_yaxis()
    axes.margins(y=0.12)
    axes.grid(axis="y", visible=False)
    axes.axvline(0, color=GREY, linewidth=0.6)
    axes.set_xlabel(f"Ability (log), {100 * ranking.settings.level:g} % intervals")
    add_warning(figure, warning(ranking))
    return figure


def _preferences(ranking: Ranking) -> Figure:
    """Plot the expected share of decided votes for the method of a row against that of a column."""
    names = [row.method for row in ranking.rows]
    ability = np.array([row.ability for row in ranking.rows])
    share = expit(ability[:, None] - ability[None, :])
    labels = wrapped_labels(names)
    cell = max(0.36, lines_height(labels) + 0.06)
    side = min(1.2 + cell * len(names), current().page_width)
    figure = Figure(figsize=(side, side * 0.9 + lines_height([_TITLE])))
    axes = figure.add_subplot()
    shown = np.ma.masked_array(share, np.eye(len(names), dtype=bool))
    image = axes.imshow(shown, cmap="PuOr_r", vmin=0, vmax=1)
    if len(names) <= _MOST_NUMBERS:
        number_cells(axes, 100 * shown, abs(share - 0.5) > _DARK)
    else:
        bar = figure.colorbar(image, ax=axes, shrink=0.5, format=PercentFormatter(1.0))
        bar.outline.set_visible(False)
    name_cells(axes, labels, names)
    # Small enough for the number of names, and of lines of those beside the rows.
    lines = max(label.count("\n") + 1 for label in labels)
    width, height = figure.get_size_inches()
    across = min(current().font_size - 1, 72 * 0.7 * width / len(names))
    down = min(current().font_size - 1, 72 * 0.7 * height / len(names) / lines)
    axes.tick_params("x", labelsize=across)
    axes.tick_params("y", labelsize=down)
    axes.set_title(_TITLE)
    add_warning(figure, warning(ranking))
    return figure


def number_cells(axes: Axes, values: NDArray[Any], dark: NDArray[np.bool_]) -> None:
    """Write numbers on the cells of an image that are not masked, in white on dark ones."""
    for (row, column), value in np.ma.ndenumerate(values):
        axes.text(
            column, row, f"{value:.0f}", ha="center", va="center", fontsize="small",
            color="white" if dark[row, column] else "black",
        )  # fmt: skip


def name_cells(axes: Axes, rows: Sequence[str], columns: Sequence[str]) -> None:
    """Name the rows and columns of an image, and hide its frame."""
    short = short_labels(columns)
    axes.set_xticks(range(len(short)), short, rotation=40, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(rows)), rows)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
