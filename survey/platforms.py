"""Recruiting platforms: what they put into the link that participants follow."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NamedTuple

# Longer values are no platform's.
LONGEST = 200


class Platform(NamedTuple):
    """worker: the parameter that tells who comes; others: worth keeping, for payment."""

    worker: str
    others: tuple[str, ...]


# Prolific and Amazon Mechanical Turk name their parameters; for Toloka, and any other platform,
# the task's link is written with these.
PLATFORMS = {
    "prolific": Platform("PROLIFIC_PID", ("STUDY_ID", "SESSION_ID")),
    "mturk": Platform("workerId", ("assignmentId", "hitId")),
    "toloka": Platform("toloka_worker_id", ("toloka_assignment_id", "toloka_pool_id")),
    "other": Platform("participant_id", ()),
}
# What MTurk shows to those who only look at a task.
ONLY_LOOKING = "ASSIGNMENT_ID_NOT_AVAILABLE"


class Sent(NamedTuple):
    """Who a platform says it is; session: its other parameters, JSON."""

    platform: str
    platform_id: str
    session: str


def carried(parameters: Mapping[str, str]) -> dict[str, str]:
    """Those parameters of a link that are a platform's."""
    known = {
        name for platform in PLATFORMS.values() for name in (platform.worker, *platform.others)
    }
    return {
        name: value
        for name, value in parameters.items()
        if name in known and 0 < len(value) <= LONGEST and value.isprintable()
    }


def sent_by(parameters: Mapping[str, str]) -> Sent | None:
    found = carried(parameters)
    if found.get("assignmentId") == ONLY_LOOKING:
        return None
    for name, platform in PLATFORMS.items():
        if platform.worker in found:
            others = {key: found[key] for key in platform.others if key in found}
            return Sent(name, found[platform.worker], json.dumps(others))
    return None
