"""From all votes to valid votes: who is excluded, why, and how many votes remain."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import polars as pl

from analysis.votes import files
from analysis.votes.files import Source, in_lines
from analysis.votes.names import cleaned
from analysis.votes.votes import FALSE, TRUE, Votes, refuse, refuse_repeated
from methods.errors import InputError, suggestion

_PARTICIPANT, _EXCLUDED, _REASON, _SIMULATED = "participant", "excluded", "reason", "simulated"


@dataclass(frozen=True)
class Rules:
    """Whom to exclude."""

    # A participants.csv: `excluded` decides, `simulated` marks simulated participants.
    participants: Source | None = None
    # Exclude who failed more validation questions. None: 0 without `participants`, else no limit.
    max_failed_checks: int | None = None
    min_votes: int = 0  # exclude who answered fewer questions
    min_median_ms: float = 0.0  # exclude whose median answer was faster, in milliseconds


class Step(NamedTuple):
    """How many were excluded for a reason, and how many are left: a row of exclusions.csv.

    Votes on validation questions are not counted.
    """

    reason: str
    participants: int
    votes: int
    left_participants: int
    left_votes: int


def people_in_words(number: int) -> str:
    """Return "1 person" or "7 people"."""
    return "1 person" if number == 1 else f"{number:,} people"


def step_in_words(step: Step) -> str:
    """Return how many people and votes a step excluded, and why."""
    votes = f"{step.votes:,} vote{'' if step.votes == 1 else 's'}"
    return f"{people_in_words(step.participants)} with {votes}, {step.reason}"


def apply(votes: Votes, rules: Rules) -> tuple[Votes, list[Step]]:
    """Exclude participants.

    Returns
    -------
    votes
        The votes of those who remain.
    steps
        From all to valid votes; the first excludes nobody.

    Raises
    ------
    InputError
        If a rule needs a column that is missing, `rules.participants` cannot be used, or no vote
        remains.
    """
    steps = [_step("all", votes, votes)]
    if not votes.has(_PARTICIPANT):
        if rules.participants is not None or rules != Rules():
            raise InputError(
                f"{votes.source}: no column 'participant', so that nobody can be left out"
            )
        return votes, steps
    excluded = []
    if rules.participants is not None:
        table = _participants(votes, rules.participants)
        excluded = _listed(table)
        simulated = table.filter(pl.col(_SIMULATED))[_PARTICIPANT].cast(pl.String)
        votes = replace(votes, simulated=frozenset(simulated))
    excluded += _by_answers(votes, rules)
    for reason, people in excluded:
        stay = ~pl.col(_PARTICIPANT).is_in(people.implode())
        rest = replace(votes, frame=votes.frame.filter(stay))
        steps.append(_step(reason, votes, rest))
        votes = rest
    if votes.without_checks.is_empty():
        reasons = [
            f"{step.reason}: {people_in_words(step.participants)}"
            for step in steps[1:]
            if step.participants
        ]
        raise InputError(f"{votes.source}: every vote is excluded ({'; '.join(reasons)})")
    return votes, steps


def _step(reason: str, before: Votes, after: Votes) -> Step:
    names = [v.frame[_PARTICIPANT] if v.has(_PARTICIPANT) else pl.Series() for v in (before, after)]
    people, left_people = (column.n_unique() for column in names)
    count, left = len(before.without_checks), len(after.without_checks)
    return Step(reason, people - left_people, count - left, left_people, left)


def _participants(votes: Votes, source: Source) -> pl.DataFrame:
    """Read a participants.csv: name, reason, and whether excluded or simulated."""
    heading = files.heading(source, (_PARTICIPANT, _EXCLUDED, _REASON, _SIMULATED))
    path, names = heading.path, heading.names
    for name in (_PARTICIPANT, _EXCLUDED):
        if name not in names:
            raise InputError(f"{path}: no column {name!r}{suggestion(name, filter(None, names))}")
    optional = (_REASON, _SIMULATED)
    present = [_PARTICIPANT, _EXCLUDED, *(name for name in optional if name in names)]
    places = {name: heading.position(name) for name in present}
    table = files.read(heading, places, [_PARTICIPANT])
    table = table.with_columns(pl.lit("").alias(name) for name in optional if name not in names)
    table = table.with_columns(cleaned(table[_PARTICIPANT]))
    for name in (_EXCLUDED, _SIMULATED):
        flags = table[name].str.strip_chars().str.to_lowercase()
        refuse(table, pl.lit(~flags.is_in([*TRUE, *FALSE])), name, path)
        table = table.with_columns(flags.is_in(list(TRUE)).alias(name))
    refuse_repeated(table, [_PARTICIPANT], path, "participant {participant!r} twice")
    unknown = votes.frame.join(table, on=_PARTICIPANT, how="anti")
    if not unknown.is_empty():
        raise InputError(
            f"{in_lines(votes.source, unknown['line'][0])}: participant "
            f"{unknown[_PARTICIPANT][0]!r} is not in "
            f"{'the table of participants' if path == files.DATA_FRAME else path}"
        )
    return table


def _listed(table: pl.DataFrame) -> list[tuple[str, pl.Series]]:
    """Return the participants whom a participants.csv excludes, by reason."""
    excluded = table.filter(pl.col(_EXCLUDED)).group_by(_REASON, maintain_order=True)
    return [(str(reason or "excluded"), rows[_PARTICIPANT]) for (reason,), rows in excluded]


def _by_answers(votes: Votes, rules: Rules) -> list[tuple[str, pl.Series]]:
    """Return the participants whom their answers exclude, by reason."""
    excluded = []
    limit = rules.max_failed_checks
    if limit is not None and not votes.has("check_passed"):
        raise InputError(f"{votes.source}: no column 'check_passed' to judge failed checks by")
    if limit is None and rules.participants is None:
        limit = 0
    if limit is not None and votes.has("check_passed"):
        # An unanswered validation question is not a failed one.
        failed = votes.checks.filter(~pl.col("check_passed").fill_null(True))
        count = failed.group_by(_PARTICIPANT).len()
        people = count.filter(pl.col("len") > limit)[_PARTICIPANT]
        excluded.append((f"more than {limit} failed validation questions", people))
    by_person = votes.without_checks.group_by(_PARTICIPANT)
    if rules.min_votes:
        enough = by_person.len().filter(pl.col("len") >= rules.min_votes)
        people = votes.frame.join(enough, on=_PARTICIPANT, how="anti")[_PARTICIPANT].unique()
        excluded.append((f"fewer than {rules.min_votes} votes", people))
    if rules.min_median_ms:
        if not votes.has("response_ms"):
            raise InputError(f"{votes.source}: no column 'response_ms' to judge speed by")
        median = by_person.agg(pl.col("response_ms").median())
        people = median.filter(pl.col("response_ms") < rules.min_median_ms)[_PARTICIPANT]
        excluded.append((f"median answer under {rules.min_median_ms:g} ms", people))
    return excluded
