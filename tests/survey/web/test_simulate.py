"""Simulated participants: through the real pages, marked, and never among people."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from analysis.ranking.ranking import Settings, rank
from analysis.votes import exclusions, votes
from tests.survey.conftest import Served, Visitor, make_study, run

TRUTH = "method,ability\ntelea,-0.8\npatchmatch,0.8\ntwo-stage:telea,0.0\n"


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    path = tmp_path / "truth.csv"
    path.write_text(TRUTH)
    return path


@pytest.mark.slow
def test_a_simulated_study_finds_the_truth_and_says_what_it_is(tmp_path: Path, truth: Path) -> None:
    folder = make_study(tmp_path, pairs=15)
    said = run("simulate", folder, "--people", "40", "--truth", truth, "--careless", "0.2")
    assert said.returncode == 0, said.stderr
    assert ": open, simulated" in said.stdout
    run("export", folder, tmp_path / "votes.csv")
    with (tmp_path / "participants.csv").open() as file:
        people = list(csv.DictReader(file))
    assert len(people) == 40
    assert all(row["simulated"] == "1" for row in people)
    assert all(row["participant"].startswith("simulated-") for row in people)
    # Two validation questions catch three of four careless people, and hardly anybody else.
    assert 2 <= sum(row["excluded"] == "1" for row in people) <= 14
    study = json.loads((tmp_path / "study.json").read_text())
    assert study["simulated"] is True and study["simulated_participants"] == 40
    valid, _ = exclusions.apply(
        votes.read(tmp_path / "votes.csv"),
        exclusions.Rules(participants=tmp_path / "participants.csv"),
    )
    ranked = rank(valid, Settings(samples=200))
    assert [row.method for row in ranked.rows] == ["patchmatch", "two-stage:telea", "telea"]
    found = {row.method: row.ability for row in ranked.rows}
    assert found["patchmatch"] == pytest.approx(0.8, abs=0.35)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_votes(tmp_path: Path, truth: Path) -> None:
    seen = []
    for place in ("a", "b"):
        folder = make_study(tmp_path / place)
        run("simulate", folder, "--people", "5", "--truth", truth, "--seed", "3")
        run("export", folder, tmp_path / place / "votes.csv")
        with (tmp_path / place / "votes.csv").open() as file:
            rows = list(csv.DictReader(file))
        seen.append([{k: v for k, v in row.items() if k != "answered_at"} for row in rows])
    assert seen[0] == seen[1] and len(seen[0]) == 35


@pytest.mark.slow
def test_ties_are_simulated_where_allowed(tmp_path: Path) -> None:
    folder = make_study(tmp_path, ties=True)
    run("simulate", folder, "--people", "6", "--careless", "0")
    run("export", folder, tmp_path / "votes.csv")
    choices = [line.split(",")[5] for line in (tmp_path / "votes.csv").read_text().splitlines()]
    assert 1 <= choices.count("tie") <= 20


@pytest.mark.slow
def test_a_crowd_stops_when_the_study_has_its_votes(tmp_path: Path) -> None:
    """As many valid votes as were wanted, whoever failed on the way."""
    folder = make_study(tmp_path, target_votes=50)
    said = run("simulate", folder, "--people", "100", "--careless", "0.4", "--seed", "1")
    assert said.returncode == 0 and "full after" in said.stdout
    assert "valid 50 of 50 wanted" in said.stdout
    assert "failed a validation question" in said.stdout


def test_people_and_simulated_ones_never_share_a_study(
    tmp_path: Path, serve: Callable[..., Served]
) -> None:
    with_people = make_study(tmp_path / "a")
    Visitor(serve(with_people).address).start()
    said = run("simulate", with_people, "--people", "1")
    assert said.returncode == 2 and "people have taken part" in said.stderr
    simulated = make_study(tmp_path / "b")
    assert run("simulate", simulated, "--people", "1").returncode == 0
    refused = Visitor(serve(simulated).address).start()
    assert refused.status_code == 403 and refused.headers["X-Stopped"] == "simulated"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("method,ability\ntelea,0\n", "no ability for patchmatch, two-stage:telea"),
        ("name,ability\ntelea,0\n", "no column 'method'"),
        ("method,ability\ntelea,high\n", "not a number"),
        (None, "No such file"),
    ],
)
def test_a_truth_that_cannot_be_used(
    folder: Path, tmp_path: Path, text: str | None, complaint: str
) -> None:
    path = tmp_path / "truth.csv"
    if text is not None:
        path.write_text(text)
    said = run("simulate", folder, "--truth", path)
    assert said.returncode == 2 and complaint in said.stderr and said.stderr.count("\n") == 1
