"""LaTeX tables of people's preferences fit the page of a paper, whatever methods are called."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from analysis.agreement import correlate
from analysis.agreement import files as correlate_files
from analysis.output import latex_table
from analysis.ranking import files as rank_files
from analysis.ranking import study
from analysis.ranking.result import Settings
from analysis.runs import run as runs
from analysis.votes import exclusions
from analysis.votes.votes import read
from tests.analysis.agreement.test_correlate import written
from tests.analysis.latex import compiled
from tests.analysis.runs.test_tables import AWKWARD, PREAMBLE


def tables(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    names = [*AWKWARD, "Photoshop 2020 (Content-Aware Fill by default)", "DFNet", "x_1"]
    rows = ["participant,image,left,right,choice"]
    for person in range(30):
        for _ in range(20):
            left, right = rng.choice(len(names), 2, replace=False)
            choice = ("left", "right", "tie")[int(rng.integers(3))]
            pair = f'"{names[left]}","{names[right]}"'
            rows.append(f"simulated-{person},i{person % 5},{pair},{choice}")
    (tmp_path / "v.csv").write_text("\n".join(rows) + "\n")
    valid, flow = exclusions.apply(read(tmp_path / "v.csv"), exclusions.Rules())
    ranked = study.ranked(valid, flow, Settings(samples=100, order=True), [])
    (tmp_path / "ranking.tex").write_text(rank_files.to_latex(ranked))
    (tmp_path / "pairs.tex").write_text(rank_files.pairs_to_latex(ranked))
    run = written(tmp_path / "run", seed=1)
    votes = read(run / "votes.csv")
    found = correlate.correlations(runs.load(run), votes, 64, samples=20)
    notes = correlate_files.notes_of(found, exclusions.apply(votes, exclusions.Rules())[1])
    (tmp_path / "correlate.tex").write_text(correlate_files.to_latex(found, notes))


@pytest.mark.slow
@pytest.mark.parametrize("preamble", PREAMBLE.values(), ids=PREAMBLE.keys())
def test_tables_compile_and_fit_the_page(tmp_path: Path, preamble: str) -> None:
    (tmp_path / "run").mkdir()
    tables(tmp_path)
    said = compiled(tmp_path, r"\input{ranking}\input{pairs}\input{correlate}", preamble)
    assert "Overfull" not in said


def test_minus_signs_are_no_hyphens_and_long_names_are_broken() -> None:
    long = "a method with a very long name"
    text = latex_table(
        ["method", "ability"], [[long, "-0.5 to -0.25"], ["two-stage", "1-2"]], [],
        names=[0], caption="C", label="l",
    )  # fmt: skip
    assert "$-$0.5 to $-$0.25" in text and "two-stage & 1-2" in text
    assert re.search(r"\\parbox\[t\]\{9em\}\{[^}]*" + long, text)
