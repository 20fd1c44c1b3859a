"""The few statements that read and write a study's database.

Questions are answered in order: somebody is at the first one without an answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    Connection,
    Engine,
    Row,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from survey.design.questionnaire import Question
from survey.storage import database
from survey.storage.clock import NOW
from survey.storage.schema import hosts, metadata, participants, questions, study, votes

OPEN, PAUSED, CLOSED = "open", "paused", "closed"
STATES = (OPEN, PAUSED, CLOSED)
CHOICES = ("left", "right", "tie")
# Rows at a time, where all are read.
TOGETHER = 5000
# Of PostgreSQL's advisory locks, which are numbers; any that is always the same.
MAKING = 0x73757276


class Vote(NamedTuple):
    """An answer as the browser sends it."""

    position: int
    choice: str
    response_ms: int
    layout: str
    shown_px: int
    zoomed: bool
    compared: bool


class Person(NamedTuple):
    """Who takes part. id: `next_id`; code: names them in exports; platform, platform_id: of a
    recruiting platform; platform_session: its other parameters, JSON."""

    id: int
    code: str
    platform: str | None = None
    platform_id: str | None = None
    platform_session: str | None = None


# Built once, since each vote needs them.
_FIND = select(
    participants, select(study.c.state).scalar_subquery().label("study_state"), NOW.label("now")
).where(participants.c.code == bindparam("code"))
_FIND_AND_LOCK = _FIND.with_for_update(of=participants)
_UNANSWERED = (
    select(questions)
    .outerjoin(votes)
    .where(questions.c.participant == bindparam("participant"), votes.c.position.is_(None))
    .order_by(questions.c.position)
    .limit(bindparam("most"))
)
# ON CONFLICT is no part of standard SQL.
_INSERTS: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
_BEGIN = {name: made(study).on_conflict_do_nothing() for name, made in _INSERTS.items()}
_JOIN = {name: made(hosts).on_conflict_do_nothing() for name, made in _INSERTS.items()}
_RECORD = {
    name: made(votes).values(answered_at=NOW).on_conflict_do_nothing()
    for name, made in _INSERTS.items()
}
_QUESTIONS = select(
    participants.c.code,
    questions,
    *(column for column in votes.c if column.name not in {"participant", "position"}),
).order_by(questions.c.participant, questions.c.position)
_ADD = insert(participants).values(started_at=NOW, last_seen_at=NOW)
_OF_THEM = update(participants).where(participants.c.id == bindparam("participant"))
_SEEN = _OF_THEM.values(last_seen_at=NOW)
_FINISHED = _OF_THEM.values(last_seen_at=NOW, finished_at=NOW)
_WITHDRAWN = _OF_THEM.values(
    withdrawn_at=NOW, platform=None, platform_id=None, platform_session=None
)


class Marks(NamedTuple):
    """What tells whether a folder belongs to a database. images: checksum of the list of images,
    which tells studies apart; secret: fingerprint of the keys, which all hosts must share."""

    images: str
    secret: str


def create(engine: Engine, own: Marks) -> Marks:
    """Make the tables, if they are not there; those of whoever was first."""
    with database.writing(engine) as connection:
        name = connection.dialect.name
        _make_tables(connection)
        connection.execute(_BEGIN[name], {"id": 1, "state": OPEN, "images": own.images})
        images = str(connection.scalar(select(study.c.images)))
        if images == own.images:
            connection.execute(_JOIN[name], {"id": 1, "secret": own.secret})
        return Marks(images, str(connection.scalar(select(hosts.c.secret))))


def _make_tables(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        # Where two hosts are first at once, one would fail on what the other makes.
        connection.execute(select(func.pg_advisory_xact_lock(MAKING)))
    metadata.create_all(connection)


def is_taken(engine: Engine) -> bool:
    """Whether a PostgreSQL holds a study; raises SQLAlchemyError where it could hold none."""
    with engine.connect() as connection:
        # Undone at the end.
        _make_tables(connection)
        return connection.scalar(select(study.c.id)) is not None


def row(connection: Connection) -> Row[Any]:
    """Of the study: its state, and whether those who took part were simulated."""
    return connection.execute(select(study)).one()


def state(connection: Connection) -> str:
    return str(row(connection).state)


def set_state(connection: Connection, wanted: str) -> None:
    connection.execute(update(study).values(state=wanted))


def lock_starts(connection: Connection) -> Row[Any]:
    """The row of the study; until the transaction ends nobody else can start."""
    return connection.execute(select(study).with_for_update()).one()


def add(connection: Connection, person: Person, asked: Sequence[Question], simulated: bool) -> None:
    """Write a participant with all questions."""
    connection.execute(_ADD, {**person._asdict(), "questions": len(asked)})
    connection.execute(update(study).values(simulated=simulated))
    rows = [
        {"participant": person.id, "position": position, **question._asdict()}
        for position, question in enumerate(asked, 1)
    ]
    connection.execute(insert(questions), rows)


def next_id(connection: Connection) -> int:
    """The next participant's number; theirs as long as starts are locked."""
    return int(connection.scalar(select(func.coalesce(func.max(participants.c.id), 0))) or 0) + 1


