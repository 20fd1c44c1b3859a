"""Tables from a run folder written by hand: means, marks, gaps and notes."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from rich.console import Console

from analysis.runs import run, table_formats, tables
from analysis.runs.case import Case, reasons
from methods.errors import InputError
from tests.analysis.conftest import HEADER, INFO, SCORES, write_run
from tests.analysis.latex import compiled


def test_csv_has_unrounded_means_in_the_order_asked_for(folder: Path) -> None:
    rows = list(
        csv.DictReader(io.StringIO(table_formats.to_csv(tables.objective(run.load(folder)))))
    )
    assert [row["method"] for row in rows] == ["b|ar", "[a]", "gone"]
    assert float(rows[0]["64_l1"]) == pytest.approx(1.5005)
    # x has an infinite PSNR by [a] at 128 px, which counts for nobody at any resolution.
    assert (rows[1]["64_psnr"], rows[1]["128_psnr"]) == ("30.0", "")
    assert (rows[0]["64_psnr"], rows[0]["128_psnr"]) == ("25.0", "12.0")
    assert [rows[0][f"{size}_psnr_images"] for size in (64, 128)] == ["1", "1"]
    assert (rows[1]["64_images"], rows[1]["128_images"], rows[2]["128_images"]) == ("2", "1", "0")
    assert rows[2]["64_l1"] == ""


def test_best_and_second_by_what_is_printed_and_only_if_complete(folder: Path) -> None:
    lines = table_formats.to_markdown(tables.objective(run.load(folder))).splitlines()
    assert lines[0] == ("| method | 64 L1 ↓ | 64 PSNR (dB) ↑ | 128 L1 ↓ | 128 PSNR (dB) ↑ |")
    # 1.5005 and 1.5 print alike: both are best. [a] at 128 lacks an image: not ranked.
    assert lines[2] == r"| b\|ar | **1.50** | <u>25.00</u> | 4.00 | 12.00 |"
    assert lines[3] == r"| \[a] | **1.50** | **30.00** | 1.00* | – |"
    assert lines[4] == "| gone | – | – | – | – |"


def test_notes_say_what_a_reader_must_know(folder: Path) -> None:
    notes = "\n".join(tables.objective(run.load(folder)).notes)
    assert "Means over 2 images" in notes and "protocol tiny" in notes
    assert "L1: as defined" in notes and "[a]: no refinement" in notes
    assert "[a]: 1 of 4 cases without a result (failed: boom, twice)" in notes
    assert "[a]: changed known pixels in 1 of 4 results" in notes
    assert "PSNR: means, differences and plots leave out 1 of 2 images for all" in notes
    assert "(x: [a]), as where it equals the reference" in notes
    assert "gone: 4 of 4 cases without a result (skipped: gone needs coal)" in notes


def test_every_kind_of_reason_is_named_and_alike_are_those_but_for_the_image(
    tmp_path: Path,
) -> None:
    scores = SCORES
    for size, image, row in (
        (64, "x", "skipped,,,,,,,no result res/64/x.png"),
        (64, "y", "skipped,,,,,,,no result res/64/y.png"),
        (128, "y", "skipped,,,,,,,no result res/128/y.png"),
        (128, "x", 'failed,,,,,,,"x.png is 95x96, the case 128x128"'),
    ):
        scores = scores.replace(
            f"gone,{size},{image},skipped,,,,,,,gone needs coal", f"gone,{size},{image},{row}"
        )
    notes = tables.objective(run.load(write_run(tmp_path, scores=scores))).notes
    assert (
        "gone: 4 of 4 cases without a result (3 skipped: no result res/64/x.png; "
        "1 failed: x.png is 95x96, the case 128x128); * marks means over fewer images."
    ) in notes


def test_of_many_reasons_some_are_named_and_of_each_status_one() -> None:
    cases = [Case("m", 64, f"p{i}", "failed", {}, f"reason {'abcdefgh'[i]}") for i in range(8)]
    cases.append(Case("m", 64, "p9", "timeout", {}, "too long"))
    assert reasons(cases) == (
        "1 failed: reason a; 1 timeout: too long; 1 failed: reason b; 1 failed: reason c; "
        "1 failed: reason d; 4 more reasons in scores.csv"
    )


def test_cost_is_the_median_time_and_the_highest_peak(folder: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(table_formats.to_csv(tables.cost(run.load(folder))))))
    assert (rows[1]["64_seconds"], rows[1]["64_peak_memory_mb"]) == ("5.0", "300.0")
    assert "**" not in table_formats.to_markdown(tables.cost(run.load(folder)))


def test_a_time_that_would_be_printed_as_zero_is_printed_as_less_than(tmp_path: Path) -> None:
    scores = SCORES.replace("0,0,1.0,50.0", "0,0,0.000321,50.0").replace("0,2.0,60.0", "0,0,60.0")
    table = tables.cost(run.load(write_run(tmp_path, scores=scores)))
    line = table_formats.to_markdown(table).splitlines()[2]
    assert line == r"| b\|ar | <0.01 | 60 | <0.01 | 50 |"
    assert r"ar & \ensuremath{<}0.01 & 60 &" in table_formats.to_latex(table, "cost")
    rows = list(csv.DictReader(io.StringIO(table_formats.to_csv(table))))
    assert rows[0]["128_seconds"] == "0.000321"


@pytest.mark.parametrize("terminal", [True, False])
def test_nothing_is_cut_off_on_any_screen(folder: Path, terminal: bool) -> None:
    out = io.StringIO()
    console = Console(file=out, width=40, force_terminal=terminal, color_system=None)
    table_formats.show(tables.objective(run.load(folder)), console)
    text = out.getvalue()
    assert "…" not in text and "[a]" in text and "64 px" in text and "128 px" in text
    assert max(map(len, text.splitlines()[:5])) <= 40 or not terminal


def test_tables_are_written_into_the_run_folder(folder: Path) -> None:
    table_formats.write(run.load(folder))
    names = sorted(path.name for path in (folder / "tables").iterdir())
    assert names == [
        f"{name}.{suffix}" for name in ("cost", "objective") for suffix in ("csv", "md", "tex")
    ]


def test_what_is_not_a_run_folder_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"run\.json.*is .* a run folder"):
        run.load(tmp_path)
    (tmp_path / "run.json").write_text("{}")
    (tmp_path / "scores.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="not that of a run folder"):
        run.load(tmp_path)


def test_results_scored_as_given_are_marked_and_explained(tmp_path: Path) -> None:
    scores = SCORES.replace("b|ar,64,x,ok,1.501,24.0,0,0", "b|ar,64,x,ok,1.501,24.0,55,1")
    table = tables.objective(run.load(write_run(tmp_path, scores=scores)))
    assert table_formats.to_markdown(table).splitlines()[2] == (
        r"| b\|ar | **1.50†** | <u>25.00</u> | 4.00 | 12.00 |"
    )
    notes = "\n".join(table.notes)
    assert "b|ar: † marks means with results made elsewhere (1 of 4)" in notes
    assert "b|ar: changed known pixels" not in notes


def test_latex_has_the_layout_of_the_paper(folder: Path) -> None:
    lines = table_formats.to_latex(tables.objective(run.load(folder)), "objective").splitlines()
    assert "booktabs" in lines[0]
    assert (
        r" & \multicolumn{2}{c}{64 px} & \multicolumn{2}{c}{128 px} \\" in lines
        and r"\cmidrule(lr){2-3}\cmidrule(lr){4-5}" in lines
    )
    heading = r"\heading L1$\downarrow$ & \heading PSNR$\uparrow$"
    assert rf"Method & {heading} & {heading} \\" in lines
    assert r" &  & \heading (dB) &  & \heading (dB) \\" in lines
    # Best bold, second underlined, the mean over one image of two marked and not ranked.
    assert any(
        line.endswith(r"ar & \textbf{1.50} & \underline{25.00} & 4.00 & 12.00 \\") for line in lines
    )
    assert r"{[}a] & \textbf{1.50} & \textbf{30.00} & 1.00\rlap{$^{*}$} & -- \\" in lines
    assert r"gone & -- & -- & -- & -- \\" in lines


AWKWARD = ["a_b & 50% #1", "é: {$x^2$} ~\\", "Photoshop 2020"]
PREAMBLE = {
    "one column": r"\documentclass{article}",
    "two columns": r"\documentclass[twocolumn]{article}\usepackage[margin=1.8cm]{geometry}",
}


@pytest.mark.slow
@pytest.mark.parametrize("preamble", PREAMBLE.values(), ids=PREAMBLE.keys())
def test_latex_compiles_and_fits_the_page(tmp_path: Path, preamble: str) -> None:
    """Four resolutions and three metrics as in the paper, names with characters that mean
    something to TeX."""
    sizes = [1024, 1536, 1792, 2048]
    metrics = {**INFO["metrics"], "ssim": {**INFO["metrics"]["psnr"], "label": "SSIM", "unit": ""}}
    info = {
        **INFO,
        "methods": [{"label": name, "note": f"{name}!"} for name in AWKWARD],
        "resolutions": sizes,
        "metrics": metrics,
        "protocol": {"name": "tiny_1", "metrics": list(metrics)},
    }
    rows = [
        f'"{name}",{size},{image},ok,3.456,23.456,0.912,55,1,12.5,1234,\n'
        for name in AWKWARD
        for size in sizes
        for image in "xy"
    ]
    header = HEADER.replace("psnr,", "psnr,ssim,")
    folder = write_run(tmp_path / "run", info, header + "".join(rows))
    table_formats.write(run.load(folder))
    tables_of_run = r"\input{run/tables/objective}\input{run/tables/cost}"
    assert "Overfull" not in compiled(tmp_path, tables_of_run, preamble)


def test_a_hole_left_black_is_told_under_the_table(tmp_path: Path) -> None:
    header, *rows = SCORES.splitlines()
    lines = [f"{header},hole_left_black", *(f"{row},{int('ar,64' in row)}" for row in rows)]
    table = tables.objective(run.load(write_run(tmp_path, scores="\n".join(lines) + "\n")))
    assert "b|ar: left the hole black in 2 of 4 results." in table.notes
    assert not any("[a]: left" in note for note in table.notes)


def test_a_method_that_has_not_run_on_every_photograph_is_marked_and_not_ranked(
    tmp_path: Path,
) -> None:
    """Its mean over the easy photographs was bold, above "Means over 2 images"."""
    scores = "".join(
        line for line in SCORES.splitlines(True) if not line.startswith(("b|ar,64,y", "b|ar,128,y"))
    )
    table = tables.objective(run.load(write_run(tmp_path, scores=scores)))
    line = table_formats.to_markdown(table).splitlines()[2]
    assert line == r"| b\|ar | 1.50* | – | 3.00* | – |"
    said = "b|ar: not run, or not since a photograph has changed, for 2 of 4 cases; * marks"
    assert any(note.startswith(said) for note in table.notes)
