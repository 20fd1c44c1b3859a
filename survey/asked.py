"""How often each pair has been or is being asked, which every start has to know."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, or_, select

from survey.design import Asked, Pair
from survey.schema import participants, questions, votes

# People in one statement; databases limit its parameters.
TOGETHER = 1000

_INCLUDED = func.coalesce(participants.c.excluded, "") == ""
_FINISHED = select(participants.c.id, participants.c.finished_at).where(
    participants.c.finished_at.is_not(None), participants.c.withdrawn_at.is_(None), _INCLUDED
)
_UNFINISHED = select(participants.c.id).where(participants.c.finished_at.is_(None), _INCLUDED)

Times = dict[Pair, Asked]


class Settled:
    """Questions of those who finished and are not excluded. They change no more, so that a start
    counts only those of who finished since the one before. Starts are locked: one at a time."""

    def __init__(self) -> None:
        self._people: set[tuple[int, int]] = set()
        self._times: Times = {}

    def times(self, connection: Connection) -> Times:
        finished = {(row.id, row.finished_at) for row in connection.execute(_FINISHED)}
        if not self._people <= finished:
            # Somebody withdrew.
            self._people, self._times = set(), {}
        new = sorted(number for number, _ in finished - self._people)
        for first in range(0, len(new), TOGETHER):
            theirs = questions.c.participant.in_(new[first : first + TOGETHER])
            self._times = _added(self._times, _counted(connection, theirs, questions))
        self._people = finished
        return self._times


def asked(
    connection: Connection, active_since: int, count_unfinished: bool, settled: Settled
) -> Times:
    """Of people whose votes count or may still come. Questions of those who left without
    finishing, or are excluded, are free again.

    active_since: who was not seen after that has left; count_unfinished: whether the votes of
    those count all the same."""
    active = questions.c.participant.in_(
        _UNFINISHED.where(participants.c.last_seen_at > active_since)
    )
    if not count_unfinished:
        return _added(settled.times(connection), _counted(connection, active, questions))
    here = questions.c.participant.in_(_UNFINISHED) & or_(active, votes.c.choice.is_not(None))
    rows = _counted(connection, here, questions.outerjoin(votes))
    return _added(settled.times(connection), rows)


def _counted(connection: Connection, which: ColumnElement[bool], where: Any) -> Iterable[Any]:
    """Image, left method, right method, how often; validation questions left out."""
    shown = questions.c.image, questions.c.left, questions.c.right
    return connection.execute(
        select(*shown, func.count())
        .select_from(where)
        .where(which, ~questions.c.is_check)
        .group_by(*shown)
    )


def _added(before: Times, rows: Iterable[Any]) -> Times:
    times = dict(before)
    for image, left, right, number in rows:
        pair = Pair(image, *sorted((left, right)))
        first, second = times.get(pair, Asked())
        of_first = number if left == pair.first else 0
        times[pair] = Asked(first + of_first, second + number - of_first)
    return times
