"""A vote: what the browser sends, and how it is recorded."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from flask import abort
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from survey.results import validity
from survey.storage import store
from survey.study.config import Exclusion
from survey.study.stimuli import REFERENCE

# A day: nobody looks longer, and a clock that jumps must not spoil a mean.
LONGEST_MS = 86_400_000


class Answer(BaseModel):
    """The body of a vote."""

    model_config = ConfigDict(extra="forbid", strict=True)
    position: Annotated[int, Field(ge=1, le=10_000)]
    choice: Literal["left", "right", "tie"]
    response_ms: Annotated[int, Field(ge=0, le=LONGEST_MS)]
    layout: Literal["side", "stacked"]
    shown_px: Annotated[int, Field(ge=0, le=100_000)]
    zoomed: bool
    compared: bool


def take(
    connection: Connection, code: str, answer: Answer, rules: Exclusion
) -> tuple[Any, list[Any]]:
    """Record an answer, unless it was before: whose it is, and the questions ahead of them."""
    person = store.find_and_lock(connection, code)
    if person is None or person.withdrawn_at is not None:
        abort(410)
    if person.study_state == store.CLOSED and person.finished_at is None:
        abort(410)
    ahead = store.unanswered(connection, person.id, 3)
    expected = ahead[0].position if ahead else person.questions
    if answer.position > expected:
        abort(409)
    if ahead and answer.position == expected:
        _record(connection, person, answer, ahead[0].is_check, rules)
        del ahead[0]
    return person, ahead


def _record(
    connection: Connection, person: Any, answer: Answer, is_check: bool, rules: Exclusion
) -> None:
    store.record(connection, person.id, store.Vote(**answer.model_dump()))
    finished = answer.position == person.questions
    if not finished:
        store.seen(connection, person.id)
    if finished or is_check:
        facts = validity.facts(store.answers(connection, person.id), REFERENCE)
        if finished:
            store.finish(connection, person.id, validity.reason(facts, True, rules))
        elif facts.failed > rules.max_failed_checks:
            # Their questions are free for others at once.
            store.exclude(connection, person.id, validity.reason(facts, True, rules))
