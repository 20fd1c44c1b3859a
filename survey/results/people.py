"""Participants as the owner sees them: where each stands, and whether their votes are valid."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy import Connection

from survey.results import validity
from survey.storage import store
from survey.storage.clock import now_ms
from survey.study.config import Study
from survey.study.stimuli import REFERENCE

# How the codes of simulated participants begin; the analysis knows them by it.
SIMULATED = "simulated-"
ACTIVE, FINISHED, ABANDONED, WITHDRAWN = "active", "finished", "abandoned", "withdrawn"


class Judged(NamedTuple):
    """person: row of `store.participants`; answers: rows of `store.answers`; reason: why the votes
    are not valid, "" when they are."""

    person: Any
    answers: list[Any]
    facts: validity.Facts
    status: str
    reason: str

    @property
    def simulated(self) -> bool:
        return str(self.person.code).startswith(SIMULATED)

    @property
    def valid(self) -> bool:
        return not self.reason


def judged(connection: Connection, study: Study) -> list[Judged]:
    """Everybody, by the rules as they are now."""
    theirs: dict[int, list[Any]] = defaultdict(list)
    for row in store.answers(connection):
        theirs[row.participant].append(row)
    active_since = now_ms(connection) - study.server.abandoned_after_minutes * 60_000
    return [
        _judge(person, theirs[person.id], active_since, study)
        for person in store.people(connection)
    ]


def with_questions(connection: Connection, study: Study) -> Iterator[tuple[Judged, list[Any]]]:
    """One after the other, as `judged` has them, and all that each was given (`store.shown`)."""
    active_since = now_ms(connection) - study.server.abandoned_after_minutes * 60_000
    everybody = store.people(connection)
    groups = groupby(store.shown(connection), attrgetter("participant"))
    number, rows = next(groups, _NOBODY)
    for person in everybody:
        given: list[Any] = []
        if number == person.id:
            given = list(rows)
            number, rows = next(groups, _NOBODY)
        answers = [row for row in given if row.choice is not None]
        yield _judge(person, answers, active_since, study), given


_NOBODY: tuple[int | None, Iterator[Any]] = (None, iter(()))


def judge_again(connection: Connection, study: Study) -> None:
    """By the rules as they are now: whose questions are free for others."""
    for one in judged(connection, study):
        if one.status == FINISHED and one.reason != one.person.excluded:
            _judge_alone(connection, one.person.code, study)


def _judge_alone(connection: Connection, code: str, study: Study) -> None:
    """On PostgreSQL each statement sees what was committed before it: who finished on another host
    between two of them was judged without their last answers. Now they can change no more."""
    person = store.find_and_lock(connection, code)
    if person is not None and _status(person, person.now) == FINISHED:
        found = _judge(person, store.answers(connection, person.id), person.now, study)
        store.exclude(connection, person.id, found.reason)


def _judge(person: Any, answers: list[Any], active_since: int, study: Study) -> Judged:
    status = _status(person, active_since)
    facts = validity.facts(answers, REFERENCE)
    reason = validity.reason(facts, status == FINISHED, study.exclusion)
    return Judged(person, answers, facts, status, WITHDRAWN if status == WITHDRAWN else reason)


def _status(person: Any, active_since: int) -> str:
    if person.withdrawn_at is not None:
        return WITHDRAWN
    if person.finished_at is not None:
        return FINISHED
    return ACTIVE if person.last_seen_at > active_since else ABANDONED
