"""Recruiting platforms: the parameters that they add to the link that participants follow."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import NamedTuple


class Platform(NamedTuple):
    """Names of a platform's parameters: the id of the person, of what is paid, and others."""

    person: str
    assignment: str = ""
    others: tuple[str, ...] = ()

    @property
    def parameters(self) -> tuple[str, ...]:
        return tuple(filter(None, (self.person, self.assignment, *self.others)))


# Prolific, Amazon Mechanical Turk and CloudResearch Connect name their parameters; for Toloka, and
# any other platform, the owner writes these names into the task's link.
PLATFORMS = {
    "prolific": Platform("PROLIFIC_PID", "SESSION_ID", ("STUDY_ID",)),
    "mturk": Platform("workerId", "assignmentId", ("hitId",)),
    "cloudresearch": Platform("participantId", "assignmentId", ("projectId",)),
    "toloka": Platform("toloka_worker_id", "toloka_assignment_id", ("toloka_pool_id",)),
    "other": Platform("participant_id"),
}
_PARAMETERS = {name for platform in PLATFORMS.values() for name in platform.parameters}
# One spelling for each person, which is approved by this id: neither spaces nor letters that can be
# encoded in two ways; nor what a spreadsheet would take for a formula.
_ID = re.compile(r"[A-Za-z0-9_][\w.:@-]{0,199}", re.ASCII)
# Placeholders such as ${workerId} would make all people one participant.
_PLACEHOLDER = re.compile(r".*[][{}<>$%].*|\s*", re.DOTALL)
# What MTurk sends for people who preview a task.
_PREVIEW = "ASSIGNMENT_ID_NOT_AVAILABLE"


class Identity(NamedTuple):
    """Who a platform says a person is; `platform_session`: its other parameters, as JSON."""

    platform: str
    platform_id: str
    platform_session: str


class LinkError(ValueError):
    """A link that nobody can start from; the message names the page that says why.

    cause: what the owner has to change, without anything that the link says.
    """

    def __init__(self, page: str, cause: str = "") -> None:
        super().__init__(page)
        self.cause = cause


def platform_parameters(parameters: Mapping[str, str]) -> dict[str, str]:
    """Return the parameters of a link that are a platform's.

    Raises LinkError if one is not filled in, has other characters than ids may have or is misspelt,
    or none says who the person is.
    """
    known = {name: value for name, value in parameters.items() if name in _PARAMETERS}
    if known.get("assignmentId") == _PREVIEW:
        raise LinkError("accept_first")
    for name, value in known.items():
        if not _ID.fullmatch(value):
            if _PLACEHOLDER.fullmatch(value):
                raise LinkError("bad_link", f"{name} is not filled in")
            raise LinkError("bad_id", f"{name} is not up to 200 of A-Z a-z 0-9 _ . : @ -")
    for name in parameters.keys() - _PARAMETERS:
        if right := _SPELLINGS.get(_letters(name)):
            raise LinkError("bad_link", f"{right} is spelt in another way")
    if known and identity(known) is None:
        wanted = (each.person for each in PLATFORMS.values() if known.keys() & {*each.parameters})
        raise LinkError("bad_link", f"{min(known)} without {' or '.join(wanted)}")
    return known


def _letters(name: str) -> str:
    return re.sub(r"[^a-z]", "", name.lower())


_SPELLINGS = {_letters(name): name for name in sorted(_PARAMETERS)}


def identity(parameters: Mapping[str, str]) -> Identity | None:
    """Return who `platform_parameters` say a person is, None if they do not."""
    for name, platform in PLATFORMS.items():
        if platform.person in parameters:
            others = platform.parameters[1:]
            known = {other: parameters[other] for other in others if other in parameters}
            return Identity(name, parameters[platform.person], json.dumps(known))
    return None


def assignment(platform: str, session: str) -> str:
    """Return the id of what a platform pays, of a `platform_session`; "" if it has none."""
    known = PLATFORMS.get(platform)
    if known is None or not session:
        return ""
    return str(json.loads(session).get(known.assignment, ""))
