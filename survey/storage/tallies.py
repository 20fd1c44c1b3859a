"""How often each pair has been or is being asked, which every start has to know."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, FromClause, func, select

from survey.design.questionnaire import Asked, Pair
from survey.storage.schema import participants, questions, votes

# People in one statement; databases limit its parameters.
TOGETHER = 1000

# Who counts. In one statement, which sees everybody at one time: who finishes between two of them
# would be in neither, or in both.
_PEOPLE = select(participants.c.id, participants.c.finished_at, participants.c.last_seen_at).where(
    participants.c.withdrawn_at.is_(None), func.coalesce(participants.c.excluded, "") == ""
)

Times = dict[Pair, Asked]


class Settled:
    """Questions of those who finished and are not excluded. They change no more, so that a start
    counts only those of who finished since the one before. Starts are locked: one at a time."""

    def __init__(self) -> None:
        self._people: set[tuple[int, int]] = set()
        self._times: Times = {}

    def times(self, connection: Connection, finished: set[tuple[int, int]]) -> Times:
        """finished: number, and when."""
        if not self._people <= finished:
            # Somebody withdrew.
            self._people, self._times = set(), {}
        new = [number for number, _ in finished - self._people]
        self._times = _with(self._times, connection, new, questions)
        self._people = finished
        return self._times


def asked(
    connection: Connection, active_since: int, count_unfinished: bool, settled: Settled
) -> Times:
    """Of people whose votes count or may still come. Questions of those who left without
    finishing, or are excluded, are free again.

    active_since: who was not seen after that has left; count_unfinished: whether the votes of
    those count all the same."""
    everybody = connection.execute(_PEOPLE).all()
    finished = {(row.id, row.finished_at) for row in everybody if row.finished_at is not None}
    here = [row for row in everybody if row.finished_at is None]
    times = settled.times(connection, finished)
    active = [row.id for row in here if row.last_seen_at > active_since]
    times = _with(times, connection, active, questions)
    if not count_unfinished:
        return times
    left = [row.id for row in here if row.last_seen_at <= active_since]
    return _with(times, connection, left, questions.join(votes))


def _with(before: Times, connection: Connection, people: Iterable[int], where: FromClause) -> Times:
    """With the questions of some more people. where: questions, or those that were answered."""
    times, numbers = dict(before), sorted(people)
    for first in range(0, len(numbers), TOGETHER):
        for image, left, right, number in _counted(
            connection, numbers[first : first + TOGETHER], where
        ):
            pair = Pair(image, *sorted((left, right)))
            one, other = times.get(pair, Asked())
            of_first = number if left == pair.first else 0
            times[pair] = Asked(one + of_first, other + number - of_first)
    return times


def _counted(connection: Connection, people: Sequence[int], where: FromClause) -> Iterable[Any]:
    """Image, left method, right method, how often; validation questions left out."""
    shown = questions.c.image, questions.c.left, questions.c.right
    return connection.execute(
        select(*shown, func.count())
        .select_from(where)
        .where(questions.c.participant.in_(people), ~questions.c.is_check)
        .group_by(*shown)
    )
