"""From files of choices among several methods, and of orders, to a ranking."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import analysis
from analysis.ranking import files
from analysis.ranking.ranking import Settings, rank
from analysis.votes.votes import read
from tests.analysis.conftest import write_run
from tests.analysis.ranking.test_rank import assert_refused, command, table
from tests.command_line import run
from tests.paths import ROOT

ABILITIES = {"best": 0.9, "good": 0.3, "fair, even": -0.2, "плохой": -1.0}


def study(people: int = 40, questions: int = 12, shown: int = 4, seed: int = 0) -> list[list[str]]:
    """participant, image and an order of some methods, by people who differ."""
    rng = np.random.default_rng(seed)
    rows = []
    for person in range(people):
        own = {name: ability + rng.normal(0, 0.3) for name, ability in ABILITIES.items()}
        for question in range(questions):
            names = rng.choice(list(ABILITIES), shown, replace=False)
            felt = {str(name): own[name] + rng.gumbel() for name in names}
            rows.append(
                [f"p{person}", f"i{question % 5}", *sorted(felt, key=felt.__getitem__)[::-1]]
            )
    return rows


def saved(path: Path, heading: str, rows: list[list[str]], separator: str = ",") -> Path:
    with path.open("w", newline="") as file:
        writer = csv.writer(file, delimiter=separator)
        writer.writerows([heading.split(","), *rows])
    return path


def orders(path: Path, rows: list[list[str]]) -> Path:
    return saved(path, "participant,image,order", [[*row[:2], ">".join(row[2:])] for row in rows])


@pytest.mark.slow
def test_all_files_of_a_ranking_are_written_from_orders(tmp_path: Path) -> None:
    votes, out = orders(tmp_path / "v.csv", study()), tmp_path / "out"
    done = command(votes, "--out", out, "--by", "image")
    assert done.returncode == 0, done.stderr
    assert {path.name for path in out.iterdir()} == {
        "ranking.csv", "pairs.csv", "exclusions.csv", "ranking.md", "ranking.tex", "pairs.tex",
        "rank.json", "ranking.png", "ranking.pdf", "preferences.png", "preferences.pdf",
        "by_image.csv", "by_image.png", "by_image.pdf",
    }  # fmt: skip
    rows = table(out / "ranking.csv")
    assert [row["method"] for row in rows] == list(ABILITIES)
    # Each of 480 orders of four puts methods before six others.
    assert sum(float(row["wins"]) for row in rows) == 480 * 6
    for row in rows:
        assert float(row["ci_low"]) < ABILITIES[row["method"]] < float(row["ci_high"])
        assert float(row["std_error"]) > 0
    first = table(out / "pairs.csv")[0]
    assert float(first["wins"]) + float(first["losses"]) == 480
    assert len({row["part"] for row in table(out / "by_image.csv")}) == 5
    content = json.loads((out / "rank.json").read_text())
    assert content["model"] == "Plackett-Luce"
    assert content["checked_against"]["largest_difference"] < 1e-9
    assert (
        "Plackett-Luce abilities" in done.stdout and "Votes are orders of 4 methods" in done.stdout
    )
    assert "(Plackett-Luce)" in (out / "ranking.tex").read_text()


FORMS = {
    "others in one column": ("chosen,others", lambda row: [row[2], "|".join(row[3:])], ","),
    "semicolons": ("chosen,others", lambda row: [row[2], " ; ".join(row[3:])], ","),
    "the chosen one among them": ("chosen,others", lambda row: [row[2], "|".join(row[2:])], ","),
    "a column each": ("chosen,other1,other2,other3", lambda row: row[2:], ","),
    "columns of one name": ("chosen,others,others,others", lambda row: row[2:], ","),
    "empty columns": ("other 1,other 2,other 3,other 4,chosen", lambda r: [*r[3:], "", r[2]], ";"),
}


@pytest.mark.parametrize("form", FORMS)
def test_forms_of_a_choice_are_read_alike(form: str, tmp_path: Path) -> None:
    heading, written, separator = FORMS[form]
    rows = study(people=12)
    path = saved(
        tmp_path / "v.csv",
        f"participant,image,{heading}",
        [[*row[:2], *written(row)] for row in rows],
        separator,
    )
    found = read(path)
    assert found.form == "choices" and found.unused == ()
    expected = [[row[2], *sorted(row[3:])] for row in rows]
    assert found.frame["ranked"].tolist() == expected


@pytest.mark.usefixtures("undrawn")
def test_columns_can_be_named_and_pairs_go_first(tmp_path: Path) -> None:
    rows = [["p", "a>b>c"], ["q", "b>c>a"], ["r", "c>a>b"]]
    path = saved(tmp_path / "v.csv", "who,Rang", rows, ";")
    found = command(
        path, "--out", tmp_path / "o", "--column", "order=Rang", "--column", "participant=who"
    )
    assert found.returncode == 0 and "3 valid votes of 3 people" in found.stdout
    saved(path, "Who,Order", rows)
    assert "(--column order=Order reads it)" in command(path, "--out", tmp_path / "o").stderr
    pairs = saved(tmp_path / "p.csv", "left,right,choice,order", [["a", "b", "left", "1"]])
    assert read(pairs).form == "pairs" and read(pairs).unused == ("order",)


@pytest.mark.parametrize("form", ["order", "choice"])
def test_votes_between_two_give_bradley_terrys_ranking(form: str, tmp_path: Path) -> None:
    rows = study(shown=2)
    pairs = saved(
        tmp_path / "pairs.csv", "participant,image,winner,loser", [row[:4] for row in rows]
    )
    votes = (
        orders(tmp_path / "v.csv", rows)
        if form == "order"
        else saved(tmp_path / "v.csv", "participant,image,chosen,others", rows)
    )
    settings = Settings(samples=100)
    found, expected = rank(read(votes), settings), rank(read(pairs), settings)
    assert found.model == "Bradley-Terry"
    assert (found.rows, found.pairs) == (expected.rows, expected.pairs)


def test_the_manuals_examples_are_ranked_as_it_shows(tmp_path: Path) -> None:
    manual = (ROOT / "docs/analysis.md").read_text()
    choices, ordered = re.findall(r"^```text\n(.*?)^```", manual, re.DOTALL | re.MULTILINE)
    (tmp_path / "choices.csv").write_text(choices)
    assert rank(read(tmp_path / "choices.csv"), Settings(samples=100)).rows[0].wins == 6
    (tmp_path / "orders.csv").write_text(ordered)
    ranking = rank(read(tmp_path / "orders.csv"), Settings())
    shown = "\n".join("| " + " | ".join(row) + " |" for row in files.cells(ranking)[1:])
    assert f"{shown}\n```" in manual


REFUSED = {
    "order\na>b>c\na=b>c\n": "line 3: order 'a=b>c' has a tie (=), which orders cannot have",
    "order\na>b>c\nb>a>b\n": "line 3: order 'b>a>b' names 'b' twice",
    "order\na>b>\n": "line 2: order 'a>b>' lacks a name beside >",
    'participant,order\np,"a,b"\n': "line 2: order 'a,b' names one method; write it as a>b>c",
    "participant,order\np,\n": "line 2: order '' names no methods",
    "chosen,others\na,b|c\nb,\n": "line 3: no other methods beside 'b'",
    "chosen,others\na,b|c\n,b\n": "line 3: no method in 'chosen'",
    "chosen,others\na,a\n": "line 2: 'a' against itself",
    "chosen,others\na,b|c|b\n": "line 2: 'others' names 'b' twice",
    "participant,question,order\np,1,a>b>c\np,1,b>a>c\n": "lines 2 and 3: participant 'p' answered",
    "participant,order\np,a>b>c\nq,b>a>c\n": "never preferred: method(s) c: no finite",
    "order,weight\na>b>c,0\nb>c>a,0\n": "every weight is 0",
    "participant,chosen\np,a\n": "or chosen and others, or order",
}


@pytest.mark.parametrize("text", REFUSED, ids=list(REFUSED.values()))
def test_bad_votes_are_one_line_and_nothing_is_written(text: str, tmp_path: Path) -> None:
    assert_refused(text, REFUSED[text], tmp_path)


@pytest.mark.usefixtures("undrawn")
def test_people_are_left_out_and_options_without_meaning_are_said(tmp_path: Path) -> None:
    rows = [[*row, "0", ""] for row in study(people=9)]
    rows = [[*row[:2], ">".join(row[2:6]), *row[6:]] for row in rows]
    rows += [["p1", "i0", "reference>best>good", "1", "0"]]
    path = saved(tmp_path / "v.csv", "participant,image,order,is_check,check_passed", rows)
    done = command(path, "--out", tmp_path / "out", "--order", "--ties", "half")
    assert done.returncode == 0, done.stderr
    assert "1 person with 12 votes, more than 0 failed validation questions" in done.stdout
    assert "96 valid votes of 8 people" in done.stdout
    assert "reference" not in (tmp_path / "out/ranking.csv").read_text()
    assert "orders do not tell left from right: no order effect" in done.stdout
    assert "orders have no ties: --ties has no effect" in done.stdout
    refused = command(path, "--out", tmp_path / "no", "--answer", "x=left")
    assert refused.returncode == 2 and "--answer is for left, right and choice" in refused.stderr


def test_few_people_get_no_intervals(tmp_path: Path) -> None:
    found = rank(read(orders(tmp_path / "v.csv", study(people=4))), Settings(samples=100))
    assert all(np.isnan([row.ci_low, row.rank_high]).all() for row in found.rows)
    assert any("only 4 participants: under 5 no intervals" in note for note in found.notes)


def test_resamples_without_an_estimate_are_counted(tmp_path: Path) -> None:
    """One of twelve people has the last method before the others."""
    rows = [["p0", "i", "c", "b", "a"], *([f"p{i}", "i", "a", "b", "c"] for i in range(1, 11))]
    votes = read(orders(tmp_path / "v.csv", [*rows, ["p11", "i", "b", "a", "c"]]))
    found = rank(votes, Settings(samples=400))
    # p0 is left out of (11/12)^12 of the resamples: 35 %.
    note = next(note for note in found.notes if "had no finite estimate" in note)
    assert 0.28 < int(note.split()[0]) / 400 < 0.42


def test_a_prior_is_shown_to_come_from_no_vote(tmp_path: Path) -> None:
    votes = read(orders(tmp_path / "v.csv", [[f"p{i}", "i", "a", "b", "c"] for i in range(8)]))
    found = rank(votes, Settings(samples=100, prior=1))
    assert isinstance(found.witness, str) and "no such prior" in found.witness
    assert any(note.startswith("regularised: a prior of 1") for note in found.notes)
    assert any("never preferred: method(s) c" in note for note in found.notes)


def test_tables_of_python_are_ranked_as_files_are(tmp_path: Path) -> None:
    rows = study(people=8)
    path = saved(tmp_path / "v.csv", "participant,image,chosen,other1,other2,other3", rows)
    for votes in (path, orders(tmp_path / "o.csv", rows)):
        frame = analysis.read_votes(votes)
        assert isinstance(frame, pd.DataFrame) and len(frame) == len(rows)
        again = analysis.rank(frame, samples=100).table
        pd.testing.assert_frame_equal(again, analysis.rank(votes, samples=100).table)


@pytest.mark.slow
@pytest.mark.usefixtures("undrawn")
def test_a_report_shows_the_ranking_and_why_metrics_are_not_compared(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run")
    votes = orders(tmp_path / "v.csv", study(people=8))
    done = run("analysis", "report", folder, "--votes", votes, "--resolution", "64")
    assert done.returncode == 0, done.stderr
    page = (folder / "report.html").read_text()
    assert "Plackett-Luce abilities" in page and "this needs votes between two" in page
    refused = run("analysis", "correlate", folder, votes, "--out", tmp_path / "c")
    assert refused.returncode == 2 and "this needs votes between two" in refused.stderr
    assert run("analysis", "validate", votes).returncode == 0
