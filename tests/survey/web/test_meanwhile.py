"""What another host commits between two statements of one transaction, on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import event

from methods.labels import REFERENCE
from survey.design.questionnaire import Question
from survey.results import participants, validity
from survey.storage import database, store
from survey.storage.open_study import OpenStudy, open_study
from survey.storage.tallies import pair_counts
from tests.survey.conftest import make_study
from tests.survey.postgresql import Cluster

Two = tuple[OpenStudy, OpenStudy]
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


def add(study: OpenStudy, number: int, *questions: Question) -> None:
    with database.writing(study.engine) as connection:
        store.add_participant(connection, {"id": number, "code": f"p-{number}"}, questions, False)


def vote(study: OpenStudy, number: int, position: int, choice: str) -> None:
    with database.writing(study.engine) as connection:
        answer = store.Vote.model_validate(
            {
                "id": "", "position": position, "choice": choice,
                "response_ms": 1000, "layout": "side", "shown_px": 512, "zoomed": False,
                "compared": False,
            }
        )  # fmt: skip
        store.record_vote(connection, number, answer)


def finish(study: OpenStudy, number: int) -> None:
    with database.writing(study.engine) as connection:
        statistics = validity.statistics(store.answers(connection, number))
        reason = validity.exclusion_reason(statistics, True, study.config.exclusion)
        store.finish(connection, number, reason)


def after_the_next_statement(study: OpenStudy, do: Callable[[], None]) -> None:
    event.listen(study.engine, "after_cursor_execute", lambda *given: do(), once=True)


def test_who_finishes_while_it_is_counted_is_counted_once(two: Two) -> None:
    """Starts wait for starts only, and another host's votes for nobody."""
    opened, other = two
    add(opened, 1, PAIR)
    add(opened, 2, PAIR)
    after_the_next_statement(opened, lambda: finish(other, 1))
    with database.writing(opened.engine) as connection:
        times = pair_counts(connection, 0, False, opened.finished_counts)
        assert sum(one.total for one in times.values()) == 2
        # By whom it was remembered as finished, or not yet.
        times = pair_counts(connection, 0, False, opened.finished_counts)
        assert sum(one.total for one in times.values()) == 2


def excluded(study: OpenStudy) -> list[str | None]:
    with database.reading(study.engine) as connection:
        return [person.excluded for person in store.all_participants(connection)]


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
        participants.update_exclusions(connection, joining.config)
    assert excluded(other) == ["failed a validation question"]
