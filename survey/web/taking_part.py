"""Let participants start and vote: who may, which questions they get, whom answers exclude."""

from __future__ import annotations

import math
from collections.abc import Mapping
from statistics import median
from typing import Any

import numpy as np
from flask import abort
from sqlalchemy import Connection

from survey.design import adaptive, questionnaire
from survey.design.questionnaire import Pair, PairCount, Question
from survey.results import live_ranking, validity
from survey.results.validity import SIMULATED
from survey.storage import arrivals, store, tallies
from survey.storage.open_study import OpenStudy
from survey.storage.schema import now_ms
from survey.study.config import Exclusion
from survey.study.platforms import Identity

# What a question takes while nobody is known to have finished; and how many have to be.
_QUESTION_S, _ENOUGH = 10, 5
# How many participants' durations are read, the latest ones.
_LATEST = 101


def closed_reason(row: Any, study: OpenStudy) -> str:
    """Return why a study accepts nobody, regardless of its votes; "" if it does."""
    if row.state != store.OPEN:
        return str(row.state)
    return "simulated" if row.simulated not in (None, study.simulated) else ""


def refusal(connection: Connection, row: Any, study: OpenStudy) -> str:
    """Return why nobody can start now, "" if people can."""
    if reason := closed_reason(row, study):
        return reason
    target = study.config.design.target_votes
    if not target or _total(_pair_counts(connection, study)) < target:
        return ""
    return "full" if _total(_pair_counts(connection, study, active=False)) >= target else "taken"


def _total(counts: Mapping[Pair, PairCount]) -> int:
    return sum(count.total for count in counts.values())


def minutes_to_a_place(connection: Connection, study: OpenStudy) -> int:
    """Return after how many minutes somebody who has stopped answering loses their place."""
    now, patience = now_ms(connection), study.config.server.abandoned_after_minutes * 60_000
    since = store.longest_silence(connection, now - patience) or now
    return max(1, math.ceil((since + patience - now) / 60_000))


def expected_minutes(connection: Connection, study: OpenStudy) -> int:
    """Return how long taking part takes: the median of those who did, once there are a few."""
    design = study.config.design
    known = store.latest_durations(connection, _LATEST)
    seconds: float = (design.pairs_per_person + design.checks_per_person) * _QUESTION_S
    if len(known) >= _ENOUGH:
        seconds = median(known) / 1000
    return max(1, math.ceil(seconds / 60))


def _pair_counts(
    connection: Connection, study: OpenStudy, active: bool = True
) -> dict[Pair, PairCount]:
    """Count questions; active: with those that people have who may still answer them."""
    patience_ms = study.config.server.abandoned_after_minutes * 60_000
    active_since = now_ms(connection) - patience_ms if active else now_ms(connection) + 1
    count_unfinished = not study.config.exclusion.unfinished
    return tallies.pair_counts(connection, active_since, count_unfinished, study.finished_counts)


def enrol(connection: Connection, code: str, identity: Identity | None, study: OpenStudy) -> str:
    """Store a new participant with questions; return the code, which differs if simulated."""
    number = store.next_id(connection)
    if study.simulated:
        code = f"{SIMULATED}{number:04d}"
    row = {"id": number, "code": code, **(identity._asdict() if identity else {})}
    store.record_design(connection, study.config.design.model_dump_json())
    store.add_participant(connection, row, _questions(connection, number, study), study.simulated)
    return code


def record_arrival(connection: Connection, code: str, identity: Identity | None) -> None:
    """Keep with which assignment a participant came: it is paid if they finish with it."""
    participant = store.find(connection, code)
    if identity and participant and participant.withdrawn_at is None:
        # Who comes again for a lost code keeps the time at which they had come before the end.
        has_finished = participant.finished_at is not None
        arrivals.record(connection, participant.id, identity.platform_session, has_finished)


def _questions(connection: Connection, number: int, study: OpenStudy) -> list[Question]:
    design, pool = study.config.design, study.pool
    rng = np.random.default_rng([design.seed, number])
    counts = _pair_counts(connection, study)
    checks = questionnaire.validation_questions(pool, design.checks_per_person, counts, rng)
    pairs = questionnaire.without_checks(pool.pairs, checks)
    if design.adaptive:
        votes = live_ranking.vote_counts(connection, design.methods)
        chosen = adaptive.most_informative(
            pairs, counts, votes, design.methods, design.pairs_per_person, rng
        )
    else:
        check_images = {check.image for check in checks}
        chosen = questionnaire.least_asked(
            pairs, counts, design.pairs_per_person, rng, check_images
        )
    return questionnaire.questionnaire(chosen, checks, counts, rng)


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
