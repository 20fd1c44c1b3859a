"""Votes of pairwise comparisons, from a CSV or Parquet file of this suite or of another platform.

docs/analysis.md describes the columns. Every row is read, or refused with its line number.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.bradley_terry import VoteArrays
from analysis.votes import columns, files, orders
from analysis.votes.answers import LEFT, LONGEST_QUOTE, RIGHT, choices, preferred, without_rows
from analysis.votes.columns import WORDS
from analysis.votes.files import Source, alike, in_lines, in_more_lines, numbered, valued
from analysis.votes.headings import without_headings
from analysis.votes.names import cleaned, one_line
from methods.errors import InputError

# Some programs turn whole numbers into floats in columns with missing values.
TRUE = {"1", "1.0", "true", "yes", "t", "y"}
FALSE = {"0", "0.0", "false", "no", "f", "n", ""}
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
# Whole numbers up to here are exact in double precision.
_MOST_VOTES = 2**53
# What a column needs, for error messages.
FLAG = "1 or 0, true or false, yes or no"
_POSITIVE = "a number, not below 0, with a point for decimals"


@dataclass(frozen=True)
class Reading:
    """How to understand a file of another platform."""

    columns: Mapping[str, str] = field(default_factory=dict)  # our name of a column -> the file's
    answers: Mapping[str, str] = field(default_factory=dict)  # its word -> left, right or tie
    separator: str | None = None  # of its columns; None: found from its heading and rows


@dataclass(frozen=True)
class Votes:
    """Votes of one file."""

    # A row for each answered question, by its line (see `files.read`): `left`, `right`, `choice`
    # (left, right, tie), `weight`, and the other columns of docs/analysis.md that the file has.
    frame: pd.DataFrame
    sided: bool  # False if the file has `winner` and `loser`, so that sides are unknown
    source: Path
    unused: tuple[str, ...] = ()  # columns of the file that are not read
    headings: tuple[int, ...] = ()  # lines that are no votes, but headings again
    unused_answers: tuple[str, ...] = ()  # words of `Reading.answers` that no row has
    simulated: frozenset[str] = frozenset()  # participants known to be, whatever their names
    # Among several methods, `frame` has, instead of `left`, `right` and `choice`, the lists
    # `ranked`: the chosen method before the others, or all, best first.
    form: Literal["pairs", "choices", "orders"] = "pairs"

    def has(self, column: str) -> bool:
        """Return whether the file has a column."""
        return column in self.frame

    @property
    def without_checks(self) -> pd.DataFrame:
        """The rows that are not validation questions."""
        return self.frame[~self.frame["is_check"]] if self.has("is_check") else self.frame

    @property
    def checks(self) -> pd.DataFrame:
        """The validation questions."""
        return self.frame[self.frame["is_check"]] if self.has("is_check") else self.frame[:0]


def read(source: Source, reading: Reading | None = None) -> Votes:
    """Read a votes file, or a table of Python as if it were one.

    Raises InputError if it cannot be used; the message names the first such line.
    """
    reading = reading or Reading()
    heading = files.heading(source, columns.expected(reading.columns), reading.separator)
    path = heading.path
    places = columns.positions(heading, reading.columns)
    frame = files.read(heading, places)
    named = {ours: heading.names[place] for ours, place in places.items()}
    frame, headings = without_headings(frame, named)
    if frame.empty:
        raise InputError(f"{path}: no votes in it, only a header")
    frame = frame.assign(**{name: cleaned(frame[name]) for name in WORDS if name in places})
    unused_answers = without_rows(reading.answers, frame.get("choice"))
    form = _form(places)
    sided = "choice" in places
    if form != "pairs":
        if reading.answers:
            raise InputError(f"{path}: --answer is for left, right and choice, not for {form}")
        frame = orders.ranked(frame, path)
        if frame["ranked"].str.len().max() == 2:
            form, frame = "pairs", orders.as_pairs(frame)
    elif sided:
        sides = {named[side]: side for side in (LEFT, RIGHT)}
        frame = frame.assign(choice=choices(frame, path, reading.answers, sides))
    else:
        frame = preferred(frame.rename(columns={"winner": LEFT, "loser": RIGHT}))
    frame = _typed(frame, path)
    _check(frame, path, columns.platform_hint(heading))
    read_names = set(named.values())
    unused = dict.fromkeys(one_line(name) for name in heading.names if name not in read_names)
    unused_names = tuple(name for name in unused if name not in ("", "answered_at"))
    return Votes(frame, sided, path, unused_names, headings, unused_answers, form=form)


def _form(places: Mapping[str, int]) -> Literal["pairs", "choices", "orders"]:
    if columns.ORDER in places:
        return "orders"
    return "choices" if columns.CHOSEN in places else "pairs"


def vote_arrays(
    votes: Votes, cluster_by: Literal["participant", "vote", "image", "group"]
) -> tuple[VoteArrays, list[str]]:
    """Return votes without validation questions as arrays, and the names of the methods.

    Raises InputError if there are no votes, all weights are 0, or votes are no pairs.
    """
    need_pairs(votes)
    frame = counted(votes)
    both, methods = numbered(pd.concat(alike(frame["left"], frame["right"])))
    return VoteArrays(
        both[: len(frame)],
        both[len(frame) :],
        frame["choice"].cat.codes.to_numpy(np.int8),
        frame["weight"].to_numpy(),
        None if cluster_by == "vote" else numbered(frame[cluster_by])[0],
        len(methods),
    ), methods


def need_pairs(votes: Votes) -> None:
    """Raise InputError if votes are among several methods."""
    if votes.form != "pairs":
        raise InputError(
            f"{votes.source}: {votes.form} among several methods; this needs votes between two"
        )


def counted(votes: Votes) -> pd.DataFrame:
    """Return votes without validation questions; raise InputError if they weigh nothing."""
    frame = votes.without_checks
    if frame.empty:
        raise InputError(f"{votes.source}: no votes are left")
    if not frame["weight"].sum():
        raise InputError(f"{votes.source}: no votes, every weight is 0")
    if frame["weight"].sum() > _MOST_VOTES:
        raise InputError(
            f"{votes.source}: weights sum to more than 2^53 = {_MOST_VOTES:.1e} votes, beyond "
            "which one vote more or less is rounded away; divide them all by a number"
        )
    return frame


def _typed(frame: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Convert flags and numbers."""
    types = {
        "is_check": _flags,
        "check_passed": _flags,
        "response_ms": _numbers,
        "weight": _numbers,
    }
    for name, convert in types.items():
        if name in frame:
            frame[name] = convert(frame, name, path)
    if "weight" not in frame:
        return frame.assign(weight=1.0)
    refuse(frame, frame["weight"].isna(), "weight", path, _POSITIVE)
    return frame


