"""Ranks of methods on each image (or group), with a tree of images that rank methods alike."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from scipy.cluster.hierarchy import cut_tree, dendrogram, linkage
from scipy.spatial.distance import pdist

from analysis.bradley_terry import Array, ranks
from analysis.ranking.per_image import AbilityOnPart
from analysis.ranking.plots import name_cells, number_cells, warning
from analysis.ranking.result import Ranking
from analysis.style import GREY, add_warning, current, short_labels

# Largest number of rows; more images are shown as this many groups.
MOST_ROWS = 40
# Largest number of images to form groups from, since every pair of them has a distance; the others
# join the nearest group.
_MOST_COMPARED = 2000
# Height of a row, in font sizes.
_ROW_HEIGHT = 1.75


def overview(ranking: Ranking, parts: list[AbilityOnPart]) -> Figure:
    """Plot a row for each image below the overall ranking, and a column for each method.

    Numbers are ranks; colours compare them with the overall rank. The tree joins images by the
    number of pairs of methods that trade places (Kendall's distance, average linkage).
    """
    methods = [row.method for row in ranking.rows]
    names, table = _joined(*_tabulated(parts, methods))
    row = current().font_size / 72 * _ROW_HEIGHT
    size = (min(2.4 + 0.42 * len(methods), current().page_width), 1.0 + row * (len(names) + 1))
    tight = ConstrainedLayoutEngine(h_pad=0.02, hspace=0.01, wspace=0.01)
    figure = Figure(figsize=size, layout=tight)
    grid = figure.subplots(
        2, 2, width_ratios=[0.9, 0.42 * len(methods)], height_ratios=[1, len(names)]
    )
    order = list(range(len(names)))
    tree = clustered(table) if len(names) > 1 else None
    if tree is not None and tree[-1, 2] > 0:
        order = _tree(grid[1][0], tree)
    else:
        grid[1][0].set_axis_off()
    grid[0][0].set_axis_off()
    overall = np.array([row.rank for row in ranking.rows])
    _cells(grid[0][1], overall[None], overall, ["overall"], [])
    _cells(grid[1][1], ranks(table)[order], overall, [names[i] for i in order], methods)
    # To the left of few methods is more room than above them.
    line = "\n" if len(methods) < 4 else " "
    told = f"rank; purple: better than{line}overall, orange: worse"
    grid[0][1].set_title(told, color=GREY, size="small", loc="right")
    add_warning(figure, warning(ranking))
    return figure


def _tabulated(parts: list[AbilityOnPart], methods: list[str]) -> tuple[list[str], Array]:
    """Return the names of images, and abilities on them, (images, methods)."""
    names = list(dict.fromkeys(part.part for part in parts))
    ability = {(part.part, part.method): part.ability for part in parts}
    return names, np.array([[ability[name, method] for method in methods] for name in names])


def clustered(table: Array, *, ordered: bool = True) -> Array:
    """Return SciPy's linkage of rows by the number of pairs of methods that they order differently.

    If `ordered`, similar rows are next to each other, which takes minutes for thousands of rows.
    """
    ahead = _ahead(table)
    distances = pdist(ahead, "hamming") * ahead.shape[1]
    return linkage(distances, "average", optimal_ordering=ordered)


def grouped(table: Array) -> NDArray[np.intp]:
    """Return the group of each row, 0 to MOST_ROWS - 1."""
    compared = np.linspace(0, len(table) - 1, min(len(table), _MOST_COMPARED)).astype(int)
    tree = clustered(table[compared], ordered=False)
    group = cut_tree(tree, n_clusters=MOST_ROWS)[:, 0]
    if len(compared) == len(table):
        return group
    ahead = _ahead(table).astype(float)
    shares = np.array([ahead[compared[group == i]].mean(axis=0) for i in range(MOST_ROWS)])
    # Mean distance to the members of each group, as in the tree.
    nearest = (ahead @ (1 - 2 * shares.T) + shares.sum(axis=1)).argmin(axis=1)
    nearest[compared] = group
    return nearest


def _ahead(table: Array) -> NDArray[np.bool_]:
    """Return which method of each pair is ahead, (rows, pairs)."""
    first, second = np.triu_indices(table.shape[1], 1)
    return table[:, first] > table[:, second]


def _joined(names: list[str], table: Array) -> tuple[list[str], Array]:
    """Return at most MOST_ROWS rows: means of groups if there are more."""
    if len(names) <= MOST_ROWS:
        return names, table
    group = grouped(table)
    members = [np.flatnonzero(group == i) for i in range(MOST_ROWS)]
    joined = [names[m[0]] + (f" and {len(m) - 1} more" if len(m) > 1 else "") for m in members]
    return joined, np.array([table[m].mean(axis=0) for m in members])


def _tree(axes: Axes, tree: Array) -> list[int]:
    """Plot the tree and return the order of its rows, from the top."""
    drawn = dendrogram(
        tree, orientation="left", ax=axes, no_labels=True, color_threshold=0,
        above_threshold_color=GREY,
    )  # fmt: skip
    axes.set_ylim(0, 10 * len(drawn["leaves"]))
    axes.xaxis.set_major_locator(MaxNLocator(3, integer=True))
    axes.set_xlabel("pairs that\ntrade places")
    axes.spines["left"].set_visible(False)
    axes.grid(visible=False)
    axes.set_yticks([])
    return list(drawn["leaves"])[::-1]


def _cells(
    axes: Axes,
    ranks: NDArray[np.intp],
    overall: NDArray[np.intp],
    rows: list[str],
    columns: list[str],
) -> None:
    far = max(1, len(overall) - 1)
    axes.imshow(ranks - overall, cmap="PuOr_r", vmin=-far, vmax=far, aspect="auto")
    number_cells(axes, ranks, np.abs(ranks - overall) > 0.55 * far)
    axes.yaxis.tick_right()
    name_cells(axes, short_labels(rows), columns)
