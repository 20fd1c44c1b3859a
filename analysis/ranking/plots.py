"""Plots of a ranking: abilities with intervals, and who is expected to be preferred to whom."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from scipy.special import expit

from analysis.bradley_terry.fit import Array
from analysis.ranking.ranking import Ranking
from analysis.style import GREY, broken, colours, column, font_size, page, remark, short

# So far from one half the text over a cell turns white.
DARK = 0.27
# Methods up to which a matrix has a number in each cell; beyond, colours only.
MOST_NUMBERS = 20


def all_plots(ranking: Ranking) -> Iterator[tuple[str, Figure]]:
    yield "ranking", abilities(ranking)
    yield "preferences", preferences(ranking)


def abilities(ranking: Ranking) -> Figure:
    """As Fig. 5 of Moskalenko et al. 2020: a line per method, best on top, with intervals and the
    letters of the groups."""
    rows = ranking.rows
    figure = Figure(figsize=(column(), 0.7 + 0.27 * len(rows)))
    axes = figure.add_subplot()
    for place, row in enumerate(rows):
        # Nothing is drawn where there is no interval.
        axes.plot([row.ci_low, row.ci_high], [place, place], color=colours()[0], linewidth=1.6)
        axes.plot(row.ability, place, "o", color=colours()[0])
        axes.annotate(
            ranking.letters.get(row.method, ""), (1, place), xycoords=axes.get_yaxis_transform(),
            xytext=(4, 0), textcoords="offset points", va="center", color=GREY,
        )  # fmt: skip
    axes.set_yticks(range(len(rows)), [broken(row.method) for row in rows])
    axes.invert_yaxis()
    axes.margins(y=0.12)
    axes.grid(axis="y", visible=False)
    axes.axvline(0, color=GREY, linewidth=0.6)
    axes.set_xlabel(f"Ability (log), {100 * ranking.settings.level:g} % intervals")
    remark(figure, said(ranking))
    return figure


def said(ranking: Ranking) -> str:
    """What a plot must not be shown without."""
    prior = ranking.settings.prior
    regularised = f"regularised, prior {prior:g}" if prior else ""
    return "; ".join(filter(None, (ranking.simulated.label, regularised)))


def preferences(ranking: Ranking) -> Figure:
    """Matrix: how often the method of a row is expected to be preferred to that of a column, of the
    decided votes."""
    names = [row.method for row in ranking.rows]
    ability = np.array([row.ability for row in ranking.rows])
    share = expit(ability[:, None] - ability[None, :])
    side = 1.2 + 0.36 * len(names)
    figure = Figure(figsize=(min(side, page()), min(side, page()) * 0.9))
    axes = figure.add_subplot()
    shown = np.ma.masked_array(share, np.eye(len(names), dtype=bool))
    image = axes.imshow(shown, cmap="PuOr_r", vmin=0, vmax=1)
    if len(names) <= MOST_NUMBERS:
        _number(axes, share)
    else:
        bar = figure.colorbar(image, ax=axes, shrink=0.5, format=PercentFormatter(1.0))
        bar.outline.set_visible(False)
    _name_cells(figure, axes, names, names)
    axes.set_title("% of decided votes for the row")
    remark(figure, said(ranking))
    return figure


def _number(axes: Axes, share: Array) -> None:
    for i, j in zip(*np.nonzero(~np.eye(len(share), dtype=bool)), strict=True):
        axes.text(
            j, i, f"{100 * share[i, j]:.0f}", ha="center", va="center", fontsize="small",
            color="white" if abs(share[i, j] - 0.5) > DARK else "black",
        )  # fmt: skip


def _name_cells(figure: Figure, axes: Axes, across: Sequence[str], down: Sequence[str]) -> None:
    """Names of columns and rows, as small as they must be."""
    width, height = figure.get_size_inches()
    sizes = [
        min(font_size() - 1, 72 * 0.7 * inches / len(names))
        for inches, names in ((width, across), (height, down))
    ]
    slant: dict[str, Any] = {"rotation": 40, "ha": "right", "rotation_mode": "anchor"}
    axes.set_xticks(range(len(across)), [*map(short, across)], fontsize=sizes[0], **slant)
    axes.set_yticks(range(len(down)), [*map(broken, down)], fontsize=sizes[1])
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)


def side_in_words(effect: float, error: float, p_value: float) -> str:
    """The order effect, estimated and tested. error: by the bootstrap, since people have habits;
    NaN where there are too few of them."""
    size = f"of two equal methods the left one wins {100 * expit(effect):.1f} % of decided votes"
    if not np.isfinite(p_value):
        return f"Order effect: too few people to test it ({size}; log {effect:.3f})"
    side = "left" if effect > 0 else "right"
    verdict = f"the {side} side is preferred" if p_value < 0.05 else "not significant"
    return (
        f"Order effect: {verdict} ({size}; log {effect:.3f}, standard error {error:.3f} by the "
        f"bootstrap, p = {p_value:.2g})"
    )
