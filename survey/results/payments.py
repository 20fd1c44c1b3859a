"""What a recruiting platform has to pay: with which of its assignments a participant finished."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any, NamedTuple

from sqlalchemy import Connection

from survey.results import participants
from survey.results.participants import Participant
from survey.storage import arrivals, store
from survey.storage.open_study import OpenStudy
from survey.storage.schema import iso
from survey.study.platforms import assignment


class Arrival(NamedTuple):
    """A platform's parameters besides the person, as JSON, and when they came with them last."""

    session: str
    arrived_at: int


class Sessions(NamedTuple):
    """How people came, by participant's number and in the order of time; who came with an
    assignment, by platform and assignment."""

    arrivals: dict[int, list[Arrival]]
    people: dict[tuple[str, str], list[str]]


def read_sessions(connection: Connection) -> Sessions:
    """Read how all participants came."""
    sessions = Sessions(defaultdict(list), defaultdict(list))
    for each in arrivals.read_all(connection):
        sessions.arrivals[each.participant].append(Arrival(each.session, each.arrived_at))
    for row in store.all_participants(connection):
        own = sessions.arrivals[row.id]
        # The start of those who began before arrivals were recorded.
        first, known = row.platform_session, [json.loads(each.session) for each in own]
        if first and json.loads(first) not in known:
            own.insert(0, Arrival(first, row.started_at))
        for name in _assignments(row, own):
            sessions.people[row.platform, name].append(row.code)
    return sessions


def payment_row(participant: Participant, study: OpenStudy, sessions: Sessions) -> list[Any]:
    """Return a row of payments.csv: the session to pay, all others, and who shares it."""
    row, statistics = participant.row, participant.statistics
    own = sessions.arrivals[row.id]
    paid, others = _split(own, row.finished_at or float("inf"))
    people = {
        person for name in _assignments(row, own) for person in sessions.people[row.platform, name]
    }
    return [
        row.code, participant.status, int(not participant.valid), row.platform or "",
        row.platform_id or "", paid,
        study.completion_code(row.code) if participant.status == participants.FINISHED else "",
        statistics.checks, statistics.checks_failed, json.dumps(others) if others else "",
        " ".join(sorted(people - {row.code})),
    ]  # fmt: skip


def _split(own: list[Arrival], end: float) -> tuple[str, list[dict[str, Any]]]:
    """Return the session of the last arrival before the end, and all others with their times."""
    before = [arrival for arrival in own if arrival.arrived_at <= end]
    if not before:
        return "", []
    others = [
        {"arrived_at": iso(arrival.arrived_at), **json.loads(arrival.session)}
        for arrival in own
        if arrival is not before[-1]
    ]
    return before[-1].session, others


def _assignments(row: Any, own: list[Arrival]) -> set[str]:
    return {assignment(row.platform or "", each.session) for each in own} - {""}
