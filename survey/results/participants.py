"""Participants as the owner sees them: their status, and whether their votes are valid."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy import Connection

from survey.results import validity
from survey.results.validity import SIMULATED
from survey.storage import store
from survey.storage.schema import now_ms
from survey.study.config import Study

STATUSES = ACTIVE, FINISHED, ABANDONED, WITHDRAWN = "active", "finished", "abandoned", "withdrawn"


class Participant(NamedTuple):
    """A participant, evaluated by the current rules.

    `questions` are rows of `store.all_questions`, `answers` those with an answer; `reason` says why
    the votes are not valid, "" if they are.
    """

    row: Any
    questions: list[Any]
    answers: list[Any]
    statistics: validity.Statistics
    status: str
    reason: str

    @property
    def simulated(self) -> bool:
        return str(self.row.code).startswith(SIMULATED)

    @property
    def valid(self) -> bool:
        return not self.reason

    @property
    def votes(self) -> list[Any]:
        """The answers without validation questions."""
        return [row for row in self.answers if not row.is_check]


def evaluate(connection: Connection, study: Study) -> Iterator[Participant]:
    """Yield all participants, one after the other because there may be many."""
    active_since = now_ms(connection) - study.server.abandoned_after_minutes * 60_000
    # Read before the questions: then no answer of somebody who finished is missed.
    rows = store.all_participants(connection)
    groups = groupby(store.all_questions(connection), attrgetter("participant"))
    number, group = next(groups, _NOBODY)
    for row in rows:
        questions: list[Any] = []
        if number == row.id:
            questions = list(group)
            number, group = next(groups, _NOBODY)
        answers = [question for question in questions if question.choice is not None]
        status, summary = _status(row, active_since), validity.statistics(answers)
        reason = validity.exclusion_reason(summary, status == FINISHED, study.exclusion)
        if status == WITHDRAWN:
            reason = WITHDRAWN
        yield Participant(row, questions, answers, summary, status, reason)


_NOBODY: tuple[int | None, Iterator[Any]] = (None, iter(()))


def update_exclusions(connection: Connection, study: Study) -> None:
    """Apply the current rules to everybody who finished: who is excluded, is replaced."""
    for participant in list(evaluate(connection, study)):
        if participant.status == FINISHED and participant.reason != participant.row.excluded:
            store.exclude(connection, participant.row.id, participant.reason)


def _status(row: Any, active_since: int) -> str:
    if row.withdrawn_at is not None:
        return WITHDRAWN
    if row.finished_at is not None:
        return FINISHED
    return ACTIVE if row.last_seen_at > active_since else ABANDONED
