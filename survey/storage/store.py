"""The statements that read and write a study's database.

Questions are answered in order: a participant is at the first question without an answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection, Engine, Row, bindparam, delete, func, insert, select, update

from survey.design.questionnaire import Question
from survey.storage import database
from survey.storage.schema import (
    INSERTS,
    NOW,
    arrivals,
    hosts,
    metadata,
    participants,
    questions,
    started_design,
    study,
    votes,
)

OPEN, PAUSED, CLOSED = "open", "paused", "closed"
STATES = (OPEN, PAUSED, CLOSED)
CHOICES = ("left", "right", "tie")
# A day: nobody looks longer, and a clock that jumps must not distort a mean.
_MAX_RESPONSE_MS = 86_400_000
# Rows fetched at a time when all are read.
_CHUNK = 5000
# Arbitrary constant: key of PostgreSQL's advisory lock that serialises the creation of tables.
_CREATION_LOCK = 0x73757276


class Vote(BaseModel):
    """An answer, as the browser sends it."""

    model_config = ConfigDict(extra="forbid", strict=True)
    # Of `Secrets.page_id`.
    id: Annotated[str, Field(max_length=64)]
    position: Annotated[int, Field(ge=1, le=10_000)]
    choice: Literal["left", "right", "tie"]
    response_ms: Annotated[int, Field(ge=0, le=_MAX_RESPONSE_MS)]
    layout: Literal["side", "stacked"]
    shown_px: Annotated[int, Field(ge=0, le=100_000)]
    zoomed: bool
    compared: bool


# Statements that every vote needs are built once.
_FIND = select(
    participants, select(study.c.state).scalar_subquery().label("study_state"), NOW.label("now")
).where(participants.c.code == bindparam("code"))
_FIND_AND_LOCK = _FIND.with_for_update(of=participants)
_UNANSWERED = (
    select(questions)
    .outerjoin(votes)
    .where(questions.c.participant == bindparam("participant"), votes.c.position.is_(None))
    .order_by(questions.c.position)
    .limit(bindparam("limit"))
)
_INSERT_STUDY = {name: i(study).on_conflict_do_nothing() for name, i in INSERTS.items()}
_INSERT_HOSTS = {name: i(hosts).on_conflict_do_nothing() for name, i in INSERTS.items()}
_INSERT_VOTE = {
    name: i(votes).values(answered_at=NOW).on_conflict_do_nothing() for name, i in INSERTS.items()
}
_INSERT_DESIGN = {name: i(started_design).on_conflict_do_nothing() for name, i in INSERTS.items()}
_QUESTIONS = select(
    participants.c.code,
    participants.c.started_at,
    questions,
    *(column for column in votes.c if column.name not in {"participant", "position"}),
).order_by(questions.c.participant, questions.c.position)
_UPDATE = update(participants).where(participants.c.id == bindparam("participant"))
_SEEN = _UPDATE.values(last_seen_at=NOW)
_FINISHED = _UPDATE.values(last_seen_at=NOW, finished_at=NOW)
_WITHDRAWN = _UPDATE.values(
    withdrawn_at=NOW, platform=None, platform_id=None, platform_session=None
)


def create_tables(engine: Engine, own_images: str, own_secret: str) -> tuple[str, str]:
    """Create the tables unless they exist; return the first host's values.

    These tie folders to a database: the checksum of stimuli.csv, which differs between studies,
    and the fingerprint of the secrets, which all hosts share.
    """
    with database.writing(engine) as connection:
        name = connection.dialect.name
        _create_tables(connection)
        connection.execute(_INSERT_STUDY[name], {"id": 1, "state": OPEN, "images": own_images})
        images = str(connection.scalar(select(study.c.images)))
        if images == own_images:
            connection.execute(_INSERT_HOSTS[name], {"id": 1, "secret": own_secret})
        return images, str(connection.scalar(select(hosts.c.secret)))


def _create_tables(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        # One of two hosts that create them at the same time would fail.
        connection.execute(select(func.pg_advisory_xact_lock(_CREATION_LOCK)))
    metadata.create_all(connection)


def holds_study(engine: Engine) -> bool:
    """Return whether a PostgreSQL holds a study; raise SQLAlchemyError if it could hold none."""
    with engine.connect() as connection:
        # Rolled back at the end.
        _create_tables(connection)
        return connection.scalar(select(study.c.id)) is not None


def study_row(connection: Connection, lock: bool = False) -> Row[Any]:
    """Return the row of the study: its state, and whether participants are simulated.

    With `lock`, nobody else can start until the transaction ends.
    """
    query = select(study)
    return connection.execute(query.with_for_update() if lock else query).one()


def set_state(connection: Connection, state: str) -> None:
    """Open, pause or close the study."""
    connection.execute(update(study).values(state=state))


def add_participant(
    connection: Connection, row: dict[str, Any], own_questions: Sequence[Question], simulated: bool
) -> None:
    """Store a participant with all questions; `row` has id (from `next_id`), code and platform."""
    row = {**row, "questions": len(own_questions)}
    connection.execute(insert(participants).values(started_at=NOW, last_seen_at=NOW), row)
    connection.execute(update(study).values(simulated=simulated))
    rows = [
        {"participant": row["id"], "position": position, **question._asdict()}
        for position, question in enumerate(own_questions, 1)
    ]
    connection.execute(insert(questions), rows)


def record_design(connection: Connection, design: str) -> None:
    """Store the design with which the first participant starts."""
    connection.execute(_INSERT_DESIGN[connection.dialect.name], {"id": 1, "design": design})


def design_at_start(connection: Connection) -> str | None:
    """Return the design of the first participant, None if nobody has started."""
    return connection.scalar(select(started_design.c.design))


def numbers_of_questions(connection: Connection) -> dict[str, int]:
    """Return the numbers of a participant's pairs and validation questions, {} without any."""
    newest = select(func.max(questions.c.participant)).scalar_subquery()
    of_newest = select(questions.c.is_check).where(questions.c.participant == newest)
    checks = list(connection.scalars(of_newest))
    if not checks:
        return {}
    return {"pairs_per_person": len(checks) - sum(checks), "checks_per_person": sum(checks)}


