"""A database that is locked, full or gone, and what others read meanwhile."""

from __future__ import annotations

import asyncio
import csv
import io
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Connection, event

from survey.design.questionnaire import Question
from survey.results import export
from survey.storage import database, store
from survey.storage.open_study import OpenStudy
from tests.survey.conftest import Served, Visitor, make_study
from tests.survey.crowd import Crowd
from tests.survey.postgresql import Cluster
from tests.survey.production import Server

Start = Callable[..., Server]
Serve = Callable[..., Served]


def recorded(study: OpenStudy) -> list[str]:
    with database.reading(study.engine) as connection:
        return [row.choice for row in store.answers(connection)]


def add(connection: Connection, number: int) -> None:
    asked = [Question("photo0", "telea", "patchmatch", False)]
    store.add_participant(connection, {"id": number, "code": f"p-{number}"}, asked, False)


def test_reading_is_one_view(watched: OpenStudy) -> None:
    with database.reading(watched.engine) as reading:
        before = store.all_participants(reading)
        with database.writing(watched.engine) as writing:
            add(writing, 1)
        assert store.all_participants(reading) == before == []
    with database.reading(watched.engine) as reading:
        assert len(store.all_participants(reading)) == 1


def test_who_is_refused_among_others_undoes_only_their_own(watched: OpenStudy) -> None:
    """On SQLite those who wait for each other are written together."""

    def write(number: int) -> int:
        def work(connection: Connection) -> int:
            add(connection, number)
            if number % 3 == 0:
                raise ValueError(number)
            return number

        return database.write(watched.engine, work)

    with ThreadPoolExecutor(6) as pool:
        with database.writing(watched.engine):
            waiting = [pool.submit(write, number) for number in range(1, 7)]
            threading.Event().wait(0.3)
        failed = [one.exception() for one in waiting]
    assert [type(error) for error in failed] == [type(None), type(None), ValueError] * 2
    assert [one.result() for one in waiting if not one.exception()] == [1, 2, 4, 5]
    with database.reading(watched.engine) as connection:
        assert [person.id for person in store.all_participants(connection)] == [1, 2, 4, 5]


@pytest.mark.slow
def test_a_locked_database_acknowledges_nothing(
    folder: Path, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "LOCK_TIMEOUT_S", 1)
    served = serve(folder)
    people = [Visitor(served.address) for _ in range(4)]
    for visitor in people:
        visitor.start()
    other = sqlite3.connect(folder / database.FILE, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with ThreadPoolExecutor(len(people)) as pool:
        replies = list(pool.map(lambda visitor: visitor.vote(1), people))
    assert [reply.status_code for reply in replies] == [503] * len(people)
    assert {reply.json()["error"] for reply in replies} == {"error"}
    assert {reply.json()["reload"] for reply in replies} == {False}
    # Reading goes on.
    assert people[0].get("/health").json() == {"status": "ok"}
    assert people[0].question()["position"] == 1
    other.execute("ROLLBACK")
    other.close()
    assert recorded(served.study) == []
    assert [visitor.vote(1, "right").status_code for visitor in people] == [200] * len(people)
    assert recorded(served.study) == ["right"] * len(people)


@pytest.mark.slow
def test_a_full_disk_leaves_nobody_halfway(folder: Path, serve: Serve) -> None:
    served = serve(folder)

    def full(connection: Connection) -> None:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")

    event.listen(served.study.engine, "begin", full)
    statuses = [Visitor(served.address).start().status_code for _ in range(50)]
    assert set(statuses) == {200, 503}
    event.remove(served.study.engine, "begin", full)
    with database.reading(served.study.engine) as connection:
        people = store.all_participants(connection)
        given = Counter(row.code for row in store.all_questions(connection))
    assert len(people) == statuses.count(200)
    assert given == {person.code: person.questions for person in people}


def test_a_database_that_went_away_comes_back(
    cluster: Cluster, tmp_path: Path, serve: Serve
) -> None:
    served = serve(make_study(tmp_path, database=cluster.new_database("gone")))
    visitor = Visitor(served.address)
    visitor.start()
    visitor.vote(1, "left")
    cluster.stop()
    try:
        assert visitor.vote(2, "right").status_code == 503
        page = visitor.get("/question")
        assert page.status_code == 503 and page.headers["X-Stopped"] == "error"
        assert "psycopg" not in page.text and str(cluster.port) not in page.text
        health = visitor.get("/health")
        assert health.status_code == 503 and health.json() == {"status": "no database"}
    finally:
        cluster.start()
    assert visitor.get("/health").status_code == 200
    assert visitor.vote(2, "right").status_code == 200
    assert recorded(served.study) == ["left", "right"]


def test_exports_and_copies_while_people_vote_are_whole(
    busy: Path, watched: OpenStudy, production: Start, tmp_path: Path
) -> None:
    server = production(busy)
    crowd = Crowd(server.port)
    playing = threading.Thread(target=lambda: asyncio.run(crowd.play(40)))
    playing.start()
    looks = 0
    while playing.is_alive():
        whole_export(watched)
        if watched.engine.dialect.name == "sqlite":
            whole_copy(busy / database.FILE, tmp_path / "copy.db")
        looks += 1
    playing.join()
    assert looks > 1
    assert whole_export(watched) == len(crowd.allowed) == 160


def whole_export(study: OpenStudy) -> int:
    """How many votes there are; every file tells the same."""
    files = export.file_texts(study)
    votes, people, shown = (
        list(csv.DictReader(io.StringIO(files[name])))
        for name in ("votes.csv", "participants.csv", "shown.csv")
    )
    answered = Counter(row["participant"] for row in votes)
    for row in people:
        told = int(row["answered"]) + int(row["checks"])
        assert told == answered[row["participant"]]
        assert (row["status"] == "finished") == (told == 4)
    assert sum(int(row["answered"]) for row in shown) == len(votes)
    assert len(shown) == 4 * len(people)
    return len(votes)


def whole_copy(source: Path, target: Path) -> None:
    """As docs/survey_server.md makes a backup of a running study."""
    target.unlink(missing_ok=True)
    running, copy = sqlite3.connect(source), sqlite3.connect(target)
    running.backup(copy)
    assert copy.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert copy.execute("PRAGMA foreign_key_check").fetchall() == []
    gaps = "SELECT 1 FROM votes GROUP BY participant HAVING count(*) <> max(position)"
    assert copy.execute(gaps).fetchall() == []
    running.close()
    copy.close()
