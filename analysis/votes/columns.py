"""Which columns of a votes file are read: by their names, by other platforms' names, by options."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import NamedTuple

from analysis.votes.answers import LEFT, RIGHT
from analysis.votes.files import Heading
from analysis.votes.layout import SEPARATORS
from analysis.votes.names import composed, one_line
from methods.errors import InputError, closest, suggestion

_WITH_SIDES, _WITHOUT_SIDES = (LEFT, RIGHT, "choice"), ("winner", "loser")
# Columns of names and words, which are compared in one spelling.
WORDS = (
    *_WITH_SIDES, *_WITHOUT_SIDES, "participant", "image", "group", "is_check", "check_passed",
)  # fmt: skip
_READ = (*WORDS, "question", "response_ms", "weight")
KNOWN = (*_READ, "answered_at")
# Votes among several methods; a file of pairs may have columns of these names, which are not read.
ORDER, CHOSEN, _OTHERS = "order", "chosen", "others"
_ANY_OTHERS = re.compile(r"others?[ _-]?\d*")
# Columns of others by which a separator is recognised.
_MOST_OTHERS = 9
# Names of the sides in votes of the Chatbot Arena.
_ARENA = {LEFT: "model_a", RIGHT: "model_b"}
# What others call the column `participant`.
_PEOPLE = ("annotator", "judge", "observer", "rater", "subject", "user", "worker")


class _Platform(NamedTuple):
    name: str
    names: tuple[str, ...]  # columns by which its exports are recognised
    remedy: str


_PLATFORMS = (
    _Platform(
        "Amazon Mechanical Turk",
        ("HITId", "AssignmentId", "WorkerId"),
        "delete the rows whose AssignmentStatus is Rejected, then --column left=Input.NAME "
        "--column right=Input.NAME --column choice=Answer.NAME --column participant=WorkerId",
    ),
    _Platform(
        "Qualtrics",
        ("StartDate", "RecordedDate", "ResponseId"),
        "if it has a row for each person, write a row for each answer: ResponseId as participant, "
        "image, left, right, choice",
    ),
    _Platform(
        "QuickEval",
        ("left image", "right image", "selected image"),
        "--column 'left=left image' --column 'right=right image' --column 'choice=selected image' "
        "--column participant=observer",
    ),
    _Platform(
        "jsPsych",
        ("trial_type", "trial_index", "time_elapsed"),
        "keep only the rows of comparisons, with the methods of both sides in columns (from `data` "
        "of the trials), then --column left=NAME --column right=NAME --column choice=response "
        "--answer 0=left --answer 1=right",
    ),
)


def expected(columns: Mapping[str, str]) -> set[str]:
    """Return the names of columns that a votes file may have, given the options `--column`."""
    platforms = (name for platform in _PLATFORMS for name in platform.names)
    several = (ORDER, CHOSEN, "other", _OTHERS, *(f"other{i + 1}" for i in range(_MOST_OTHERS)))
    return {*KNOWN, *several, *_ARENA.values(), *platforms, *map(composed, columns.values())}


def is_others(name: str) -> bool:
    """Return whether a column of this name holds methods that were not chosen."""
    return _ANY_OTHERS.fullmatch(name) is not None


def positions(heading: Heading, columns: Mapping[str, str]) -> dict[str, int]:
    """Return where in the file each column is that is read, by our names.

    Raises InputError if a column that is needed is missing, or several have its name.

    Parameters
    ----------
    columns
        Our name of a column, and the file's: as in the heading, its first line, or its number.
    """
    for ours in columns:
        if ours not in (*KNOWN, ORDER, CHOSEN) and not is_others(ours):
            known = ", ".join((*KNOWN, CHOSEN, _OTHERS, ORDER))
            raise InputError(f"--column {ours}=...: not one of {known}")
    places: dict[str, int | str] = {
        ours: _given(heading, theirs, ours) for ours, theirs in columns.items()
    }
    free = {name for i, name in enumerate(heading.names) if i not in places.values()}
    if not free.isdisjoint(_ARENA.values()) and not {LEFT, RIGHT} & {*free, *places}:
        places |= {side: name for side, name in _ARENA.items() if name in free}
    places = {**{name: name for name in _READ if name in free}, **places}
    if {LEFT, RIGHT, "winner"} <= places.keys() and not {"choice", "loser"} & places.keys():
        places["choice"] = places.pop("winner")
    unread: tuple[str, ...] = (*_WITH_SIDES, *_WITHOUT_SIDES)
    several = _several(heading, columns, places)
    if not several:
        sided = set(_WITH_SIDES) <= places.keys() or not set(_WITHOUT_SIDES) & places.keys()
        needed, unread = (_WITH_SIDES, _WITHOUT_SIDES) if sided else (_WITHOUT_SIDES, _WITH_SIDES)
        for name in needed:
            if name not in places:
                raise InputError(_missing(heading, name))
    return several | {
        ours: place if isinstance(place, int) else _own(heading, place, ours)
        for ours, place in places.items()
        if ours in _READ and ours not in unread
    }


def _several(
    heading: Heading, columns: Mapping[str, str], places: Mapping[str, int | str]
) -> dict[str, int]:
    """Return where votes among several methods are; empty if the file has pairs, or neither.

    Pairs go first unless an option names one of these columns.
    """
    named = {ours: places[ours] for ours in columns if ours in places}
    asked = any(ours in (ORDER, CHOSEN) for ours in columns)
    pairs = set(_WITH_SIDES) <= places.keys() or set(_WITHOUT_SIDES) <= places.keys()
    if pairs and not asked:
        return {}
    taken = {place for place in places.values() if isinstance(place, int)}
    others = [int(place) for ours, place in named.items() if is_others(ours)] or [
        i for i, name in enumerate(heading.names) if is_others(name) and i not in taken
    ]
    for ours in (CHOSEN, ORDER):
        place = named.get(ours)
        if place is None and ours in heading.names and not (asked and ours not in columns):
            place = _own(heading, ours, ours)
        if place is None or (ours == CHOSEN and not others):
            continue
        columns_of_others = {f"{_OTHERS}{i}": other for i, other in enumerate(others, 1)}
        return {ours: int(place), **(columns_of_others if ours == CHOSEN else {})}
    return {}


def platform_hint(heading: Heading) -> str:
    """Return the end of an error message about a file of a platform that is recognised."""
    for platform in _PLATFORMS:
        if set(platform.names) <= set(heading.names):
            return f"; it looks like an export of {platform.name}: {platform.remedy}"
    return ""


def meant(name: str, missing: Collection[str]) -> str:
    """Return which of the missing columns one that is not read may be, "" if none."""
    if name.lower() in _PEOPLE and "participant" in missing:
        return "participant"
    return closest(name, missing, 0.8)


def _own(heading: Heading, name: str, ours: str) -> int:
    return heading.position(name, f"--column {ours}=NUMBER names one by its number")


def _given(heading: Heading, theirs: str, ours: str) -> int:
    """Return the position of the column that an option names."""
    name = composed(theirs)
    if name in heading.names:
        return _own(heading, name, ours)
    wanted = one_line(name)
    for same in (one_line, _first_line):
        alike = [i for i, each in enumerate(heading.names) if each and same(each) == wanted]
        if len(alike) > 1:
            numbers = ", ".join(str(i + 1) for i in alike)
            raise InputError(
                f"{heading.path}: {wanted!r} may be each of the columns {numbers}; --column "
                f"{ours}=NUMBER names one"
            )
        if alike:
            return alike[0]
    if name.isdecimal() and 1 <= int(name) <= len(heading.names):
        return int(name) - 1
    raise InputError(f"{heading.path}: no column {wanted!r}{_suggestion(heading, wanted)}")


def _first_line(name: str) -> str:
    return one_line(name.splitlines()[0])


def _missing(heading: Heading, name: str) -> str:
    hint = platform_hint(heading)
    if heading.layout and len(heading.names) == 1:
        separator = SEPARATORS.get(heading.layout.separator, heading.layout.separator)
        hint = f": the heading has one column, separated by {separator}; --separator names another"
    if not hint:
        of_pairs = {*_WITH_SIDES, *_WITHOUT_SIDES} & set(heading.names)
        several = "" if of_pairs else ", or chosen and others, or order"
        spelt = {one_line(each).lower(): one_line(each) for each in heading.names if each}
        for ours in (CHOSEN, ORDER):
            if several and ours in spelt and ours not in heading.names:
                several += f" (--column {ours}={spelt[ours]} reads it)"
        hint = (
            f"{_suggestion(heading, name)}; needed are left, right and choice (or winner), or "
            f"winner and loser{several}; --column {name}=NAME names another one, by its heading "
            "or number"
        )
    return f"{heading.path}: no column {name!r}{hint}"


def _suggestion(heading: Heading, name: str) -> str:
    return suggestion(name, [one_line(each) for each in heading.names if each])
