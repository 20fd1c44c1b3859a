"""Recruiting platforms: the parameters that they add to the link that participants follow."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import NamedTuple

# Parameters by platform: the id of the person first, then others worth storing for payment.
# Prolific and Amazon Mechanical Turk name their parameters; for Toloka, and any other platform,
# the owner writes these names into the task's link.
_PLATFORMS = {
    "prolific": ("PROLIFIC_PID", "STUDY_ID", "SESSION_ID"),
    "mturk": ("workerId", "assignmentId", "hitId"),
    "toloka": ("toloka_worker_id", "toloka_assignment_id", "toloka_pool_id"),
    "other": ("participant_id",),
}
_PARAMETERS = {name for names in _PLATFORMS.values() for name in names}
# Rejects placeholders that were not filled in, such as ${workerId}, which would make all people
# one participant, and ids that a spreadsheet would take for a formula.
_ID = re.compile(r"[A-Za-z0-9][\w.:@-]{0,199}", re.ASCII)
# What MTurk sends for people who preview a task.
_PREVIEW = "ASSIGNMENT_ID_NOT_AVAILABLE"


class Identity(NamedTuple):
    """Who a platform says a person is; `platform_session`: its other parameters, as JSON."""

    platform: str
    platform_id: str
    platform_session: str


class LinkError(ValueError):
    """A link that nobody can start from; the message names the page that says why."""


def platform_parameters(parameters: Mapping[str, str]) -> dict[str, str]:
    """Return the parameters of a link that are a platform's; raise LinkError if one is invalid."""
    known = {name: value for name, value in parameters.items() if name in _PARAMETERS}
    if known.get("assignmentId") == _PREVIEW:
        raise LinkError("accept_first")
    if not all(_ID.fullmatch(value) for value in known.values()):
        raise LinkError("bad_link")
    return known


def identity(parameters: Mapping[str, str]) -> Identity | None:
    """Return who `platform_parameters` say a person is, None if they do not."""
    for platform, (person, *others) in _PLATFORMS.items():
        if person in parameters:
            known = {name: parameters[name] for name in others if name in parameters}
            return Identity(platform, parameters[person], json.dumps(known))
    return None
