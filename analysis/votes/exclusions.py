"""From all votes to valid votes: who is excluded, why, and how many votes remain."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import pandas as pd

from analysis.votes import files
from analysis.votes.files import Source, in_lines
from analysis.votes.names import cleaned
from analysis.votes.votes import FALSE, FLAG, TRUE, Votes, refuse, refuse_repeated
from methods.errors import InputError, suggestion

# Reason of a step by which a table of participants excludes nobody.
_MARKED = "marked in the column 'excluded' of the table of participants"
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

    Raises InputError if a rule needs a column that is missing, `rules.participants` cannot be used,
    or no vote remains.

    Returns
    -------
    votes
        The votes of those who remain.
    steps
        From all to valid votes; the first excludes nobody.
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
        votes = replace(votes, simulated=frozenset(table[_PARTICIPANT][table[_SIMULATED]]))
    excluded += _by_answers(votes, rules)
    for reason, people in excluded:
        rest = replace(votes, frame=votes.frame[~votes.frame[_PARTICIPANT].isin(people)])
        steps.append(_step(reason, votes, rest))
        votes = rest
    if votes.without_checks.empty:
        reasons = [
            f"{step.reason}: {people_in_words(step.participants)}"
            for step in steps[1:]
            if step.participants
        ]
        if not reasons:
            raise InputError(f"{votes.source}: no votes but answers to validation questions")
        raise InputError(f"{votes.source}: every vote is excluded ({'; '.join(reasons)})")
    return votes, steps


def _step(reason: str, before: Votes, after: Votes) -> Step:
    people, left_people = (
        v.frame[_PARTICIPANT].nunique() if v.has(_PARTICIPANT) else 0 for v in (before, after)
    )
    count, left = len(before.without_checks), len(after.without_checks)
    return Step(reason, people - left_people, count - left, left_people, left)


def _participants(votes: Votes, source: Source) -> pd.DataFrame:
    """Read a participants.csv: name, reason, and whether excluded or simulated."""
    heading = files.heading(source, (_PARTICIPANT, _EXCLUDED, _REASON, _SIMULATED))
    path, names = heading.path, heading.names
    for name in (_PARTICIPANT, _EXCLUDED):
        if name not in names:
            raise InputError(f"{path}: no column {name!r}{suggestion(name, filter(None, names))}")
    optional = (_REASON, _SIMULATED)
    present = [_PARTICIPANT, _EXCLUDED, *(name for name in optional if name in names)]
    places = {name: heading.position(name) for name in present}
    table = files.read(heading, places)
    table = table.assign(**{name: "" for name in optional if name not in names})
    table[_PARTICIPANT] = cleaned(table[_PARTICIPANT])
    for name in (_EXCLUDED, _SIMULATED):
        words = table[name].map(lambda word: word.strip().lower())
        refuse(table, ~words.isin(TRUE | FALSE), name, path, FLAG)
        table[name] = words.isin(TRUE)
    refuse_repeated(table, [_PARTICIPANT], path, "participant {participant!r} twice")
    unknown = votes.frame[_PARTICIPANT][~votes.frame[_PARTICIPANT].isin(table[_PARTICIPANT])]
    if len(unknown):
        raise InputError(
            f"{in_lines(votes.source, unknown.index[0])}: participant "
            f"{unknown.iloc[0]!r} is not in "
            f"{'the table of participants' if path == files.DATA_FRAME else path}"
        )
    return table


def _listed(table: pd.DataFrame) -> list[tuple[str, pd.Series]]:
    """Return the participants whom a participants.csv excludes, by reason."""
    marked = table[table[_EXCLUDED]]
    if marked.empty:
        # Said, because the column may be one that nobody has filled yet.
        return [(_MARKED, marked[_PARTICIPANT])]
    by_reason = marked.groupby(_REASON, sort=False, observed=True)
    return [(reason or "excluded", people) for reason, people in by_reason[_PARTICIPANT]]


def _by_answers(votes: Votes, rules: Rules) -> list[tuple[str, pd.Index]]:
    """Return the participants whom their answers exclude, by reason."""
    excluded = []
    limit = rules.max_failed_checks
    if limit is not None and not votes.has("check_passed"):
        raise InputError(f"{votes.source}: no column 'check_passed' to judge failed checks by")
    if limit is None and rules.participants is None:
        limit = 0
    if limit is not None and votes.has("check_passed"):
        # An unanswered validation question is not a failed one.
        failed = votes.checks[~votes.checks["check_passed"].fillna(True)]
        count = failed[_PARTICIPANT].value_counts()
        people = count.index[count > limit]
        excluded.append((f"more than {limit} failed validation questions", people))
    if rules.min_votes:
        # Of everybody, also who answered nothing but validation questions.
        count = votes.without_checks[_PARTICIPANT].value_counts()
        people = count.index[count < rules.min_votes]
        excluded.append((f"fewer than {rules.min_votes} votes", people))
    if rules.min_median_ms:
        if not votes.has("response_ms") or votes.frame["response_ms"].isna().all():
            what = "times in the column" if votes.has("response_ms") else "column"
            raise InputError(f"{votes.source}: no {what} 'response_ms' to judge speed by")
        by_person = votes.without_checks.groupby(_PARTICIPANT, observed=True)
        median = by_person["response_ms"].median()
        people = median.index[median < rules.min_median_ms]
        excluded.append((f"median answer under {rules.min_median_ms:g} ms", people))
    return excluded
