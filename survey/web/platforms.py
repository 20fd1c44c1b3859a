"""Recruiting platforms: what they put into the link that participants follow."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import NamedTuple


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
KNOWN = {name for platform in PLATFORMS.values() for name in (platform.worker, *platform.others)}
# Of ids. A place in the link that nobody filled in, such as ${workerId}, would make one participant
# of everybody; and these ids are opened as a table by whoever pays.
ID = re.compile(r"[A-Za-z0-9][\w.:@-]{0,199}", re.ASCII)
# What MTurk sends for those who only look at a task.
ONLY_LOOKING = "ASSIGNMENT_ID_NOT_AVAILABLE"


class Sent(NamedTuple):
    """Who a platform says it is; session: its other parameters, JSON."""

    platform: str
    platform_id: str
    session: str


class LinkError(ValueError):
    """A link that nobody can start from. The message is the name of the page that says why."""


def carried(parameters: Mapping[str, str]) -> dict[str, str]:
    """Those parameters of a link that are a platform's. Raises LinkError."""
    found = {name: value for name, value in parameters.items() if name in KNOWN}
    if found.get("assignmentId") == ONLY_LOOKING:
        raise LinkError("accept_first")
    if not all(ID.fullmatch(value) for value in found.values()):
        raise LinkError("bad_link")
    return found


def sent_by(found: Mapping[str, str]) -> Sent | None:
    """found: as `carried` returns it; None: nobody says who it is."""
    for name, platform in PLATFORMS.items():
        if platform.worker in found:
            others = {key: found[key] for key in platform.others if key in found}
            return Sent(name, found[platform.worker], json.dumps(others))
    return None
