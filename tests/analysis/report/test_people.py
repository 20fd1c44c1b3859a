"""The report of a run with people's preferences in it."""

from __future__ import annotations

import re
from pathlib import Path
from unittest.mock import Mock

import pytest

from analysis.ranking.pairwise import PairDifference
from analysis.ranking.ranking import Settings
from analysis.report.people import sentence
from tests.analysis.figures.test_figures import command

pytestmark = pytest.mark.usefixtures("undrawn")

SHARE = 80


def votes(folder: Path) -> Path:
    """[a] is preferred to b|ar by four in five of forty people, on each image."""
    rows = ["participant,image,left,right,choice"]
    for i in range(SHARE):
        better = i % 5 < 4
        rows.append(f"p{i % 40},{'xy'[i // 40]},[a],b|ar,{'left' if better else 'right'}")
    path = folder / "votes.csv"
    path.write_text("\n".join(rows) + "\n")
    return path


@pytest.mark.slow
def test_the_report_says_who_is_preferred_and_why_nothing_else(pictured: Path) -> None:
    done = command("report", pictured, "--votes", votes(pictured))
    assert done.returncode == 0, done.stderr
    page = (pictured / "report.html").read_text()
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)).replace("&lt;", "<")
    assert "What people preferred" in text
    assert re.search(
        r"\[a\] is preferred to b\|ar: 64 of 80 decided votes between them \(80 %\); "
        r"from all votes the model expects 80 % \(95 % interval \d\d–\d\d %, p [<=] 0\.\d+\)\.",
        text,
    )
    assert "80 valid votes of 40 people" in text
    # Who reads it can make it again.
    assert re.search(r"python -m analysis report \S+ --votes \S+votes.csv", text)
    assert re.search(r"With python 3\.\d+\.\d+, numpy \d", text)
    assert "Where methods trade places" in text
    # Four results are too few to say which metric agrees with people.
    assert "Not computed:" in text and "at least 30 are needed" in text
    assert not re.search(r'(src|href)="(?!data:|#)', page.split("<script>")[0])
    assert (pictured / "ranking/ranking.csv").read_text().count("\n") == 3


def test_what_was_counted_and_what_was_estimated_are_told_apart() -> None:
    """Eight of nine votes were printed as "77 % of decided votes", which was the model's."""
    pair = PairDifference("a", "b", 1.2, -0.1, 2.6, 0.77, 0.48, 0.93, 0.031, 9, 8, 1, 0)
    ranking = Mock(pairs=[pair] * 3, settings=Settings())
    said = sentence(pair, ranking)
    assert said.startswith(
        "a is preferred to b: 8 of 9 decided votes between them (89 %); from all"
    )
    assert "expects 77 % (95 % interval 48–93 %, p = 0.031 by Holm's adjustment)." in said
    alone = sentence(pair._replace(p_value=0.08, share_low=0.55), ranking)
    assert "no significant difference: for a 8 of 9" in alone
    assert alone.endswith("leaves 50 % out; the p-value allows for all 3 pairs.")
    never = sentence(pair._replace(wins=0, losses=0, p_value=float("nan")), ranking)
    assert "no decided vote between them; from all votes the model expects 77 %" in never


def test_numbers_never_contradict_the_words_beside_them() -> None:
    """It said "is preferred ... interval 50–66 %, p = 0.050"."""
    pair = PairDifference("a", "b", 0.4, 0.008, 0.66, 0.6, 0.502, 0.66, 0.0499, 401, 201, 200, 0)
    ranking = Mock(pairs=[pair], settings=Settings())
    said = sentence(pair, ranking)
    assert said.startswith("a is preferred to b: 201 of 401 decided votes between them (50.1 %)")
    assert "(95 % interval 50.2–66 %, p = 0.0499)" in said
    none = sentence(pair._replace(p_value=0.0501, share_low=0.4996, share=0.5004), ranking)
    assert "no significant difference" in none
    assert "expects 50.04 % (95 % interval 49.96–66 %, p = 0.0501)" in none
    exact = sentence(pair._replace(wins=200, losses=200, share_low=0.5), ranking)
    assert "200 of 400 decided votes between them (50 %)" in exact and "interval 50–66" in exact


def test_without_votes_there_is_no_such_section(pictured: Path) -> None:
    assert command("report", pictured).returncode == 0
    assert "What people preferred" not in (pictured / "report.html").read_text()


@pytest.mark.slow
def test_votes_that_cannot_be_used_leave_the_report_as_it_was(pictured: Path) -> None:
    command("report", pictured)
    before = (pictured / "report.html").read_bytes()
    (pictured / "votes.csv").write_text("left,right,choice\n[a],[a],left\n")
    done = command("report", pictured, "--votes", pictured / "votes.csv")
    assert done.returncode == 2 and "line 2: '[a]' against itself" in done.stderr
    assert (pictured / "report.html").read_bytes() == before
