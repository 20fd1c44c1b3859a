"""Who is paid for what: people come again with other assignments, and links are incomplete."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from survey.results.board import as_text, board
from survey.storage import database, schema, store
from tests.survey.conftest import Served, Visitor, run

HIT = "?workerId={}&assignmentId={}&hitId=H"


def payments(folder: Path, tmp_path: Path) -> list[dict[str, str]]:
    assert run("export", folder, tmp_path / "out" / "votes.csv").returncode == 0
    with (tmp_path / "out" / "payments.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def come(served: Served, query: str) -> Visitor:
    visitor = Visitor(served.address)
    assert visitor.start(query).status_code == 200
    return visitor


def test_the_assignment_they_finished_with_is_paid(
    served: Served, folder: Path, tmp_path: Path
) -> None:
    come(served, HIT.format("W1", "first")).vote(1)
    come(served, HIT.format("W1", "second")).finish()
    come(served, HIT.format("W1", "third"))
    (row,) = payments(folder, tmp_path)
    assert json.loads(row["session"]) == {"assignmentId": "second", "hitId": "H"}
    others = json.loads(row["other_sessions"])
    assert [one["assignmentId"] for one in others] == ["first", "third"]
    assert all(one["arrived_at"].endswith("+00:00") for one in others)
    assert row["completion_code"] and row["assignment_also_of"] == ""


def test_fetching_a_lost_code_changes_nothing(served: Served, folder: Path, tmp_path: Path) -> None:
    come(served, HIT.format("W1", "first")).vote(1)
    come(served, HIT.format("W1", "second")).finish()
    come(served, HIT.format("W1", "second"))
    (row,) = payments(folder, tmp_path)
    assert json.loads(row["session"])["assignmentId"] == "second"


def test_who_began_before_arrivals_were_kept_loses_none(
    served: Served, folder: Path, tmp_path: Path
) -> None:
    come(served, HIT.format("W1", "old")).vote(1)
    come(served, HIT.format("W2", "old2")).finish()
    with database.writing(served.study.engine) as connection:
        connection.execute(schema.arrivals.delete())
    come(served, HIT.format("W1", "new")).finish()
    come(served, HIT.format("W2", "late"))
    first, second = payments(folder, tmp_path)
    assert json.loads(first["session"])["assignmentId"] == "new"
    assert [one["assignmentId"] for one in json.loads(first["other_sessions"])] == ["old"]
    assert json.loads(second["session"])["assignmentId"] == "old2"
    assert [one["assignmentId"] for one in json.loads(second["other_sessions"])] == ["late"]


def test_an_assignment_of_two_people_is_marked(
    served: Served, folder: Path, tmp_path: Path
) -> None:
    come(served, HIT.format("W1", "given_back")).vote(1)
    come(served, HIT.format("W2", "given_back")).finish()
    come(served, HIT.format("W3", "own")).finish()
    first, second, third = payments(folder, tmp_path)
    assert first["assignment_also_of"] == second["participant"]
    assert second["assignment_also_of"] == first["participant"]
    assert third["assignment_also_of"] == "" and third["platform_id"] == "W3"


def test_a_study_of_one_link_is_not_an_assignment_of_all(
    served: Served, folder: Path, tmp_path: Path
) -> None:
    for name in ("a", "b"):
        come(served, f"?PROLIFIC_PID={name}&STUDY_ID=S&SESSION_ID={name}").finish()
    assert {row["assignment_also_of"] for row in payments(folder, tmp_path)} == {""}


@pytest.mark.parametrize(
    ("query", "cause"),
    [
        ("?STUDY_ID=1&SESSION_ID=2", "SESSION_ID without PROLIFIC_PID"),
        ("?assignmentId=1", "assignmentId without workerId or participantId"),
        ("?prolific_pid=1", "PROLIFIC_PID is spelt in another way"),
        ("?WorkerID=1&assignmentId=2", "workerId is spelt in another way"),
        ("?PROLIFIC_PID={{%25PROLIFIC_PID%25}}", "PROLIFIC_PID is not filled in"),
        ("?participant_id=", "participant_id is not filled in"),
        ("?participant_id=[seat]", "participant_id is not filled in"),
    ],
)
def test_a_link_without_its_person_is_told_to_both(
    served: Served, folder: Path, query: str, cause: str
) -> None:
    answer = Visitor(served.address).get(f"/{query}")
    assert answer.status_code == 400 and "This link is not complete" in answer.text
    assert f"link followed 1 time that nobody can start from: {cause}" in as_text(folder)
    Visitor(served.address).get(f"/{query}")
    assert board(served.study)["refused_links"] == [(cause, 2)]
    assert f"link followed 2 times that nobody can start from: {cause}" in as_text(folder)
    with database.reading(served.study.engine) as connection:
        assert store.all_participants(connection) == []


@pytest.mark.parametrize("name", ["Иван", "0 7", "-7", "seat/7", "7" * 201])
def test_a_name_that_cannot_be_used_is_not_called_missing(served: Served, name: str) -> None:
    answer = Visitor(served.address).get("/", params={"participant_id": name})
    assert answer.status_code == 400 and "cannot be used" in answer.text
    assert "letters A to Z, digits and the characters _ . : @ -, at most 200" in answer.text
    cause = "participant_id is not up to 200 of A-Z a-z 0-9 _ . : @ -"
    assert board(served.study)["refused_links"] == [(cause, 1)]


@pytest.mark.parametrize("name", ["_7", "7", "a.b:c@d-e_f", "7" * 200])
def test_names_of_seats(served: Served, folder: Path, tmp_path: Path, name: str) -> None:
    come(served, f"?participant_id={name}")
    (row,) = payments(folder, tmp_path)
    assert row["platform_id"] == name


def test_cloudresearch_names_its_people(served: Served, folder: Path, tmp_path: Path) -> None:
    come(served, "?participantId=P&assignmentId=A&projectId=J").finish()
    (row,) = payments(folder, tmp_path)
    assert (row["platform"], row["platform_id"]) == ("cloudresearch", "P")


def test_withdrawal_deletes_how_they_came(served: Served, folder: Path, tmp_path: Path) -> None:
    come(served, HIT.format("W1", "first")).withdraw()
    (row,) = payments(folder, tmp_path)
    assert (row["platform_id"], row["session"], row["other_sessions"]) == ("", "", "")


def test_other_parameters_do_not_matter(served: Served) -> None:
    assert come(served, "?utm_source=mail&lang=en").question()["position"] == 1
