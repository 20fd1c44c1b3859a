"""What another host commits between two statements of one transaction, on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import event

from survey.design.questionnaire import Question
from survey.results import people, validity
from survey.storage import database, store
from survey.storage.opened import Opened, open_study
from survey.storage.tallies import asked
from survey.study.stimuli import REFERENCE
from tests.survey.conftest import make_study
from tests.survey.postgresql import Cluster

Two = tuple[Opened, Opened]
PAIR = Question("photo0", "telea", "patchmatch", False)
CHECK = Question("photo1", REFERENCE, "telea", True)


@pytest.fixture
def two(cluster: Cluster, tmp_path: Path) -> Iterator[Two]:
    """One study, as two hosts hold it."""
    name = f"meanwhile_{tmp_path.name[-8:].replace('-', '_')}".lower()
    folder = make_study(tmp_path, database=cluster.new_database(name))
    studies = open_study(folder), open_study(folder)
    yield studies
    for study in studies:
        study.engine.dispose()


def add(study: Opened, number: int, *questions: Question) -> None:
    with database.writing(study.engine) as connection:
        store.add(connection, store.Person(number, f"p-{number}"), questions, False)


def vote(study: Opened, number: int, position: int, choice: str) -> None:
    with database.writing(study.engine) as connection:
        answer = store.Vote(position, choice, 1000, "side", 512, False, False)
        store.record(connection, number, answer)


def finish(study: Opened, number: int) -> None:
    with database.writing(study.engine) as connection:
        facts = validity.facts(store.answers(connection, number), REFERENCE)
        reason = validity.reason(facts, True, study.study.exclusion)
        store.finish(connection, number, reason)


def after_the_next_statement(study: Opened, do: Callable[[], None]) -> None:
    event.listen(study.engine, "after_cursor_execute", lambda *given: do(), once=True)


def test_who_finishes_while_it_is_counted_is_counted_once(two: Two) -> None:
    """Starts wait for starts only, and another host's votes for nobody."""
    opened, other = two
    add(opened, 1, PAIR)
    add(opened, 2, PAIR)
    after_the_next_statement(opened, lambda: finish(other, 1))
    with database.writing(opened.engine) as connection:
        times = asked(connection, 0, False, opened.settled)
        assert sum(one.total for one in times.values()) == 2
        # By whom it was remembered as finished, or not yet.
        times = asked(connection, 0, False, opened.settled)
        assert sum(one.total for one in times.values()) == 2


def excluded(study: Opened) -> list[str | None]:
    with database.reading(study.engine) as connection:
        return [person.excluded for person in store.people(connection)]


def test_who_finishes_while_a_host_joins_stays_excluded(two: Two) -> None:
    """It judges everybody again: without the answer that excluded them, they were valid."""
    joining, other = two
    add(other, 1, PAIR, CHECK)
    vote(other, 1, 1, "left")

    def fail_meanwhile() -> None:
        vote(other, 1, 2, "right")
        finish(other, 1)

    after_the_next_statement(joining, fail_meanwhile)
    with database.writing(joining.engine) as connection:
        people.judge_again(connection, joining.study)
    assert excluded(other) == ["failed a validation question"]
