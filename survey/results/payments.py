"""What a recruiting platform has to pay: with which of its assignments a participant finished."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any, NamedTuple

from sqlalchemy import Connection

from survey.results import participants
from survey.results.participants import Participant
from survey.storage import store
from survey.storage.open_study import OpenStudy
from survey.storage.schema import iso
from survey.study.platforms import assignment


class Arrival(NamedTuple):
    """A platform's parameters besides the person, as JSON, and when they came with them last."""

    session: str
    arrived_at: int


class Sessions(NamedTuple):
    """Arrivals by participant's number, in the order of time; people by platform and assignment."""

    arrivals: dict[int, list[Any]]
    people: dict[tuple[str, str], list[str]]


def read_sessions(connection: Connection) -> Sessions:
    """Read how all participants came."""
    sessions = Sessions(defaultdict(list), defaultdict(list))
    for arrival in store.all_arrivals(connection):
        sessions.arrivals[arrival.participant].append(arrival)
    for row in store.all_participants(connection):
        for own in _assignments(row, sessions):
            sessions.people[row.platform, own].append(row.code)
    return sessions


def payment_row(participant: Participant, study: OpenStudy, sessions: Sessions) -> list[Any]:
    """Return a row of payments.csv: the session to pay, all others, and who shares it."""
    row, statistics = participant.row, participant.statistics
    code = study.config.completion.code or study.secrets.completion_code(row.code)
    paid, others = _split(row, _arrivals(row, sessions))
    shared = {
        other
        for own in _assignments(row, sessions)
        for other in sessions.people[row.platform, own]
        if other != row.code
    }
    return [
        row.code, participant.status, int(not participant.valid), row.platform or "",
        row.platform_id or "", paid,
        code if participant.status == participants.FINISHED else "",
        statistics.checks, statistics.checks_failed, json.dumps(others) if others else "",
        " ".join(sorted(shared)),
    ]  # fmt: skip


def _split(row: Any, arrivals: list[Arrival]) -> tuple[str, list[dict[str, Any]]]:
    """Return the session of the last arrival before the end, and all others with their times."""
    end = row.finished_at or float("inf")
    before = [arrival for arrival in arrivals if arrival.arrived_at <= end]
    if not before:
        return "", []
    others = [
        {"arrived_at": iso(arrival.arrived_at), **json.loads(arrival.session)}
        for arrival in arrivals
        if arrival is not before[-1]
    ]
    return before[-1].session, others


def _arrivals(row: Any, sessions: Sessions) -> list[Arrival]:
    """Return how a participant came, also where the start was before arrivals were recorded."""
    known = [Arrival(each.session, each.arrived_at) for each in sessions.arrivals.get(row.id, [])]
    first = row.platform_session
    if not first or json.loads(first) in [json.loads(each.session) for each in known]:
        return known
    return [Arrival(first, row.started_at), *known]


def _assignments(row: Any, sessions: Sessions) -> set[str]:
    own = _arrivals(row, sessions)
    return {assignment(row.platform or "", each.session) for each in own} - {""}