def _flags(frame: pd.DataFrame, name: str, path: Path) -> pd.api.extensions.ExtensionArray:
    """Return True, False, or NA where `check_passed` does not apply."""
    known = valued(frame[name], lambda word: word.lower() in TRUE | FALSE, bool)
    refuse(frame, ~known, name, path, FLAG)
    flags = valued(frame[name], lambda word: word.lower() in TRUE, bool)
    empty = (frame[name] == "") & (name == "check_passed")
    return pd.arrays.BooleanArray(flags, empty.to_numpy())


def _numbers(frame: pd.DataFrame, name: str, path: Path) -> NDArray[np.float64]:
    """Return numbers, NaN where there is none."""
    numbers = valued(frame[name], _number, float)
    refuse(frame, np.isinf(numbers) | (numbers < 0), name, path, _POSITIVE)
    return numbers


def _number(text: str) -> float:
    """Return infinity for what is no number."""
    text = text.strip()
    return float(text) if _NUMBER.fullmatch(text) else np.inf if text else np.nan


def refuse(frame: pd.DataFrame, wrong: Any, name: str, path: Path, needed: str) -> None:
    """Raise InputError if a value of column `name` is wrong, with the first one and its line."""
    _refuse_rows(frame[wrong], path, f"{name} {{{name}!r}} cannot be used", f"; write {needed}")


def _refuse_rows(rows: pd.DataFrame, path: Path, reason: str, hint: str = "") -> None:
    """Raise InputError if there are rows; `reason` has names of columns of the first in braces."""
    if len(rows):
        row = rows.iloc[0].astype(object)
        row = row.where(row.notna(), "").map(lambda value: str(value)[:LONGEST_QUOTE])
        many = in_more_lines(path, len(rows))
        raise InputError(f"{in_lines(path, rows.index[0])}: {reason.format(**row)}{many}{hint}")


def refuse_repeated(frame: pd.DataFrame, key: list[str], path: Path, reason: str) -> None:
    """Raise InputError if two rows have the same key; `reason` has its columns in braces."""
    repeated = frame[frame.duplicated(key, keep=False)]
    if len(repeated):
        row = repeated.iloc[0][key]
        lines = repeated.index[(repeated[key] == row).all(axis=1)]
        raise InputError(f"{in_lines(path, *lines[:2])}: {reason.format(**row)}; keep one")


def _check(frame: pd.DataFrame, path: Path, hint: str) -> None:
    """Check names, and columns against each other; `hint` is the remedy for an empty name."""
    for name, what in (("left", "method"), ("right", "method"), ("participant", "participant")):
        if name in frame:
            _refuse_rows(frame[frame[name] == ""], path, f"no {what} in {name!r}", hint)
    if "check_passed" in frame and "is_check" not in frame:
        _refuse_rows(
            frame[frame["check_passed"].notna()],
            path,
            "a validation question by 'check_passed', but there is no column 'is_check'; --column "
            "is_check=NAME names it",
        )
    if "left" in frame:
        left, right = alike(frame["left"], frame["right"])
        _refuse_rows(frame[left == right], path, "{left!r} against itself")
    if "participant" in frame and "question" in frame:
        reason = "participant {participant!r} answered question {question!r} twice"
        refuse_repeated(frame, ["participant", "question"], path, reason)
