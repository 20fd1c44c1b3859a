"""What the tables of a merged run say below them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from analysis.runs import run, tables
from tests.analysis.merging.runs import change_json, make_run, merge, photo


def test_times_name_the_machine_of_every_method(tmp_path: Path) -> None:
    a = make_run(tmp_path / "a", ["telea"], ["x"], processor="abacus")
    b = make_run(tmp_path / "b", ["telea", "coal"], ["y"], processor="slide rule")
    merge(a, b, out=tmp_path / "out")
    notes = tables.cost(run.load(tmp_path / "out")).notes
    threads = "workers: 1, threads of each: 1."
    assert f"coal, telea (1 of 2 cases): run b; machine: slide rule; {threads}" in notes
    assert f"telea (1 of 2 cases): run a; machine: abacus; {threads}" in notes
    assert "Times are comparable within one machine only." in notes
    assert not any(note.startswith("Machine:") for note in notes)
    info = json.loads((tmp_path / "out/run.json").read_text())
    assert info["machine"]["processor"] == "abacus / slide rule"


@pytest.mark.parametrize("other", ["x", "z"])
def test_what_was_counted_in_several_runs_is_told_for_each(tmp_path: Path, other: str) -> None:
    crop = "1 photograph not square, cropped to the centre"
    size = "512 px is not a size of protocol tiny"
    for folder, label, image in (("a", "telea", "x"), ("b", "coal", other)):
        make_run(tmp_path / folder, [label, "n"], [image], failed={"n": "failed"})
        about = {"path": "p", "images": [photo(image)], "notes": [size, crop]}
        change_json(tmp_path / folder, dataset=about)
    merge(tmp_path / "a", tmp_path / "b", out=tmp_path / "out")
    told = [f"a: {crop}", f"b: {crop}"] if other == "z" else [crop]
    assert run.load(tmp_path / "out").remarks == [size, *told]
