"""TODO."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from statistics import median
from typing import Any

from survey.results import live, people
from survey.results.people import Judged
from survey.storage import database, store
from survey.storage.clock import now_ms
from survey.storage.opened import Opened

HOUR_MS = 3_600_000
HOURS = 24


def board(found: Opened) -> dict[str, Any]:
    """Everything that the dashboard shows."""
    with database.reading(found.engine) as connection:
        everybody = people.judged(connection, found.study)
        current, now = store.state(connection), now_ms(connection)
    valid = [one for one in everybody if one.valid]
    methods = live.compared(valid, found.study.design.methods)
    rows, note = live.ranking(valid, methods)
    asked = [row for one in everybody for row in one.answers if not row.is_check]
    decided = [row.choice for row in asked if row.choice != "tie"]
    return {
        "state": current,
        "simulated": any(one.simulated for one in everybody),
        "people": _people(everybody),
        "reasons": Counter(one.reason for one in everybody if _is_out(one)).most_common(),
        "votes": {
            "all": len(asked),
            "valid": sum(one.facts.answered for one in valid),
            "target": found.study.design.target_votes,
        },
        "median_ms": median(row.response_ms for row in asked) if asked else None,
        "ranking": [row._asdict() for row in rows],
        "ranking_note": note,
        "pairs": {"methods": methods, "rows": live.times_of_pairs(valid, methods)},
        "images": _images(asked),
        "sides": decided.count("left") / len(decided) if decided else None,
        "per_hour": _per_hour(asked, now),
        "updated": f"{datetime.fromtimestamp(now / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC",
    }


def _people(everybody: Sequence[Judged]) -> dict[str, int]:
    """excluded: of those who finished or left."""
    statuses = Counter(one.status for one in everybody)
    return {
        "started": len(everybody),
        **{name: statuses[name] for name in (people.ACTIVE, people.FINISHED)},
        **{name: statuses[name] for name in (people.ABANDONED, people.WITHDRAWN)},
        "excluded": sum(map(_is_out, everybody)),
        "valid": sum(one.valid for one in everybody),
    }


def _is_out(one: Judged) -> bool:
    return not one.valid and one.status in {people.FINISHED, people.ABANDONED}


def _images(asked: Sequence[Any]) -> list[tuple[str, int, float | None]]:
    times: dict[str, list[int]] = defaultdict(list)
    for row in asked:
        times[row.image].append(row.response_ms)
    return [(image, len(found), median(found)) for image, found in sorted(times.items())]


def _per_hour(asked: Sequence[Any], now: int) -> list[tuple[str, int]]:
    """The last day, oldest hour first."""
    current = now // HOUR_MS
    counted = Counter(row.answered_at // HOUR_MS for row in asked)
    return [
        (f"{datetime.fromtimestamp(hour * HOUR_MS / 1000, UTC):%H:00}", counted[hour])
        for hour in range(current - HOURS + 1, current + 1)
    ]
