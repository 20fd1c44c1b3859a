"""Count how often each pair of methods was asked; every start of a participant needs this."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, FromClause, func, select

from survey.design.questionnaire import Pair, PairCount
from survey.storage.schema import participants, questions, votes

# Participants in one statement; databases limit its parameters.
_CHUNK = 1000

# Must be one statement, which sees all participants at one time: somebody who finishes between two
# statements would be in neither result, or in both.
_PARTICIPANTS = select(
    participants.c.id, participants.c.finished_at, participants.c.last_seen_at
).where(participants.c.withdrawn_at.is_(None), func.coalesce(participants.c.excluded, "") == "")


class FinishedCounts:
    """Cache of the questions of participants who finished and are not excluded.

    These change no more, so that a start reads only the questions of those who finished since the
    start before. It needs no lock of its own, because starts wait for each other.
    """

    def __init__(self) -> None:
        self._finished: set[tuple[int, int]] = set()
        self.counts: dict[Pair, PairCount] = {}

    def read(self, connection: Connection, finished: set[tuple[int, int]]) -> dict[Pair, PairCount]:
        """Return the counts for participants, each given by number and time of finishing."""
        if not self._finished <= finished:
            # Somebody withdrew.
            self._finished, self.counts = set(), {}
        new = [participant for participant, _ in finished - self._finished]
        self.counts = _with(self.counts, connection, new, questions)
        self._finished = finished
        return self.counts


def pair_counts(
    connection: Connection, active_since: int, count_unfinished: bool, cache: FinishedCounts
) -> dict[Pair, PairCount]:
    """Count the questions of participants whose votes count or may still count.

    Questions of participants who left without finishing, or are excluded, are asked again.
    Participants last seen before `active_since` (ms since 1970) have left; `count_unfinished` says
    whether their votes count nevertheless.
    """
    rows = connection.execute(_PARTICIPANTS).all()
    finished = {(row.id, row.finished_at) for row in rows if row.finished_at is not None}
    unfinished = [row for row in rows if row.finished_at is None]
    counts = cache.read(connection, finished)
    active = [row.id for row in unfinished if row.last_seen_at > active_since]
    counts = _with(counts, connection, active, questions)
    if not count_unfinished:
        return counts
    left = [row.id for row in unfinished if row.last_seen_at <= active_since]
    return _with(counts, connection, left, questions.join(votes))


def _with(
    counts: dict[Pair, PairCount],
    connection: Connection,
    people: Iterable[int],
    rows: FromClause,
) -> dict[Pair, PairCount]:
    """Add the questions of more participants; `rows` may be only those that were answered."""
    counts, numbers = dict(counts), sorted(people)
    shown = questions.c.image, questions.c.left, questions.c.right
    for start in range(0, len(numbers), _CHUNK):
        chunk = numbers[start : start + _CHUNK]
        query = (
            select(*shown, func.count())
            .select_from(rows)
            .where(questions.c.participant.in_(chunk), ~questions.c.is_check)
            .group_by(*shown)
        )
        for image, left, right, number in connection.execute(query):
            pair = Pair.of(image, left, right)
            before = counts.get(pair, PairCount())
            first_left = number if left == pair.first else 0
            counts[pair] = PairCount(
                before.first_left + first_left, before.second_left + number - first_left
            )
    return counts
