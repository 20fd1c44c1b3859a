"""Scores by the hole's share of the image."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from analysis import style
from analysis.runs import differences, plots, run, table_formats, tables
from analysis.runs.hole_shares import by_hole_share
from tests.analysis.own_sizes import native_info, write_native

# Limits belong to the range above them; nothing is from 20 to 40 %.
SHARES = {"a": 0.05, "b": 0.1, "c": 0.19, "d": 0.4}
PSNR = {"a": (30, 31), "b": (20, 22), "c": (24, 20), "d": (10, 15)}


def test_means_of_each_range_are_those_of_its_images(tmp_path: Path) -> None:
    loaded = run.load(write_native(tmp_path, native_info(SHARES), PSNR))
    table = by_hole_share(loaded)
    assert table is not None
    assert [group.heading for group in table.groups] == ["0–10 % (1)", "10–20 % (2)", "40–50 % (1)"]
    rows = {row["method"]: row for row in csv.DictReader(io.StringIO(table_formats.to_csv(table)))}
    assert [rows["one"][f"{share}_psnr"] for share in ("0-10%", "10-20%", "40-50%")] == [
        "30.0", "22.0", "10.0",
    ]  # fmt: skip
    assert rows["two"]["10-20%_psnr"] == "21.0" and rows["two"]["10-20%_images"] == "2"
    # Best in bold range by range, as in the main table.
    line = table_formats.to_markdown(table).splitlines()[3]
    assert line.startswith("| two |") and "**31.00**" in line and "<u>21.00</u>" in line
    assert "10-20% is from 10 (included) to 20 % (not included)" in table.notes[0]
    assert "Means at native size" in table.notes[0] and "10-20%: 2, 40-50%: 1" in table.notes[0]


def test_a_value_that_is_not_finite_is_left_out_for_all_methods(tmp_path: Path) -> None:
    values = {**PSNR, "b": (float("inf"), 22)}
    table = by_hole_share(run.load(write_native(tmp_path, native_info(SHARES), values)))
    assert table is not None
    line = table_formats.to_markdown(table).splitlines()[3]
    assert "<u>20.00</u>" in line and "21.00" not in line


def test_differences_in_each_range_are_to_its_own_best_method(tmp_path: Path) -> None:
    shares = {f"small {i}": 0.02 for i in range(6)} | {f"large {i}": 0.55 for i in range(6)}
    lead = {
        name: (-2 if name.startswith("small") else 3) + 0.01 * i for i, name in enumerate(shares)
    }
    psnr = {name: (20 + lead[name], 20) for name in shares}
    loaded = run.load(write_native(tmp_path, native_info(shares), psnr))
    differences.write(loaded)
    path = tmp_path / "tables" / "differences_by_hole_share.csv"
    rows = [row for row in csv.DictReader(path.open()) if row["metric"] == "psnr"]
    assert [(row["hole_share"], row["method"], row["other"]) for row in rows] == [
        ("0-10%", "one", "two"), ("50-60%", "two", "one"),
    ]  # fmt: skip
    assert float(rows[0]["difference"]) == pytest.approx(-2 + 0.01 * 2.5)
    assert float(rows[1]["difference"]) == pytest.approx(-(3 + 0.01 * 8.5))
    assert all(row["images"] == "6" and row["outcome"] == "worse" for row in rows)
    differences.write(
        run.load(write_native(tmp_path, native_info(dict.fromkeys(shares, 0.1)), psnr))
    )
    assert not path.exists()


def test_files_are_written_where_holes_differ_and_removed_where_they_no_longer_do(
    tmp_path: Path,
) -> None:
    names = {f"by_hole_share.{suffix}" for suffix in ("csv", "md", "tex")}
    table_formats.write(run.load(write_native(tmp_path, native_info(SHARES))))
    assert names <= {path.name for path in (tmp_path / "tables").iterdir()}
    latex = (tmp_path / "tables/by_hole_share.tex").read_text()
    assert r"\multicolumn{3}{c}{10{\textendash}20 \% (2)}" in latex
    alike = native_info(dict.fromkeys(SHARES, 0.1111))
    table_formats.write(run.load(write_native(tmp_path, alike)))
    assert not names & {path.name for path in (tmp_path / "tables").iterdir()}


def test_ten_ranges_of_one_metric_are_no_wider_than_a_page(tmp_path: Path) -> None:
    info = native_info({f"i{i}": i / 10 + 0.05 for i in range(10)}, reference=False)
    table = by_hole_share(run.load(write_native(tmp_path, info)))
    assert table is not None
    assert table_formats.to_latex(table, "x").count(r"\begin{tabular}") == 2


def test_the_plot_keeps_the_distances_between_ranges(tmp_path: Path) -> None:
    loaded = run.load(write_native(tmp_path, native_info(SHARES), PSNR))
    with style.styled():
        shown = {p.name: p for p in plots.all_plots(loaded, tables.objective(loaded), [])}
    plot = shown["psnr-against-hole-share"]
    assert plot.caption == "PSNR against the hole's share of the image, native size"
    (axes,) = plot.figure.axes
    assert list(axes.lines[0].get_xdata()) == [0, 10, 40]
    assert list(axes.lines[0].get_ydata()) == [30, 22, 10]
    assert [label.get_text() for label in axes.get_xticklabels()] == [
        "0–10\n(1)", "10–20\n(2)", "40–50\n(1)",
    ]  # fmt: skip


def test_runs_that_did_not_record_the_holes_have_no_such_table(folder: Path) -> None:
    assert by_hole_share(run.load(folder)) is None
