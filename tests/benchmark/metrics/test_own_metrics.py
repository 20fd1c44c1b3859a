"""Metrics of your own: in a run, in tables, when they fail, and when they change."""

from __future__ import annotations

import importlib.metadata
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from benchmark.metrics import check_options, names, own, score
from tests.benchmark.conftest import PROTOCOL, Bench
from tests.paths import ROOT

MODULE = """
from benchmark.metrics import Metric, Scores
def function(pair):
    {body}
NAME = Metric(name="x", label="Own", better="lower", definition="{definition}", function=function)
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The current folder, from which modules are imported anew in every test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    before = set(sys.modules)
    yield tmp_path
    for module in set(sys.modules) - before:
        if module.startswith("own_"):
            del sys.modules[module]
    names._found_elsewhere.cache_clear()


def write(place: Path, module: str, body: str, definition: str = "over the whole image") -> None:
    (place / f"{module}.py").write_text(MODULE.format(body=body, definition=definition))
    # As for a new process.
    sys.modules.pop(module, None)
    importlib.invalidate_caches()
    names._found_elsewhere.cache_clear()


def bench_with(bench: Bench, metrics: list[str]) -> Bench:
    bench.protocol.write_text(
        PROTOCOL.replace('["l1", "psnr", "ssim"]', json.dumps(metrics)).replace(
            "[48, 64, 96]", "[48]"
        )
    )
    return bench


def test_the_manuals_example(place: Path) -> None:
    source = (ROOT / "docs" / "colour_shift.py").read_text()
    assert f"```python\n{source}```" in (ROOT / "docs" / "metrics.md").read_text()
    (place / "own_shift.py").write_text(source)
    reference = np.full((40, 40, 3), 100, np.uint8)
    mask = np.zeros((40, 40), bool)
    mask[10:20, 10:20] = True
    result = reference.copy()
    result[mask] += np.array([3, 0, 4], np.uint8)
    found = score(reference, result, mask, ["own_shift:COLOUR_SHIFT"])
    # One sixteenth of the image has changed, by 5 = sqrt(9 + 16).
    assert found["own_shift:COLOUR_SHIFT_hole"] == pytest.approx(5)
    assert found["own_shift:COLOUR_SHIFT"] == pytest.approx(5 / 16)
    options = {"own_shift:COLOUR_SHIFT": {"weight": 2.0}}
    found = score(reference, result, mask, ["own_shift:COLOUR_SHIFT"], options)
    assert found["own_shift:COLOUR_SHIFT_hole"] == pytest.approx(10)


@pytest.mark.slow
def test_a_run_has_its_column_and_tables_its_declaration(place: Path, bench: Bench) -> None:
    (place / "own_shift.py").write_text((ROOT / "docs" / "colour_shift.py").read_text())
    bench_with(bench, ["l1", "own_shift:COLOUR_SHIFT"])
    assert bench.run("--methods", "telea").returncode == 0
    assert all(float(row["own_shift:COLOUR_SHIFT"]) >= 0 for row in bench.rows().values())
    table = (bench.out / "tables" / "objective.md").read_text()
    assert "48 Colour shift (0-442) ↓" in table
    assert "distance between mean RGB colours, times 1.0" in table


def test_one_that_fails_on_a_case_leaves_no_value_and_its_reason(place: Path, bench: Bench) -> None:
    body = 'assert pair.result[0, 0, 0] < 128, "too\\nbright"\n    return Scores(1.0, 2.0)'
    write(place, "own_fails", body)
    bench_with(bench, ["l1", "own_fails:NAME"])
    done = bench.run("--methods", "telea")
    assert done.returncode == 0
    assert "telea, 48 px, bright: no own_fails:NAME: too bright" in done.stderr
    rows = bench.rows()
    bad, good = rows["telea", 48, "bright"], rows["telea", 48, "cliff"]
    assert bad["status"] == "ok" and bad["own_fails:NAME"] == "nan" and float(bad["l1"]) > 0
    assert bad["error"] == "no own_fails:NAME: too bright" and not good["error"]
    assert (good["own_fails:NAME"], good["own_fails:NAME_hole"]) == ("1.0", "2.0")
    table = (bench.out / "tables" / "objective.md").read_text()
    assert "leave out 1 of 4 images" in table and "no own\\_fails:NAME: too bright" in table


@pytest.mark.slow
def test_a_change_of_its_file_scores_again_without_running(place: Path, bench: Bench) -> None:
    write(place, "own_changes", "return Scores(1.0, None)")
    # Of two files of one size and second Python takes the code that it has compiled first.
    os.utime(place / "own_changes.py", (1e9, 1e9 + 0.25))
    bench_with(bench, ["l1", "own_changes:NAME"])
    assert bench.run("--methods", "telea").returncode == 0
    seconds = {slot: row["seconds"] for slot, row in bench.rows().items()}
    write(place, "own_changes", "return Scores(7.0, None)")
    os.utime(place / "own_changes.py", (1e9, 1e9 + 0.75))
    assert "0 to run" in bench.run("--methods", "telea").stderr
    rows = bench.rows()
    assert {row["own_changes:NAME"] for row in rows.values()} == {"7.0"}
    assert {slot: row["seconds"] for slot, row in rows.items()} == seconds


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("return 1.0", "returns float where Scores.whole, hole. is expected"),
        ('return "1", None', "returns tuple where"),
        ("return pair.result", "returns ndarray where"),
    ],
)
def test_a_wrong_type_is_refused_before_the_run(
    place: Path, bench: Bench, body: str, message: str
) -> None:
    write(place, "own_type", body)
    done = bench_with(bench, ["own_type:NAME"]).run("--methods", "telea")
    assert done.returncode == 2 and not bench.out.exists()
    assert done.stderr.count("\n") == 1 and str(bench.protocol) in done.stderr
    with pytest.raises(ValueError, match=message):
        check_options(["own_type:NAME"])


def test_what_cannot_be_used_is_named(place: Path) -> None:
    write(place, "own_declared", "return Scores(1, 2)", definition="a {thing}")
    with pytest.raises(ValueError, match=r"'own_declared:NAME': its definition has \{\} around"):
        check_options(["own_declared:NAME"])
    (place / "own_number.py").write_text("NAME = 3\n")
    with pytest.raises(ValueError, match=r"no benchmark\.metrics\.Metric, but of type int"):
        check_options(["own_number:NAME"])
    with pytest.raises(ValueError, match="'own_nowhere:X': ModuleNotFoundError: No module named"):
        check_options(["own_nowhere:X"])
    (place / "own_broken.py").write_text("1 / 0\n")
    with pytest.raises(ValueError, match="own_broken failed: ZeroDivisionError: division by zero"):
        check_options(["own_broken:X"])
    (place / "own_script.py").write_text("import sys; sys.exit(0)\n")
    with pytest.raises(ValueError, match="own_script ended with SystemExit"):
        check_options(["own_script:X"])
    code = MODULE.format(body="return Scores(1, 2)", definition="").replace('"lower"', '"down"')
    (place / "own_better.py").write_text(code)
    with pytest.raises(ValueError, match=r"better: input should be 'higher'.*found 'down'"):
        check_options(["own_better:NAME"])
    with pytest.raises(ValueError, match="'lpip': did you mean 'lpips'"):
        check_options(["lpip"])


def test_a_packages_metric_has_a_plain_name(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(place, "own_package", "return Scores(3.0, 4.0)")
    entry = importlib.metadata.EntryPoint("seams", "own_package:NAME", names.ENTRY_POINTS)
    monkeypatch.setattr(names, "entry_points", lambda group: [entry] * (group == entry.group))
    image = np.zeros((20, 20, 3), np.uint8)
    found = score(image, image, np.eye(20, dtype=bool), ["seams"])
    assert found == {"seams": 3.0, "seams_hole": 4.0}


def test_it_is_tried_once_on_noise_with_a_hole(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(place, "own_counts", "print(pair.mask.sum()); return Scores(0, 0)")
    seen: list[bool] = []
    monkeypatch.setattr(own, "_try", lambda metric: seen.append(metric.name == "own_counts:NAME"))
    check_options(["own_counts:NAME", "own_counts:NAME"])
    check_options(["own_counts:NAME"])
    assert seen == [True]
