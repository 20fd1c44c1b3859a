"""The numbers of the owner's page, also as text for a terminal."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from methods.shown_text import counted
from survey.results import live_ranking, participants, validity
from survey.results.participants import Participant
from survey.storage import arrivals, database, store
from survey.storage.open_study import OpenStudy, open_study
from survey.storage.schema import now_ms
from survey.study import texts

_HOUR_MS = 3_600_000
_HOURS = 24


def board(study: OpenStudy, language: str = "") -> dict[str, Any]:
    """Return everything that the owner's page shows, by name.

    The ranking's note and why people are excluded are in the language, by default the study's.
    """
    language = language or study.config.language
    words = texts.load(language)["ranking_note"]
    with database.reading(study.engine) as connection:
        everybody = list(participants.evaluate(connection, study.config))
        refused_links = arrivals.read_refused(connection)
        state, now = store.study_row(connection).state, now_ms(connection)
    valid = [participant for participant in everybody if participant.valid]
    methods = live_ranking.methods_with_votes(valid, study.config.design.methods)
    valid_votes = live_ranking.votes_by_participant(valid, methods)
    ranking, note = live_ranking.ranking(valid_votes, methods, words)
    votes = [vote for participant in everybody for vote in participant.votes]
    decided = [vote.choice for vote in votes if vote.choice != "tie"]
    excluded = [
        validity.exclusion_reason(
            one.statistics, one.status == participants.FINISHED, study.config.exclusion, language
        )
        for one in everybody
        if _is_excluded(one)
    ]
    return {
        "state": state,
        "simulated": any(participant.simulated for participant in everybody),
        "people": _people(everybody),
        "times_disagree": sum(one.statistics.times_disagree > 0 for one in everybody),
        "refused_links": refused_links,
        "reasons": Counter(excluded).most_common(),
        "votes": {
            "all": len(votes),
            "valid": sum(participant.statistics.answered for participant in valid),
            "target": study.config.design.target_votes,
        },
        "median_ms": median(vote.response_ms for vote in votes) if votes else None,
        "ranking": ranking,
        "ranking_note": note,
        "pairs": {"methods": methods, "rows": live_ranking.votes_of_pairs(valid_votes)},
        "images": _images([vote for participant in valid for vote in participant.votes]),
        "sides": decided.count("left") / len(decided) if decided else None,
        "per_hour": _per_hour(votes, now),
        "updated": f"{datetime.fromtimestamp(now / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC",
    }


def _is_excluded(participant: Participant) -> bool:
    has_ended = participant.status in {participants.FINISHED, participants.ABANDONED}
    return has_ended and not participant.valid


def _people(everybody: Sequence[Participant]) -> dict[str, int]:
    statuses = Counter(participant.status for participant in everybody)
    return {
        "started": len(everybody),
        **{status: statuses[status] for status in participants.STATUSES},
        "excluded": sum(map(_is_excluded, everybody)),
        "valid": sum(participant.valid for participant in everybody),
    }


def _images(votes: Sequence[Any]) -> list[tuple[str, int, float]]:
    """Return number and median time of votes on each image."""
    times: dict[str, list[int]] = defaultdict(list)
    for vote in votes:
        times[vote.image].append(vote.response_ms)
    return [(image, len(of_image), median(of_image)) for image, of_image in sorted(times.items())]


def _per_hour(votes: Sequence[Any], now: int) -> list[tuple[str, int]]:
    """Return the votes in each hour of the last day, oldest first."""
    current = now // _HOUR_MS
    counts = Counter(vote.answered_at // _HOUR_MS for vote in votes)
    return [
        (f"{datetime.fromtimestamp(hour * _HOUR_MS / 1000, UTC):%H:00}", counts[hour])
        for hour in range(current - _HOURS + 1, current + 1)
    ]


def as_text(folder: Path) -> str:
    """Describe the state of a study, for a terminal."""
    study = open_study(folder)
    with database.errors_as_input(str(folder)):
        numbers = board(study, "en")
    study.engine.dispose()
    people, votes = numbers["people"], numbers["votes"]
    target = f" of {votes['target']:,} wanted" if votes["target"] else ""
    lines = [
        f"{folder}: {numbers['state']}{', simulated' if numbers['simulated'] else ''}",
        "people: " + ", ".join(f"{number:,} {name}" for name, number in people.items()),
        *(f"  excluded: {number:,} {reason}" for reason, number in numbers["reasons"]),
        *(
            f"  link followed {counted(n, 'time')} that nobody can start from: {cause}"
            for cause, n in numbers["refused_links"]
        ),
    ]
    if slow := numbers["times_disagree"]:
        lines.append(f"  {slow:,} with answers that took longer by the browser than by the server")
    lines.append(f"votes: {votes['all']:,}, valid {votes['valid']:,}{target}")
    if numbers["median_ms"] is not None:
        lines.append(f"median answer: {numbers['median_ms'] / 1000:.1f} s")
    if numbers["sides"] is not None:
        lines.append(f"left side chosen: {100 * numbers['sides']:.1f} %")
    width = max((len(row["method"]) for row in numbers["ranking"]), default=0)
    ranking = (
        f"{row['rank']:3d}  {row['method']:{width}s}  {row['ability']:7.3f}  {_interval(row)}"
        for row in numbers["ranking"]
    )
    return "\n".join([*lines, "", *ranking, numbers["ranking_note"]]) + "\n"


def _interval(row: dict[str, Any]) -> str:
    if row["ci_low"] is None:
        return "-"
    return f"({row['ci_low']:.3f} to {row['ci_high']:.3f})"