def find(connection: Connection, code: str) -> Row[Any] | None:
    """A participant, with the state of the study and the time."""
    return connection.execute(_FIND, {"code": code}).one_or_none()


def find_and_lock(connection: Connection, code: str) -> Row[Any] | None:
    """The same; until the transaction ends, no other request of theirs gets past this."""
    return connection.execute(_FIND_AND_LOCK, {"code": code}).one_or_none()


def find_by_platform(connection: Connection, platform: str, number: str) -> Row[Any] | None:
    return connection.execute(
        select(participants).where(
            participants.c.platform == platform, participants.c.platform_id == number
        )
    ).one_or_none()


def unanswered(connection: Connection, participant: int, most: int) -> list[Row[Any]]:
    """The questions that are ahead of somebody, in order."""
    return list(connection.execute(_UNANSWERED, {"participant": participant, "most": most}))


def record(connection: Connection, participant: int, vote: Vote) -> None:
    """Write a vote unless there is one on this question: the first one counts."""
    row = {"participant": participant, **vote._asdict()}
    connection.execute(_RECORD[connection.dialect.name], row)


def seen(connection: Connection, participant: int) -> None:
    """Note that somebody is still there."""
    connection.execute(_SEEN, {"participant": participant})


def finish(connection: Connection, participant: int, excluded: str) -> None:
    """Note that somebody has answered everything, and why their votes are not valid."""
    connection.execute(_FINISHED, {"participant": participant, "excluded": excluded})


def exclude(connection: Connection, participant: int, reason: str) -> None:
    """Note why somebody's votes are not valid, "" where they are."""
    connection.execute(
        update(participants).where(participants.c.id == participant).values(excluded=reason)
    )


def withdraw(connection: Connection, participant: int) -> None:
    """Delete the answers, the questions, and whatever tells who it was."""
    connection.execute(delete(votes).where(votes.c.participant == participant))
    connection.execute(delete(questions).where(questions.c.participant == participant))
    connection.execute(_WITHDRAWN, {"participant": participant})


def tally(connection: Connection) -> list[Any]:
    """Votes by left method, right method and choice, of those not excluded so far."""
    return list(
        connection.execute(
            select(questions.c.left, questions.c.right, votes.c.choice, func.count())
            .select_from(votes.join(questions).join(participants))
            .where(~questions.c.is_check, func.coalesce(participants.c.excluded, "") == "")
            .group_by(questions.c.left, questions.c.right, votes.c.choice)
        )
    )


def answers(connection: Connection, participant: int | None = None) -> list[Row[Any]]:
    """Every vote with its question and the participant's code, in order: of all, or of one."""
    query = _QUESTIONS.select_from(votes.join(questions).join(participants))
    if participant is not None:
        query = query.where(questions.c.participant == participant)
    # all() fetches rows together, which iterating does not.
    return list(connection.execute(query).all())


def people(connection: Connection) -> list[Row[Any]]:
    return list(connection.execute(select(participants).order_by(participants.c.id)))


def shown(connection: Connection) -> Iterator[Row[Any]]:
    """Every question given to anybody, as `answers` has them, with nothing where there is no vote:
    read bit by bit, since there may be millions."""
    query = _QUESTIONS.select_from(questions.join(participants).outerjoin(votes))
    return iter(connection.execute(query, execution_options={"yield_per": TOGETHER}))
