"""Plots and side-by-side figures: what is on them, where crops lie, what files they become."""

from __future__ import annotations

import shutil
import subprocess
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from analysis import style
from analysis.figures import case_images, composition, strips
from analysis.figures.case_images import Box, CaseImages
from analysis.runs import differences, plots, run, tables
from tests.command_line import Done
from tests.command_line import run as run_command

SIZE = 240


def drawn(folder: Path) -> dict[str, plots.Plot]:
    loaded = run.load(folder)
    with style.styled():
        found = plots.all_plots(loaded, tables.objective(loaded), differences.to_best(loaded))
        return {plot.name: plot for plot in found}


def test_plots_show_the_means_of_the_table_and_no_mean_over_fewer_images(folder: Path) -> None:
    shown = drawn(folder)
    (axes,) = shown["psnr-against-resolution"].figure.axes
    lines = {line.get_label(): line for line in axes.lines}
    assert list(lines["b|ar"].get_xdata()) == [64, 128]
    assert list(lines["b|ar"].get_ydata()) == [25.0, 12.0]
    # One image is missing at 128 px: that mean is over other images than the rest.
    assert list(lines["[a]"].get_xdata()) == [64]
    assert "PSNR (dB) ↑ higher is better" in axes.get_ylabel()
    (axes,) = shown["l1-against-seconds"].figure.axes
    points = [(line.get_xdata()[0], line.get_ydata()[0]) for line in axes.lines]
    assert (5.0, 1.5) in points and axes.get_xscale() == "log"


def test_headings_and_labels_break_behind_punctuation_and_fit() -> None:
    """In a figure of one column with seven panels, as of the paper."""
    names = ("masked input", "telea", "navier-stokes", "patchmatch", "two-stage")
    pixels = np.zeros((64, 64, 3), np.uint8)
    headings = [*names, "two-stage:patchmatch", "reference"]
    panels = [strips.Panel(heading, pixels, pixels) for heading in headings]
    labels = ("sea_rocks", "colosseum_arches")
    drawn = [strips.Strip(panels, (64, 64), Box(0, 0, 64, 64), label) for label in labels]
    with style.styled():
        figure = composition.compose(drawn, "crop", 3.4)
        titles = [axes.title for axes in figure.axes if axes.get_title()]
        assert titles[5].get_text().replace("\n", "|") == "two-|stage:|patchmatch"
        assert figure.texts[1].get_text() == "colosseum_\narches"
        boxes = [title.get_window_extent() for title in titles]
        assert all(left.x1 < right.x0 for left, right in pairwise(boxes))
        above, below = (text.get_window_extent() for text in figure.texts)
        assert above.y0 > below.y1 and below.y0 >= 0


def test_without_intervals_no_marker_speaks_of_them(folder: Path) -> None:
    (plot,) = (plot for name, plot in drawn(folder).items() if name == "differences")
    assert (
        plot.caption == "Differences to the best method without intervals, which need 5 photographs"
    )
    for axes in plot.figure.axes:
        assert all(line.get_markerfacecolor() != "white" for line in axes.lines)


def with_seconds(folder: Path, seconds: dict[str, str]) -> None:
    """Give all finished cases of methods one time each."""
    path = folder / "scores.csv"
    lines = [line.split(",") for line in path.read_text().splitlines()]
    for row in lines[1:]:
        row[8] = seconds[row[0]] if row[3] == "ok" else ""
    path.write_text("\n".join(map(",".join, lines)))


def test_a_very_fast_method_is_in_the_plot_against_seconds(folder: Path) -> None:
    """It had neither a point nor an entry in the legend: a logarithmic axis has no zero."""
    with_seconds(folder, {"[a]": "2.000", "b|ar": "0.000", "gone": ""})
    plot = drawn(folder)["l1-against-seconds"]
    (axes,) = plot.figure.axes
    assert {"b|ar", "[a]"} <= {line.get_label() for line in axes.lines}
    assert {line.get_xdata()[0] for line in axes.lines} == {0.0005, 2.0}
    assert plot.caption == (
        "L1 against time; b|ar: under 0.0005 s, drawn there; "
        "not drawn: gone (no score on every image)"
    )
    with_seconds(folder, {"[a]": "2.000", "b|ar": "0.000031", "gone": ""})
    plot = drawn(folder)["l1-against-seconds"]
    (axes,) = plot.figure.axes
    assert 3.1e-5 in {line.get_xdata()[0] for line in axes.lines}
    assert axes.xaxis.get_major_formatter()(1e-5) == "0.00001"
    assert "under" not in plot.caption


def test_captions_say_which_methods_are_not_drawn_and_legends_have_none_of_them(
    folder: Path,
) -> None:
    with_seconds(folder, {"[a]": "", "b|ar": "1.000", "gone": ""})
    shown = drawn(folder)
    for name, entries in (
        ("l1-against-resolution", ["b|ar", "[a]"]),
        ("l1-against-seconds", ["b|ar"]),
    ):
        (legend,) = shown[name].figure.legends
        assert [text.get_text() for text in legend.get_texts()] == entries
    said = "not drawn: gone (no score on every image)"
    assert shown["l1-against-resolution"].caption == f"L1 against resolution; {said}"
    assert (
        shown["l1-against-seconds"].caption == f"L1 against time; {said}; not drawn: [a] (no time)"
    )


def test_nothing_timed_means_no_plot_against_seconds(folder: Path) -> None:
    path = folder / "scores.csv"
    lines = [line.split(",") for line in path.read_text().splitlines()]
    for row in lines[1:]:
        row[8] = ""
    path.write_text("\n".join(map(",".join, lines)))
    assert not any("seconds" in name for name in drawn(folder))


