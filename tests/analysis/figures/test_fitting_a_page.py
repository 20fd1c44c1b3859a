"""Figures of photographs that are long or many: none is higher than a page."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from analysis import style
from analysis.figures import case_images, composition, strips
from analysis.figures.case_images import Box, CaseImages
from tests.analysis.conftest import HEADER, save_case, write_run
from tests.command_line import run


def lengthy(height: int, width: int) -> CaseImages:
    """A reference whose rows and columns all differ, with a hole in the middle, and two results."""
    rows, columns = np.mgrid[:height, :width]
    reference = np.dstack([rows // 256, rows % 256, columns % 256]).astype(np.uint8)
    mask = np.zeros((height, width), bool)
    mask[height // 2 - 3 : height // 2 + 3, width // 2 - 3 : width // 2 + 3] = True
    return CaseImages("x", "native", reference, mask, {"one": reference, "other": reference // 2})


@pytest.mark.parametrize("size", [(4000, 30), (1200, 60), (30, 4000), (60, 1200), (400, 1)])
def test_a_very_long_photograph_fits_a_page_and_can_be_seen(size: tuple[int, int]) -> None:
    """A figure of 30 x 4000 pixels was 200 inches high."""
    shown = lengthy(*size)
    box = case_images.edge_box(shown, strips.crop_side(shown))
    with style.styled():
        figure = composition.side_by_side(shown, box)
        wholes = [axes for axes in figure.axes if axes.get_title()]
        extents = [axes.get_window_extent() for axes in wholes]
    assert figure.get_size_inches()[0] == 7 and figure.get_size_inches()[1] < 9
    assert len(wholes) == 4 and [text.get_text() for text in figure.texts] == ["part shown"]
    for axes, extent in zip(wholes, extents, strict=True):
        assert min(extent.width, extent.height) / figure.dpi > 0.1
        left, right, bottom, top = axes.images[0].get_extent()
        # In its own shape.
        shape = (bottom - top) / (right - left)
        assert extent.height / extent.width == pytest.approx(shape, rel=0.01)
        assert max(shape, 1 / shape) == pytest.approx(10)
    if 30 in size:
        # Not reduced; the frame begins at the pixel with which the crop does.
        column, row = map(int, wholes[3].patches[0].get_xy())
        corner = wholes[3].images[0].get_array()[row, column]
        assert np.array_equal(corner, shown.reference[box.top, box.left])


@pytest.mark.parametrize("methods", [1, 20, pytest.param(60, marks=pytest.mark.slow)])
@pytest.mark.parametrize("size", [(300, 100), (64, 64), (60, 1200)])
def test_a_photograph_by_many_methods_fits_a_page(methods: int, size: tuple[int, int]) -> None:
    """Rows of six panels by 60 methods were 23 inches high, three times as much if tall."""
    shown = lengthy(*size)
    results = {f"method {i}": shown.reference for i in range(methods)}
    shown = replace(shown, results=results)
    with style.styled():
        figure = composition.side_by_side(shown, case_images.edge_box(shown, 40))
        places = [axes.get_window_extent() for axes in figure.axes]
    assert figure.get_size_inches()[0] == 7 and figure.get_size_inches()[1] <= 9
    assert len(places) == 2 * (methods + 2)
    assert all(place.y0 >= -1 and place.y1 <= figure.bbox.y1 + 1 for place in places)
    assert min(max(place.width, place.height) for place in places) / figure.dpi > 0.3


@pytest.mark.slow
@pytest.mark.parametrize("show", ["both", "whole"])
def test_many_photographs_are_divided_into_figures_that_fit_a_page(
    show: strips.Show, folder: Path, tmp_path: Path
) -> None:
    images = [f"p{i}" for i in range(3)]
    for image in images:
        save_case(folder, 128, image, ["b|ar"], (384, 128))
    info = json.loads((folder / "run.json").read_text())
    info["dataset"]["images"] = [{"name": image} for image in images]
    rows = "".join(f"b|ar,128,{image},ok,1,9,0,0,1,1,\n" for image in images)
    write_run(folder, info, HEADER + rows)
    words = [word for image in images for word in ("--image", image)]
    done = run("analysis", "figure", folder, *words, "--show", show, "--out", tmp_path / "fig.png")
    assert done.returncode == 0, done.stderr
    files = sorted(tmp_path.glob("fig*.png"))
    # A strip of panels of 7 / 3 inches that are three times as high, with and without crops.
    assert [file.name for file in files] == [f"fig-{i}.png" for i in range(1, 4)]
    for file in files:
        width, height = PillowImage.open(file).size
        assert width == 2100 and 2000 < height <= 2700
    assert "3 figures, because one would be higher than a page" in done.stdout
    assert "fig-1.png, " in done.stdout and "fig-3.png, crop" in done.stdout


def test_names_beside_low_strips_overlap_nothing() -> None:
    shown = lengthy(60, 1200)
    box = case_images.edge_box(shown, 60)
    labels = ("sea_rocks\nnative size", "colosseum_arches\nnative size")
    drawn = [strips.make_strip(shown, box, ["one"], 300, label=label) for label in labels]
    with style.styled():
        figure = composition.compose(drawn, "whole", 7.0)
        above, below = (text.get_window_extent() for text in figure.texts)
        assert above.y0 > below.y1 and below.y0 >= 0 and above.y1 <= figure.bbox.y1
        assert figure.texts[0].get_text().endswith("part\nshown")


def test_a_long_photograph_is_shown_whole_in_a_narrower_panel() -> None:
    shown = lengthy(500, 100)
    with style.styled():
        figure = composition.side_by_side(shown, Box(0, 200, 100, 300))
        extents = [axes.get_window_extent() for axes in figure.axes if axes.get_title()]
    assert not figure.texts and 6.9 < figure.get_size_inches()[1] < 7.3
    assert all(e.height / e.width == pytest.approx(5, rel=0.01) for e in extents)
    # Three times as high as a panel is wide.
    assert extents[0].height / figure.dpi == pytest.approx(7 / 4 * 3, rel=0.03)
