"""Runs at native size and without a reference."""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console

from analysis import style
from analysis.report import page
from analysis.runs import differences, plots, run, table_formats, tables
from tests.analysis.own_sizes import native_info, write_native

SHARES = {"x": 0.05, "y": 0.25}
REMARK = "No L1, PSNR: they compare with the original, which shows the object to be removed."


def drawn(loaded: run.Run) -> set[str]:
    best, _ = differences.write(loaded)
    with style.styled():
        return {plot.name for plot in plots.all_plots(loaded, tables.objective(loaded), best)}


def test_native_size_is_said_as_such_in_every_table(tmp_path: Path) -> None:
    loaded = run.load(write_native(tmp_path, native_info(SHARES)))
    table_formats.write(loaded)
    written = {path.name: path.read_text() for path in (tmp_path / "tables").iterdir()}
    assert "native px" not in "".join(written.values())
    assert "| method | native L1 ↓ | native PSNR ↑ | native blur ↓ |" in written["objective.md"]
    assert written["cost.csv"].startswith("method,native_seconds,native_peak_memory_mb")
    assert r"\multicolumn{3}{c}{native size}" in written["objective.tex"]
    out = io.StringIO()
    table_formats.show(tables.objective(loaded), Console(file=out, width=80))
    assert "native size" in out.getvalue().splitlines()[0]


def test_native_size_has_no_plot_against_resolution_and_nothing_across_them(tmp_path: Path) -> None:
    loaded = run.load(write_native(tmp_path, native_info(SHARES)))
    assert differences.across_resolutions(loaded) == []
    assert drawn(loaded) == {"differences"} | {
        f"{metric}-against-{what}"
        for metric in ("l1", "psnr", "blur")
        for what in ("hole-share", "seconds")
    }


def test_without_a_reference_only_metrics_that_need_none_are_left(tmp_path: Path) -> None:
    loaded = run.load(write_native(tmp_path, native_info(SHARES, reference=False)))
    table = tables.objective(loaded)
    assert table_formats.to_markdown(table).splitlines()[:3] == [
        "| method | native blur ↓ |", "|---|---:|", "| one | **0.25** |",
    ]  # fmt: skip
    assert sum(REMARK in note for note in table.notes) == 1
    assert drawn(loaded) == {"differences", "blur-against-hole-share", "blur-against-seconds"}


def test_without_a_reference_and_such_metrics_the_table_says_why_it_is_empty(
    tmp_path: Path,
) -> None:
    loaded = run.load(write_native(tmp_path, native_info(SHARES, reference=False, blur=False)))
    table_formats.write(loaded)
    text = (tmp_path / "tables/objective.md").read_text()
    assert "| one | – | – |" in text and REMARK in text
    assert "| one | 1.00 | 50 |" in (tmp_path / "tables/cost.md").read_text()
    assert drawn(loaded) == set()


def test_notes_on_holes_and_sizes_are_below_every_table(tmp_path: Path) -> None:
    info = native_info(SHARES)
    notes = ["1 of 2 holes loses a part", "512 px is not a size of protocol tiny"]
    info["dataset"]["notes"] = notes
    table_formats.write(run.load(write_native(tmp_path, info)))
    for name in ("objective.md", "by_hole_share.md", "cost.md", "objective.tex"):
        text = (tmp_path / "tables" / name).read_text()
        assert all(note in text for note in notes)


def test_several_masks_of_a_photograph_are_counted_as_such(tmp_path: Path) -> None:
    info = native_info(SHARES, photographs=["x.png", "x.png"])
    notes = tables.objective(run.load(write_native(tmp_path, info))).notes
    assert notes[0].startswith("Means over 2 images (1 photograph, several masks)")


def test_a_photograph_under_several_names_is_no_photograph_with_several_masks(
    tmp_path: Path,
) -> None:
    info = native_info({"a": 0.05, "b": 0.05, "c": 0.25}, photographs=["a.png", "b.png", "c.png"])
    first, again, _ = info["dataset"]["images"]
    again |= {"sha256": first["sha256"], "mask_sha256": first["mask_sha256"]}
    loaded = run.load(write_native(tmp_path, info))
    notes = tables.objective(loaded).notes
    assert notes[0].startswith("Means over 3 images (2 photographs), whole image")
    assert notes[1] == "The same photograph under several names counts as often in means: a = b."
    assert page.summary(loaded).startswith("2 methods on 2 photographs at native size")
    assert page.resampled(loaded) == "photographs, each drawn under all its names"


def test_copies_of_a_photograph_with_masks_of_their_own_are_masks_of_one(tmp_path: Path) -> None:
    info = native_info({"a": 0.05, "b": 0.05, "c": 0.25}, photographs=["a.png", "b.png", "c.png"])
    for image in info["dataset"]["images"]:
        image["sha256"] = "9"
    info["dataset"]["images"][2]["mask_sha256"] = info["dataset"]["images"][1]["mask_sha256"]
    loaded = run.load(write_native(tmp_path, info))
    notes = tables.objective(loaded).notes
    assert notes[0].startswith("Means over 3 images (1 photograph, several masks)")
    assert notes[1].endswith("counts as often in means: b = c.")
    assert page.summary(loaded).startswith("2 methods on 1 photograph with 2 masks at native size")


def test_many_repeated_photographs_are_counted(tmp_path: Path) -> None:
    info = native_info({f"{letter}{copy}": 0.1 for letter in "abcdefg" for copy in range(2)})
    for image in info["dataset"]["images"]:
        image |= {"sha256": image["name"][0], "mask_sha256": None}
    note = tables.objective(run.load(write_native(tmp_path / "pairs", info))).notes[1]
    assert note.endswith("means: a0 = a1; b0 = b1; c0 = c1; d0 = d1; e0 = e1 and 2 more.")
    for image in info["dataset"]["images"]:
        image["sha256"] = "a"
    note = tables.objective(run.load(write_native(tmp_path / "all", info))).notes[1]
    assert note.endswith("means: a0 = a1 = b0 = b1 = c0 and 9 more.")
