"""Tables from a run folder written by hand: means, marks, gaps and notes."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from analysis import run, tables

METRIC = {"unit": "", "decimals": 2, "definition": "as defined", "options": {}}
INFO = {
    "methods": [
        {"label": "b|ar", "note": ""},
        {"label": "[a]", "note": "no refinement"},
        {"label": "gone", "note": ""},
    ],
    "resolutions": [64, 128],
    "metrics": {
        "l1": {**METRIC, "label": "L1", "better": "lower"},
        "psnr": {**METRIC, "label": "PSNR", "unit": "dB", "better": "higher"},
    },
    "protocol": {"name": "tiny", "metrics": ["l1", "psnr"]},
    "dataset": {"images": [{}, {}]},
    "machine": {"processor": "abacus"},
    "threads": 1,
    "workers": 1,
}
SCORES = """\
method,resolution,image,status,l1,psnr,known_pixels_changed,seconds,peak_memory_mb,error
[a],64,x,ok,1.0,20.0,3,1.0,100.0,
[a],64,y,ok,2.0,30.0,0,9.0,300.0,
[a],128,x,ok,1.0,inf,0,2.0,100.0,
[a],128,y,failed,,,,,,"boom, twice"
b|ar,64,x,ok,1.501,24.0,0,1.0,50.0,
b|ar,64,y,ok,1.5,25.0,0,2.0,60.0,
b|ar,128,x,ok,3.0,10.0,0,1.0,50.0,
b|ar,128,y,ok,5.0,12.0,0,1.0,50.0,
gone,64,x,skipped,,,,,,gone needs coal
gone,64,y,skipped,,,,,,gone needs coal
gone,128,x,skipped,,,,,,gone needs coal
gone,128,y,skipped,,,,,,gone needs coal
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "run.json").write_text(json.dumps(INFO))
    (tmp_path / "scores.csv").write_text(SCORES)
    return tmp_path


def test_csv_has_unrounded_means_in_the_order_asked_for(folder: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(tables.to_csv(tables.objective(run.load(folder))))))
    assert [row["method"] for row in rows] == ["b|ar", "[a]", "gone"]
    assert float(rows[0]["64_l1"]) == pytest.approx(1.5005)
    assert rows[1]["64_psnr"] == "25.0" and rows[1]["128_psnr"] == "inf"
    assert (rows[1]["64_images"], rows[1]["128_images"], rows[2]["128_images"]) == ("2", "1", "0")
    assert rows[2]["64_l1"] == ""


def test_best_and_second_by_what_is_printed_and_only_if_complete(folder: Path) -> None:
    lines = tables.to_markdown(tables.objective(run.load(folder))).splitlines()
    assert lines[0] == ("| method | 64 L1 ↓ | 64 PSNR (dB) ↑ | 128 L1 ↓ | 128 PSNR (dB) ↑ |")
    # 1.5005 and 1.5 print alike: both are best. [a] at 128 lacks an image: not ranked.
    assert lines[2] == r"| b\|ar | **1.50** | <u>24.50</u> | 4.00 | 11.00 |"
    assert lines[3] == "| [a] | **1.50** | **25.00** | 1.00* | inf* |"
    assert lines[4] == "| gone | – | – | – | – |"


def test_notes_say_what_a_reader_must_know(folder: Path) -> None:
    notes = "\n".join(tables.objective(run.load(folder)).notes)
    assert "Means over 2 images" in notes and "protocol tiny" in notes
    assert "L1: as defined" in notes and "[a]: no refinement" in notes
    assert "[a]: 1 of 4 cases without a result (failed: boom, twice)" in notes
    assert "[a]: changed known pixels in 1 of 4 results" in notes
    assert "gone: 4 of 4 cases without a result (skipped: gone needs coal)" in notes


def test_cost_is_the_median_time_and_the_highest_peak(folder: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(tables.to_csv(tables.cost(run.load(folder))))))
    assert (rows[1]["64_seconds"], rows[1]["64_peak_memory_mb"]) == ("5.0", "300.0")
    assert "**" not in tables.to_markdown(tables.cost(run.load(folder)))


@pytest.mark.parametrize("terminal", [True, False])
def test_nothing_is_cut_off_on_any_screen(folder: Path, terminal: bool) -> None:
    out = io.StringIO()
    console = Console(file=out, width=40, force_terminal=terminal, color_system=None)
    tables.show(tables.objective(run.load(folder)), console)
    text = out.getvalue()
    assert "…" not in text and "[a]" in text and "64 px" in text and "128 px" in text
    assert max(map(len, text.splitlines()[:5])) <= 40 or not terminal


def test_tables_are_written_into_the_run_folder(folder: Path) -> None:
    tables.write(run.load(folder))
    names = sorted(path.name for path in (folder / "tables").iterdir())
    assert names == ["cost.csv", "cost.md", "objective.csv", "objective.md"]


def test_what_is_not_a_run_folder_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"run\.json.*is .* a run folder"):
        run.load(tmp_path)
    (tmp_path / "run.json").write_text("{}")
    (tmp_path / "scores.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match="not a run folder"):
        run.load(tmp_path)
