"""Where methods trade places: images (or groups of images) in a tree, those that rank methods alike
together."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from scipy.cluster.hierarchy import cut_tree, dendrogram, linkage
from scipy.spatial.distance import pdist

from analysis.bradley_terry.fit import Array
from analysis.ranking.per_image import Part
from analysis.ranking.plots import said
from analysis.ranking.ranking import Ranking
from analysis.style import GREY, font_size, page, remark, short

# Rows, at most; more images are shown as so many groups of them.
MOST = 40
# Images that are compared with one another when groups are formed, at most: of each two there is a
# distance. More join the nearest group.
MOST_COMPARED = 2000
# Height of a row, in heights of the type.
ROW = 1.75


def overview(ranking: Ranking, parts: list[Part]) -> Figure:
    """A row for each image, under that of the overall ranking; a column for each method, best
    overall first. Numbers: ranks; colour: better or worse than overall; the tree: how many pairs of
    methods trade places (Kendall's distance, average linkage)."""
    methods = [row.method for row in ranking.rows]
    names, table = tabulated(parts, methods)
    names, table = _joined(names, table)
    tree = clustered(table) if len(names) > 1 else None
    row = font_size() / 72 * ROW
    size = (min(2.4 + 0.42 * len(methods), page()), 1.0 + row * (len(names) + 1))
    close = ConstrainedLayoutEngine(h_pad=0.02, hspace=0.01, wspace=0.01)
    figure = Figure(figsize=size, layout=close)
    grid = figure.subplots(
        2, 2, width_ratios=[0.9, 0.42 * len(methods)], height_ratios=[1, len(names)]
    )
    order = list(range(len(names)))
    if tree is not None:
        order = _tree(grid[1][0], tree, len(names))
    for axes in (grid[0][0], *([grid[1][0]] if tree is None else [])):
        axes.set_axis_off()
    usual = np.arange(1, len(methods) + 1)
    ranks = _ranks(table)[order]
    _cells(grid[0][1], usual[None], usual, ["overall"], [])
    _cells(grid[1][1], ranks, usual, [names[i] for i in order], methods)
    grid[0][1].set_title(
        "rank; purple: better than overall, orange: worse", color=GREY, size="small"
    )
    remark(figure, said(ranking))
    return figure


def tabulated(parts: list[Part], methods: list[str]) -> tuple[list[str], Array]:
    """Names of images, and their abilities, (images, methods)."""
    places = {method: i for i, method in enumerate(methods)}
    found: dict[str, Array] = {}
    for part in parts:
        found.setdefault(part.part, np.zeros(len(methods)))[places[part.method]] = part.ability
    return list(found), np.array(list(found.values()))


def clustered(table: Array, *, ordered: bool = True) -> Array:
    """A linkage (SciPy's) of rows by the number of pairs of methods that they order differently.
    ordered: whether neighbours are to be as alike as can be, which takes minutes of thousands."""
    ahead = _ahead(table)
    distances = pdist(ahead, "hamming") * ahead.shape[1]
    return linkage(distances, "average", optimal_ordering=ordered)


def grouped(table: Array) -> NDArray[np.intp]:
    """Which of MOST groups each row is in, (rows,), from 0."""
    compared = np.linspace(0, len(table) - 1, min(len(table), MOST_COMPARED)).astype(int)
    tree = clustered(table[compared], ordered=False)
    group = cut_tree(tree, n_clusters=MOST)[:, 0]
    if len(compared) == len(table):
        return group
    ahead = _ahead(table).astype(float)
    shares = np.array([ahead[compared[group == i]].mean(axis=0) for i in range(MOST)])
    # Mean distance to the members of each group, as in the tree.
    found = (ahead @ (1 - 2 * shares.T) + shares.sum(axis=1)).argmin(axis=1)
    found[compared] = group
    return found


def _ahead(table: Array) -> NDArray[np.bool_]:
    """Which of each two methods is ahead, (rows, pairs)."""
    first, second = np.triu_indices(table.shape[1], 1)
    return table[:, first] > table[:, second]


def _joined(names: list[str], table: Array) -> tuple[list[str], Array]:
    """At most MOST rows: means of images that rank methods alike."""
    if len(names) <= MOST:
        return names, table
    group = grouped(table)
    members = [np.flatnonzero(group == i) for i in range(MOST)]
    joined = [names[of[0]] + (f" and {len(of) - 1} more" if len(of) > 1 else "") for of in members]
    return joined, np.array([table[of].mean(axis=0) for of in members])


def _ranks(table: Array) -> NDArray[np.intp]:
    return (-table).argsort(axis=1, kind="stable").argsort(axis=1, kind="stable") + 1


def _tree(axes: Axes, tree: Array, rows: int) -> list[int]:
    """The order of the rows, from the top."""
    drawn = dendrogram(
        tree, orientation="left", ax=axes, no_labels=True, color_threshold=0,
        above_threshold_color=GREY,
    )  # fmt: skip
    axes.set_ylim(0, 10 * rows)
    axes.xaxis.set_major_locator(MaxNLocator(3, integer=True))
    axes.set_xlabel("pairs that\ntrade places")
    axes.spines["left"].set_visible(False)
    axes.grid(visible=False)
    axes.set_yticks([])
    return list(drawn["leaves"])[::-1]


def _cells(
    axes: Axes,
    ranks: NDArray[np.intp],
    usual: NDArray[np.intp],
    rows: list[str],
    columns: list[str],
) -> None:
    far = max(1, len(usual) - 1)
    axes.imshow(ranks - usual, cmap="PuOr_r", vmin=-far, vmax=far, aspect="auto")
    for i, j in np.ndindex(ranks.shape):
        dark = abs(int(ranks[i, j] - usual[j])) > 0.55 * far
        axes.text(
            j, i, str(ranks[i, j]), ha="center", va="center", fontsize="small",
            color="white" if dark else "black",
        )  # fmt: skip
    axes.set_yticks(range(len(rows)), [short(name) for name in rows])
    axes.yaxis.tick_right()
    axes.set_xticks(
        range(len(columns)), [short(name) for name in columns], rotation=40, ha="right",
        rotation_mode="anchor",
    )  # fmt: skip
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
