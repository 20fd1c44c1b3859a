"""Figures of several photographs and resolutions: what stands where, and at what size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from PIL import Image as PillowImage
from typer.testing import CliRunner

from analysis import style
from analysis.__main__ import app
from analysis.figures import comparison
from analysis.figures.comparison import FigureSpec
from analysis.runs import run
from tests.analysis.conftest import write_pictures
from tests.analysis.figures.test_figures import command
from tests.analysis.own_sizes import native_info, write_native, write_native_pictures


@pytest.fixture
def sized(pictured: Path) -> Path:
    """Pictures at both resolutions; [a] has none of y at 128 px: it ran out of memory."""
    write_pictures(pictured, ["[a]", "b|ar"], ["x", "y"], 64)
    scores = pictured / "scores.csv"
    scores.write_text(scores.read_text().replace("128,y,failed", "128,y,out_of_memory"))
    return pictured


def panels(folder: Path, spec: FigureSpec) -> list[list[Axes]]:
    """Axes as they stand: rows from the top, each from the left."""
    with style.styled():
        (figure,), _ = comparison.draw(run.load(folder), spec)
    rows: dict[float, list[Axes]] = {}
    for axes in figure.axes:
        rows.setdefault(round(axes.get_position().y0, 4), []).append(axes)
    return [
        sorted(rows[y], key=lambda axes: axes.get_position().x0) for y in sorted(rows, reverse=True)
    ]


def test_photographs_go_down_and_methods_across_in_the_order_asked_for(sized: Path) -> None:
    spec = FigureSpec(["y", "x"], [64], ["b|ar", "[a]"], 7.0, show="whole")
    rows = panels(sized, spec)
    assert [len(row) for row in rows] == [4, 4]
    headings = ["masked input", "b|ar", "[a]", "reference"]
    assert [axes.get_title() for axes in rows[0]] == headings
    # The same headings are not said twice.
    assert [axes.get_title() for axes in rows[1]] == [""] * 4
    reference = run.load(sized).read_image("reference", 64, "y")
    assert np.array_equal(rows[0][3].images[0].get_array(), reference)
    # Each method has its own grey in the hole.
    greys = [int(axes.images[0].get_array()[32, 32, 0]) for axes in rows[1][1:3]]
    assert greys == [170, 85]


def test_resolutions_show_the_same_place_and_a_gap_says_why(sized: Path) -> None:
    spec = FigureSpec(["y"], [64, 128], None, 3.4, ["32,48,64"], "both", [], {"b|ar": "Bar"})
    rows = panels(sized, spec)
    assert [axes.get_title() for axes in rows[0]] == ["Bar", "[a]"]
    loaded = run.load(sized)
    for row, size, box in ((1, 64, (16, 24, 32)), (3, 128, (32, 48, 64))):
        left, top, side = box
        whole = loaded.read_image("b|ar", size, "y")
        assert whole is not None
        crop = np.asarray(rows[row][0].images[0].get_array())
        factor = len(crop) // side
        assert np.array_equal(crop[::factor, ::factor], whole[top : top + side, left : left + side])
    assert [text.get_text() for text in rows[2][1].texts] == ["out of\nmemory"]


def test_files_are_as_wide_as_a_column_at_300_dpi(sized: Path, tmp_path: Path) -> None:
    words = ["figure", str(sized), "--image", "x", "--image", "y", "--resolution", "64"]
    words += ["--width", "column", "--no-masked", "--out", str(tmp_path / "fig")]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    image = PillowImage.open(tmp_path / "fig.png")
    assert image.size[0] == 1020 and round(image.info["dpi"][0]) == 300
    assert (tmp_path / "fig.pdf").exists() and done.output.count(",32") == 2


@pytest.mark.slow
def test_photographs_of_different_shapes_keep_them_and_the_original_is_none_to_compare_with(
    tmp_path: Path,
) -> None:
    info = native_info({"x": 0.1, "y": 0.2}, reference=False)
    write_native(tmp_path, info)
    write_native_pictures(tmp_path, {"x": (60, 120), "y": (150, 90)})
    rows = panels(tmp_path, FigureSpec(["x", "y"], ["native"], None, 7.0))
    assert rows[0][3].get_title() == "original, with the object\nto be removed"
    inches = [axes.get_window_extent() for axes in (rows[0][0], rows[2][0])]
    assert [box.height / box.width for box in inches] == pytest.approx([0.5, 150 / 90], rel=0.01)
    done = command("figure", tmp_path, "--image", "y", "--resolution", "native")
    assert done.returncode == 0 and (tmp_path / "figures/figure-y-native.pdf").exists()
    other = command("figure", tmp_path, "--image", "y", "--resolution", "64")
    assert other.returncode == 2 and "--resolution 64: not in this run (native)" in other.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--image", "x", "--image", "z"], "--image z: not in this run"),
        (["--image", "x", "--crop", "1,1,8", "--crop", "2,2,8"], "2 of them for 1 images"),
        (["--image", "x", "--label", "nobody=N"], "--label nobody: not in this run"),
        (["--image", "x", "--resolution", "64", "--methods", "gone"], "no result of gone for x"),
    ],
)
def test_what_cannot_be_meant_is_refused(sized: Path, words: list[str], said: str) -> None:
    done = CliRunner().invoke(app, ["figure", str(sized), *words])
    assert done.exit_code == 1 and said in str(done.exception)
    assert not (sized / "figures").exists()