def test_methods_are_told_apart_without_colour() -> None:
    styles = style.method_styles([f"m{i}" for i in range(56)])
    assert len({(own.colour, own.marker) for own in styles.values()}) == 56
    assert len({own.marker for own in list(styles.values())[:8]}) == 8


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("pdffonts"), reason="needs pdffonts (poppler-utils)")
def test_pdf_fonts_are_embedded_and_files_repeat_byte_for_byte(
    folder: Path, tmp_path: Path
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for path in (first, second):
        with style.styled():
            style.save(drawn(folder)["psnr-against-resolution"].figure, path)
    assert first.with_suffix(".pdf").read_bytes() == second.with_suffix(".pdf").read_bytes()
    assert first.with_suffix(".png").read_bytes() == second.with_suffix(".png").read_bytes()
    listing = subprocess.run(
        ["pdffonts", first.with_suffix(".pdf")], capture_output=True, text=True, check=True
    ).stdout
    rows = [line.split() for line in listing.splitlines()[2:]]
    assert rows and all("yes" in row and "Type 3" not in " ".join(row) for row in rows)


def made_up(*, spot: tuple[int, int], hole: tuple[slice, slice]) -> CaseImages:
    """Two results that differ from each other around `spot` (row, column) only."""
    reference = np.full((SIZE, SIZE, 3), 100, np.uint8)
    mask = np.zeros((SIZE, SIZE), bool)
    mask[hole] = True
    one = reference.copy()
    one[mask] = 90
    other = one.copy()
    row, column = spot
    other[row - 8 : row + 8, column - 8 : column + 8] = 250
    return CaseImages("x", SIZE, reference, mask, {"one": one, "other": other})


@pytest.mark.parametrize("spot", [(80, 120), (120, 80), (160, 110)])
def test_the_crop_is_at_the_holes_edge_where_results_differ(spot: tuple[int, int]) -> None:
    shown = made_up(spot=spot, hole=(slice(80, 160), slice(80, 160)))
    box = case_images.edge_box(shown, 40)
    assert (box.width, box.height) == (40, 40)
    assert box.left <= spot[1] < box.right and box.top <= spot[0] < box.bottom
    inside = box.crop(shown.mask)
    assert inside.any() and not inside.all()


def test_the_crop_stays_inside_the_image_for_a_hole_in_its_corner() -> None:
    shown = made_up(spot=(10, 10), hole=(slice(0, 20), slice(0, 20)))
    box = case_images.edge_box(shown, 64)
    assert box.left >= 0 and box.top >= 0 and box.right <= SIZE and box.bottom <= SIZE


def test_side_by_side_has_a_panel_and_a_crop_for_everybody() -> None:
    shown = made_up(spot=(80, 120), hole=(slice(80, 160), slice(80, 160)))
    with style.styled():
        figure = composition.side_by_side(shown, Box(100, 60, 140, 100))
    titles = [axes.get_title() for axes in figure.axes if axes.get_title()]
    assert titles == ["masked input", "one", "other", "reference"]
    crops = [axes for axes in figure.axes if not axes.get_title()]
    pixels = crops[2].images[0].get_array()
    # The crop holds the very pixels, enlarged by repetition: 13 times to fill a panel's 525.
    assert pixels.shape == (520, 520, 3)
    assert np.array_equal(pixels[::13, ::13], shown.results["other"][60:100, 100:140])


def test_many_methods_go_into_further_rows() -> None:
    shown = made_up(spot=(80, 120), hole=(slice(80, 160), slice(80, 160)))
    results = {f"m{i}": shown.results["one"] for i in range(10)}
    many = CaseImages("x", SIZE, shown.reference, shown.mask, results)
    with style.styled():
        figure = composition.side_by_side(many, Box(100, 60, 140, 100))
    titles = [axes.get_title() for axes in figure.axes if axes.get_title()]
    assert len(titles) == 12
    assert len({round(axes.get_position().x0, 4) for axes in figure.axes}) == 6


def command(*words: object) -> Done:
    return run_command("analysis", *words)


@pytest.mark.slow
def test_figure_draws_what_was_asked_for(pictured: Path, tmp_path: Path) -> None:
    out = tmp_path / "fig.one.png"
    done = command(
        "figure", pictured, "--image", "x", "--methods", "b|ar", "--crop", "40,40,24", "--out", out
    )
    assert done.returncode == 0, done.stderr
    assert "40,40,24" in done.stdout
    # Three panels of a third of seven inches, and crops as wide: two rows at 300 dpi.
    width, height = PillowImage.open(out).size
    assert width == 2100 and 1350 < height < 1500
    assert command("figure", pictured, "--image", "x").returncode == 0
    assert {path.suffix for path in (pictured / "figures").glob("figure-x-128.*")} == {
        ".png",
        ".pdf",
    }


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--image", "z"], "--image z: not in this run (x, y)"),
        (["--image", "x", "--resolution", "99"], "--resolution 99: not in this run (64, 128)"),
        (["--image", "x", "--methods", "nobody"], "--methods nobody: not in this run"),
        (["--image", "y", "--methods", "[a]"], "no result of [a] for y at 128 px"),
        (["--image", "x", "--resolution", "64"], "no result of b|ar, [a] for x at 64 px"),
        (["--image", "x", "--crop", "1,2"], "write it as LEFT,TOP,SIDE"),
        (["--image", "x", "--crop", "100,0,64"], "reaches out of the image of 128x128"),
        (["--image", "x", "--out", "fig.svg"], "suffix must be .png or .pdf"),
    ],
)
def test_figure_refuses_what_cannot_be_meant(
    pictured: Path, arguments: list[str], said: str
) -> None:
    done = command("figure", pictured, *arguments)
    assert done.returncode == 2 and done.stdout == ""
    assert said in done.stderr and done.stderr.count("\n") == 1
    assert not (pictured / "figures").exists()
