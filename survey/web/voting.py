"""Record a vote, and exclude a participant as soon as the answers say so."""

from __future__ import annotations

from typing import Any

from flask import abort
from sqlalchemy import Connection

from survey.results import validity
from survey.storage import store
from survey.study.config import Exclusion


def take_vote(
    connection: Connection, code: str, vote: store.Vote, rules: Exclusion
) -> tuple[Any, list[Any]]:
    """Record a vote, unless the question has one; return the participant and questions ahead."""
    participant = store.find(connection, code, lock=True)
    if participant is None or participant.withdrawn_at is not None:
        abort(410)
    if participant.study_state == store.CLOSED and participant.finished_at is None:
        abort(410)
    ahead = store.unanswered(connection, participant.id, 3)
    expected = ahead[0].position if ahead else participant.questions
    if vote.position > expected:
        abort(409)
    if ahead and vote.position == expected:
        _record(connection, participant, vote, ahead.pop(0).is_check, rules)
    return participant, ahead


def _record(
    connection: Connection, participant: Any, vote: store.Vote, is_check: bool, rules: Exclusion
) -> None:
    store.record_vote(connection, participant.id, vote)
    finished = vote.position == participant.questions
    if not finished:
        store.record_activity(connection, participant.id)
    if finished or is_check:
        statistics = validity.statistics(store.answers(connection, participant.id))
        reason = validity.exclusion_reason(statistics, True, rules)
        if finished:
            store.finish(connection, participant.id, reason)
        elif statistics.checks_failed > rules.max_failed_checks:
            # The participant's questions are asked again at once.
            store.exclude(connection, participant.id, reason)