def next_id(connection: Connection) -> int:
    """Return the next participant's number; nobody else gets it while starts are locked."""
    return int(connection.scalar(select(func.coalesce(func.max(participants.c.id), 0))) or 0) + 1


def find(connection: Connection, code: str, lock: bool = False) -> Row[Any] | None:
    """Return a participant's row, with the study's state and the time.

    With `lock`, other requests of the participant wait until the transaction ends.
    """
    return connection.execute(_FIND_AND_LOCK if lock else _FIND, {"code": code}).one_or_none()


def find_by_platform(connection: Connection, platform: str, platform_id: str) -> Row[Any] | None:
    """Return the row of the participant who came from a platform with this id."""
    is_theirs = participants.c.platform == platform, participants.c.platform_id == platform_id
    return connection.execute(select(participants).where(*is_theirs)).one_or_none()


def unanswered(connection: Connection, participant: int, limit: int) -> list[Row[Any]]:
    """Return a participant's next questions, in order."""
    return list(connection.execute(_UNANSWERED, {"participant": participant, "limit": limit}))


def record_vote(connection: Connection, participant: int, vote: Vote) -> None:
    """Store a vote, unless there is one on this question: the first one counts."""
    row = {"participant": participant, **vote.model_dump(exclude={"id"})}
    connection.execute(_INSERT_VOTE[connection.dialect.name], row)


def longest_silence(connection: Connection, active_since: int) -> int | None:
    """Return when the active participant was last seen who has been silent longest."""
    going = participants.c.finished_at.is_(None) & participants.c.withdrawn_at.is_(None)
    seen = participants.c.last_seen_at
    return connection.scalar(select(func.min(seen)).where(going, seen > active_since))


def latest_durations(connection: Connection, number: int) -> list[int]:
    """Return how many milliseconds those took who finished last."""
    finished = participants.c.finished_at
    query = select(finished - participants.c.started_at).where(finished.is_not(None))
    return list(connection.scalars(query.order_by(finished.desc()).limit(number)))


def record_activity(connection: Connection, participant: int) -> None:
    """Store that a participant was seen now."""
    connection.execute(_SEEN, {"participant": participant})


def finish(connection: Connection, participant: int, excluded: str) -> None:
    """Store that a participant has answered everything, and why the votes are not valid."""
    connection.execute(_FINISHED, {"participant": participant, "excluded": excluded})


def exclude(connection: Connection, participant: int, reason: str) -> None:
    """Store why a participant's votes are not valid, "" if they are."""
    connection.execute(_UPDATE.values(excluded=reason), {"participant": participant})


def withdraw(connection: Connection, participant: int) -> None:
    """Delete a participant's answers and questions, and what a platform says about the person."""
    connection.execute(delete(votes).where(votes.c.participant == participant))
    connection.execute(delete(questions).where(questions.c.participant == participant))
    connection.execute(delete(arrivals).where(arrivals.c.participant == participant))
    connection.execute(_WITHDRAWN, {"participant": participant})


def count_votes(connection: Connection) -> list[Any]:
    """Return rows (left method, right method, choice, votes) of participants not yet excluded."""
    kinds = questions.c.left, questions.c.right, votes.c.choice
    query = (
        select(*kinds, func.count())
        .select_from(votes.join(questions).join(participants))
        .where(~questions.c.is_check, func.coalesce(participants.c.excluded, "") == "")
        .group_by(*kinds)
    )
    return list(connection.execute(query))


def answers(connection: Connection, participant: int | None = None) -> list[Row[Any]]:
    """Return all votes, or those of a participant, in order, with question and code."""
    query = _QUESTIONS.select_from(votes.join(questions).join(participants))
    if participant is not None:
        query = query.where(questions.c.participant == participant)
    return list(connection.execute(query).all())


def all_participants(connection: Connection) -> list[Row[Any]]:
    """Return the rows of all participants, in order of their numbers."""
    return list(connection.execute(select(participants).order_by(participants.c.id)))


def all_questions(connection: Connection) -> Iterator[Row[Any]]:
    """Yield all questions of all participants, as `answers` returns them, with None for no vote."""
    query = _QUESTIONS.select_from(questions.join(participants).outerjoin(votes))
    # There may be millions. Fetching rows in chunks is faster than one by one.
    for chunk in connection.execute(query, execution_options={"yield_per": _CHUNK}).partitions():
        yield from chunk
