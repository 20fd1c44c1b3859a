"""Let participants start: who may, and which questions they get."""

from __future__ import annotations

from typing import Any

import numpy as np
from sqlalchemy import Connection

from survey.design import adaptive, questionnaire
from survey.design.questionnaire import Pair, PairCount, Question
from survey.results import live_ranking
from survey.results.participants import SIMULATED
from survey.storage import store, tallies
from survey.storage.open_study import OpenStudy
from survey.storage.schema import now_ms
from survey.web.platforms import Identity


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
    if target and sum(count.total for count in _pair_counts(connection, study).values()) >= target:
        return "full"
    return ""


def _pair_counts(connection: Connection, study: OpenStudy) -> dict[Pair, PairCount]:
    active_since = now_ms(connection) - study.config.server.abandoned_after_minutes * 60_000
    count_unfinished = not study.config.exclusion.unfinished
    return tallies.pair_counts(connection, active_since, count_unfinished, study.finished_counts)


def enrol(connection: Connection, code: str, identity: Identity | None, study: OpenStudy) -> str:
    """Store a new participant with questions; return the code, which differs if simulated."""
    number = store.next_id(connection)
    if study.simulated:
        code = f"{SIMULATED}{number:04d}"
    row = {"id": number, "code": code, **(identity._asdict() if identity else {})}
    store.add_participant(connection, row, _questions(connection, number, study), study.simulated)
    return code


def _questions(connection: Connection, number: int, study: OpenStudy) -> list[Question]:
    design, pool = study.config.design, study.pool
    rng = np.random.default_rng([design.seed, number])
    counts = _pair_counts(connection, study)
    checks = questionnaire.validation_questions(pool, design.checks_per_person, rng)
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
