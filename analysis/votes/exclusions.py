"""From all votes to valid votes: who is left out, why, and how many votes that costs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import polars as pl

from analysis.votes import files
from analysis.votes.files import at
from analysis.votes.votes import FALSE, TRUE, Votes, refuse, stripped
from methods.errors import InputError, suggestion

PARTICIPANT, EXCLUDED, REASON, SIMULATED = "participant", "excluded", "reason", "simulated"


@dataclass(frozen=True)
class Rules:
    """participants: a participants.csv whose `excluded` column decides, and whose `simulated` one
    tells who is no person; max_failed_checks: of
    validation questions, None: 0 unless `participants` decides; min_votes: answered pairs that a
    participant must have; min_median_ms: participants whose median answer was faster are out."""

    participants: Path | None = None
    max_failed_checks: int | None = None
    min_votes: int = 0
    min_median_ms: float = 0.0


class Step(NamedTuple):
    """participants, votes: taken out for `reason`; left_participants, left_votes: what remains.
    Votes on validation questions are not counted."""

    reason: str
    participants: int
    votes: int
    left_participants: int
    left_votes: int


def counted(people: int) -> str:
    return "1 person" if people == 1 else f"{people:,} people"


def left_out(step: Step) -> str:
    """A step in words."""
    votes = f"{step.votes:,} vote{'' if step.votes == 1 else 's'}"
    return f"{counted(step.participants)} with {votes}, {step.reason}"


def apply(votes: Votes, rules: Rules) -> tuple[Votes, list[Step]]:
    """Votes of those who stay, and the flow from all to valid votes, whose first step takes nobody
    out. Raises InputError, also when nobody stays."""
    steps = [_step("all", votes, votes)]
    if not votes.has(PARTICIPANT):
        if rules != Rules():
            raise InputError(
                f"{votes.source}: no column 'participant', so that nobody can be left out"
            )
        return votes, steps
    out = []
    if rules.participants:
        table = _participants(votes, rules.participants)
        out = _listed(table)
        made_up = table.filter(pl.col(SIMULATED))[PARTICIPANT].cast(pl.String)
        votes = replace(votes, made_up=frozenset(made_up))
    most = rules.max_failed_checks
    if most is None and not rules.participants:
        most = 0
    if rules.max_failed_checks is not None and not votes.has("check_passed"):
        raise InputError(f"{votes.source}: no column 'check_passed' to judge failed checks by")
    if most is not None and votes.has("check_passed"):
        out.append((f"more than {most} failed validation questions", _failed(votes, most)))
    if rules.min_votes:
        out.append((f"fewer than {rules.min_votes} votes", _few(votes, rules.min_votes)))
    if rules.min_median_ms:
        out.append((f"median answer under {rules.min_median_ms:g} ms", _fast(votes, rules)))
    for reason, people in out:
        left = votes.replaced(votes.frame.filter(~pl.col(PARTICIPANT).is_in(people.implode())))
        steps.append(_step(reason, votes, left))
        votes = left
    if votes.asked.is_empty():
        raise InputError(
            f"{votes.source}: every vote is excluded ("
            + "; ".join(
                f"{s.reason}: {counted(s.participants)}" for s in steps[1:] if s.participants
            )
            + ")"
        )
    return votes, steps


def _step(reason: str, before: Votes, after: Votes) -> Step:
    people = [votes.frame[PARTICIPANT].n_unique() if votes.has(PARTICIPANT) else 0
              for votes in (before, after)]  # fmt: skip
    count = [len(votes.asked) for votes in (before, after)]
    return Step(reason, people[0] - people[1], count[0] - count[1], people[1], count[1])


def _participants(votes: Votes, path: Path) -> pl.DataFrame:
    """A participants.csv: everybody's name, reason, and whether excluded or simulated."""
    names = files.columns(path)
    for name in (PARTICIPANT, EXCLUDED):
        if name not in names:
            raise InputError(f"{path}: no column {name!r}{suggestion(name, names)}")
    wanted = [name for name in (PARTICIPANT, EXCLUDED, REASON, SIMULATED) if name in names]
    table = files.read(path, wanted, [PARTICIPANT])
    absent = [name for name in (REASON, SIMULATED) if name not in names]
    table = table.with_columns(pl.lit("").alias(name) for name in absent)
    table = table.with_columns(stripped(table[PARTICIPANT]))
    for name in (EXCLUDED, SIMULATED):
        flags = table[name].str.strip_chars().str.to_lowercase()
        refuse(table, pl.lit(~flags.is_in([*TRUE, *FALSE])), name, path)
        table = table.with_columns(flags.is_in(list(TRUE)).alias(name))
    twice = table.filter(pl.col(PARTICIPANT).is_duplicated())
    if not twice.is_empty():
        name = twice[PARTICIPANT][0]
        lines = twice.filter(pl.col(PARTICIPANT) == name)["line"]
        raise InputError(f"{at(path, *lines[:2])}: participant {name!r} twice; keep one")
    unknown = votes.frame.join(table, on=PARTICIPANT, how="anti")
    if not unknown.is_empty():
        raise InputError(
            f"{at(votes.source, unknown['line'][0])}: participant {unknown[PARTICIPANT][0]!r} is "
            f"not in {path}"
        )
    return table


def _listed(table: pl.DataFrame) -> list[tuple[str, pl.Series]]:
    """Those whom a participants.csv excludes, by its reasons."""
    excluded = table.filter(pl.col(EXCLUDED))
    reasons = excluded[REASON].unique(maintain_order=True)
    return [
        (reason or "excluded", excluded.filter(pl.col(REASON) == reason)[PARTICIPANT])
        for reason in reasons
    ]


def _failed(votes: Votes, most: int) -> pl.Series:
    """An unanswered validation question is not a failed one."""
    failed = votes.checks.filter(~pl.col("check_passed").fill_null(True))
    return failed.group_by(PARTICIPANT).len().filter(pl.col("len") > most)[PARTICIPANT]


def _few(votes: Votes, least: int) -> pl.Series:
    enough = votes.asked.group_by(PARTICIPANT).len().filter(pl.col("len") >= least)
    return votes.frame.join(enough, on=PARTICIPANT, how="anti")[PARTICIPANT].unique()


def _fast(votes: Votes, rules: Rules) -> pl.Series:
    if not votes.has("response_ms"):
        raise InputError(f"{votes.source}: no column 'response_ms' to judge speed by")
    median = votes.asked.group_by(PARTICIPANT).agg(pl.col("response_ms").median())
    return median.filter(pl.col("response_ms") < rules.min_median_ms)[PARTICIPANT]
