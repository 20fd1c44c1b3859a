"""A run folder that somebody edited, or a disk damaged: one line, by the file and its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.runs import run
from methods.errors import InputError
from tests.analysis.conftest import HEADER, SCORES
from tests.analysis.figures.test_figures import command
from tests.analysis.report.test_report import AUDIT

ROW = "[a],64,x,ok,1.0,20.0,3,0,1.0,100.0,\n"
BROKEN = {
    "a field too many": (HEADER + ROW + ROW.replace("\n", ",\n"), "line 3: 12 fields, the header"),
    "a row cut short": (HEADER + ROW + ROW[:12], "line 3: 5 fields, the header has 11"),
    "a row after a line break in quotes": (
        HEADER + ROW.replace("\n", '"a\nb"\n') + "[a]\n",
        "line 4: 1 field, the header has 11",
    ),
    "no number": (HEADER + ROW.replace("20.0", "high"), "line 2: psnr 'high' is no number"),
    "no whole number": (
        HEADER + ROW.replace("64", "64.5"),
        "line 2: resolution '64.5' is no number",
    ),
    "no such column": (SCORES.replace("error", "reason", 1), "line 1: no column 'error'"),
    "empty": ("", "line 1: no column 'method'"),
    "other encoding": ((HEADER + "é" + ROW).encode("latin-1"), ": not UTF-8 (byte 0xe9)"),
    "an endless field": (HEADER + "x" * 200_000, "line 2: field larger than field limit"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_scores_are_refused_by_their_line(case: str, folder: Path) -> None:
    content, said = BROKEN[case]
    path = folder / "scores.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError) as caught:
        run.load(folder)
    message = str(caught.value)
    assert message.startswith(str(path)) and said in message and "\n" not in message
    assert message.endswith("; give the benchmark's command again, which writes it anew")


@pytest.mark.parametrize("content", ["", '{"methods": [', "[]", '{"methods": [], "metrics": {}}'])
def test_a_broken_run_json_is_refused_by_its_name(content: str, folder: Path) -> None:
    (folder / "run.json").write_text(content)
    with pytest.raises(InputError) as caught:
        run.load(folder)
    message = str(caught.value)
    assert message.startswith(f"{folder / 'run.json'}: ") and "\n" not in message
    assert message.endswith("; give the benchmark's command again, which writes it anew")


def test_a_broken_audit_is_refused_by_its_line(folder: Path) -> None:
    for content, said in {
        AUDIT + "[a],64\n": "audit.csv line 4: 2 fields, the header has 11",
        AUDIT.replace("verdict", "found"): "audit.csv line 1: no column 'verdict'",
    }.items():
        (folder / "audit.csv").write_text(content)
        with pytest.raises(InputError, match=said):
            run.load(folder)


def test_the_command_line_says_it_in_one_line_and_writes_nothing(folder: Path) -> None:
    (folder / "scores.csv").write_text(SCORES + "[a],64\n")
    before = set(folder.rglob("*"))
    done = command("report", folder)
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert f"error: {folder / 'scores.csv'} line 14: 2 fields, the header has 11" in done.stderr
    assert set(folder.rglob("*")) == before
