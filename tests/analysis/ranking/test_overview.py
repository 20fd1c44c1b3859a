"""The tree of images: who stands next to whom, and how far apart."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from scipy.cluster.hierarchy import cut_tree

from analysis import style
from analysis.ranking import overview, per_image
from analysis.ranking.ranking import Settings, rank
from analysis.votes.votes import read

METHODS = ("a", "b", "c")


def table(orders: list[str]) -> np.ndarray:
    """Abilities of a, b, c, for orders such as "acb", best first."""
    return np.array([[-order.index(method) for method in METHODS] for order in orders], float)


def test_the_tree_joins_images_by_the_pairs_that_trade_places() -> None:
    tree = overview.clustered(table(["abc", "cba", "abc", "acb"]))
    # abc twice: none; acb: one pair; cba against abc, abc and acb: 3, 3 and 2 pairs.
    assert tree[:, 2] == pytest.approx([0, 1, 8 / 3])


def figure(tmp_path: Path, orders: list[str]) -> list[list[str]]:
    """Texts of the cells of each row, from the top, the row's name last."""
    rows = ["image,left,right,choice"]
    for number, order in enumerate(orders):
        for i, better in enumerate(order):
            for worse in order[i + 1 :]:
                rows += [f"i{number},{better},{worse},left"] * 30
                rows += [f"i{number},{better},{worse},right"] * 3
    (tmp_path / "votes.csv").write_text("\n".join(rows) + "\n")
    votes = read(tmp_path / "votes.csv")
    ranking = rank(votes, Settings(samples=100))
    with style.styled():
        drawn = overview.overview(ranking, per_image.ranked(votes, "image"))
    found = []
    for axes in (axes for axes in drawn.axes if axes.texts):
        names = [label.get_text() for label in axes.get_yticklabels()]
        texts = [text.get_text() for text in axes.texts]
        width = len(texts) // max(1, len(names))
        found += [[*texts[i * width : (i + 1) * width], name] for i, name in enumerate(names)]
    return found


def test_rows_that_rank_alike_stand_together_under_the_overall_ranking(tmp_path: Path) -> None:
    rows = figure(tmp_path, ["abc", "cba", "abc", "cab", "abc", "cba", "abc", "abc"])
    assert rows[0] == ["1", "2", "3", "overall"]
    shown = ["".join(row[:3]) for row in rows[1:]]
    assert sorted(shown) == ["123", "123", "123", "123", "123", "231", "321", "321"]
    assert "123" * 5 in "".join(shown) and "321321" in "".join(shown)
    # The one between both stands between them.
    assert shown[0] != "231" != shown[-1]


def test_more_images_than_rows_are_shown_in_groups(tmp_path: Path) -> None:
    rows = figure(tmp_path, ["abc"] * 40 + ["cba"] * 3)
    assert len(rows) == 1 + overview.MOST_ROWS
    assert sum("more" in row[-1] for row in rows) >= 1


def test_groups_are_those_of_the_ordered_tree() -> None:
    drawn = np.random.default_rng(0).normal(size=(200, 6))
    expected = cut_tree(overview.clustered(drawn), n_clusters=overview.MOST_ROWS)[:, 0]
    assert (overview.grouped(drawn) == expected).all()


@pytest.mark.slow
def test_of_very_many_images_some_are_compared_and_the_others_join_the_nearest_group() -> None:
    """Without this the distances alone would take 40 GB."""
    orders = np.array(list(itertools.islice(itertools.permutations(range(6)), 0, 720, 18)), float)
    assert len(orders) == overview.MOST_ROWS
    kind = np.random.default_rng(0).integers(0, len(orders), 100_000)
    group = overview.grouped(orders[kind])
    assert len(set(zip(kind, group, strict=True))) == len(set(group)) == overview.MOST_ROWS


def test_one_image_needs_no_tree(tmp_path: Path) -> None:
    assert [row[-1] for row in figure(tmp_path, ["abc"])] == ["overall", "i0"]


@pytest.mark.parametrize("methods", ["ab", "abcdefgh"])
def test_what_colours_mean_is_within_the_figure(methods: str, tmp_path: Path) -> None:
    """Above two methods it was longer than the figure is wide."""
    pairs = list(itertools.permutations(methods, 2))
    rows = [f"{image},{a},{b},left" for image in "xy" for a, b in pairs for _ in range(2)]
    rows += [f"y,{b},{a},left" for a, b in itertools.combinations(methods, 2)]
    (tmp_path / "votes.csv").write_text("image,left,right,choice\n" + "\n".join(rows) + "\n")
    votes = read(tmp_path / "votes.csv")
    ranking = rank(votes, Settings(samples=100))
    with style.styled():
        drawn = overview.overview(ranking, per_image.ranked(votes, "image"))
        drawn.draw_without_rendering()
        (title,) = (axes._right_title for axes in drawn.axes if axes.get_title(loc="right"))
        extent = title.get_window_extent()
    assert extent.x0 >= 0 and extent.x1 <= drawn.bbox.x1
    assert title.get_text().replace("\n", " ") == "rank; purple: better than overall, orange: worse"
