"""The owner's ranking while there are few votes: as sure as `analysis rank`, and no surer."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from analysis.ranking.ranking import rank
from analysis.ranking.result import Ranking, Settings
from analysis.votes import votes as votes_files
from survey.results.live_ranking import ranking, votes_by_participant
from survey.study import texts

WORDS = texts.load("en")["ranking_note"]
CHOICES = ("left", "right", "tie")


def votes_of(first: int, second: int, ties: int) -> np.ndarray:
    """So many people, each with one vote between two methods: (people, choice, left, right)."""
    choices = np.repeat([0, 1, 2], [first, second, ties])
    votes = np.zeros((len(choices), 3, 2, 2))
    votes[np.arange(len(choices)), choices, 0, 1] = 1
    return votes


def different_people(people: int, each: int = 12) -> np.ndarray:
    rng, votes = np.random.default_rng(7), np.zeros((people, 3, 3, 3))
    for person in votes:
        for _ in range(each):
            left, right = rng.choice(3, 2, replace=False)
            person[rng.choice(3, p=[0.5, 0.4, 0.1]), left, right] += 1
    return votes


def ranked(votes: np.ndarray, methods: list[str], folder: Path, prior: float = 0) -> Ranking:
    """`analysis rank` on a file of the same votes."""
    rows = [
        (f"p{person:03d}", methods[left], methods[right], CHOICES[choice])
        for (person, choice, left, right), times in np.ndenumerate(votes)
        for _ in range(int(times))
    ]
    frame = pd.DataFrame(rows, columns=["participant", "left", "right", "choice"])
    frame.to_csv(folder / "votes.csv", index=False)
    return rank(votes_files.read(folder / "votes.csv"), Settings(prior=prior))


@pytest.mark.parametrize("people", [6, 30])
def test_intervals_are_those_of_the_analysis(people: int, tmp_path: Path) -> None:
    votes = different_people(people)
    rows, note = ranking(votes, ["a", "b", "c"], WORDS)
    theirs = ranked(votes, ["a", "b", "c"], tmp_path).rows
    assert [row["method"] for row in rows] == [row.method for row in theirs]
    for mine, row in zip(rows, theirs, strict=True):
        expected = (row.ability, row.ci_low, row.ci_high)
        assert (mine["ability"], mine["ci_low"], mine["ci_high"]) == pytest.approx(expected)
    assert ("may be too narrow" in note) == (people == 6)


def test_people_who_all_answer_alike_give_no_interval(tmp_path: Path) -> None:
    votes = np.repeat(different_people(1), 6, axis=0)
    rows, note = ranking(votes, ["a", "b", "c"], WORDS)
    theirs = ranked(votes, ["a", "b", "c"], tmp_path).rows
    assert [row["ability"] for row in rows] == pytest.approx([row.ability for row in theirs])
    assert np.isnan([row.ci_low for row in theirs]).all()
    assert all(row["ci_low"] is None and row["ci_high"] is None for row in rows)
    assert "No intervals: all resamples agree" in note


def test_people_without_votes_are_not_drawn(tmp_path: Path) -> None:
    """Who finished nothing can be valid (`unfinished = false`), and is in no file of votes."""
    votes = different_people(8)
    with_idle = np.concatenate([votes[:3], np.zeros((4, 3, 3, 3)), votes[3:]])
    assert ranking(with_idle, ["a", "b", "c"], WORDS) == ranking(votes, ["a", "b", "c"], WORDS)
    few = np.concatenate([votes[:4], np.zeros((4, 3, 3, 3))])
    assert ranking(few, ["a", "b", "c"], WORDS) == (
        [], "The ranking begins with 5 valid participants; now 4.",
    )  # fmt: skip


def test_a_method_without_votes_has_no_place(tmp_path: Path) -> None:
    votes = np.zeros((9, 3, 4, 4))
    votes[:, :, [[0], [1], [3]], [0, 1, 3]] = different_people(9)
    rows, note = ranking(votes, ["a", "b", "new", "c"], WORDS)
    theirs = ranked(votes, ["a", "b", "new", "c"], tmp_path).rows
    assert [row["method"] for row in rows] == [row.method for row in theirs]
    assert [row["ci_low"] for row in rows] == pytest.approx([row.ci_low for row in theirs])
    assert "No votes on: new." in note and "votes are added" not in note


def test_participants_are_in_the_order_of_their_codes() -> None:
    """The analysis reads them sorted; its resamples draw the same ones only then."""
    people = [
        SimpleNamespace(row=SimpleNamespace(code=code), votes=[vote])
        for code, vote in (
            ("p2", SimpleNamespace(left="a", right="b", choice="left")),
            ("p1", SimpleNamespace(left="a", right="b", choice="tie")),
        )
    ]
    found = votes_by_participant(people, ["a", "b"])  # type: ignore[arg-type]
    assert found[0, 2, 0, 1] == found[1, 0, 0, 1] == 1


def test_few_votes_with_ties_are_ranked_and_resamples_without_an_estimate_told() -> None:
    rows, note = ranking(votes_of(18, 2, 4), ["a", "b"], WORDS)
    assert rows[0]["ability"] - rows[1]["ability"] == pytest.approx(np.log(9))
    assert 0 < rows[0]["ci_low"] < rows[0]["ability"] < rows[0]["ci_high"] < 5
    assert re.search(r"without a finite ranking: \d+; each got 0.1 votes for each two", note)


def test_votes_without_an_estimate_get_a_weak_prior_and_no_interval(tmp_path: Path) -> None:
    votes = votes_of(2, 0, 4)
    rows, note = ranking(votes, ["a", "b"], WORDS)
    assert "too few votes for a finite ranking, so 0.1 votes are added" in note
    theirs = ranked(votes, ["a", "b"], tmp_path, prior=0.1).rows
    assert [row["ability"] for row in rows] == pytest.approx([row.ability for row in theirs])
    assert np.isnan([row.ci_low for row in theirs]).all()
    assert all(row["ci_low"] is None and row["ci_high"] is None for row in rows)


def test_only_ties_rank_nothing() -> None:
    assert ranking(votes_of(0, 0, 9), ["a", "b"], WORDS) == (
        [], "No ranking yet: every vote is a tie.",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("language", "model", "few"),
    [("de", "gültigen Antworten", "zu schmal"), ("ru", "засчитанным ответам", "слишком узкими")],
)
def test_the_note_is_in_the_language_of_the_study(language: str, model: str, few: str) -> None:
    words = texts.load(language)["ranking_note"]
    _, note = ranking(different_people(6), ["a", "b", "c"], words)
    assert model in note and few in note and "Bradley-Terry on" not in note
