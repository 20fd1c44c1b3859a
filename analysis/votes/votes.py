"""Votes of pairwise comparisons, from a CSV or Parquet file of this suite or of another platform.

docs/analysis.md describes the columns. Every row is read, or refused with its line number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl

from analysis.bradley_terry import VoteArrays
from analysis.votes import columns, files, orders
from analysis.votes.answers import CHOICE, LEFT, LONGEST_QUOTE, RIGHT, choices
from analysis.votes.columns import REPEATED
from analysis.votes.files import Source, in_lines, in_more_lines, numbered
from analysis.votes.names import cleaned, one_line
from methods.errors import InputError

# Some programs turn whole numbers into floats in columns with missing values.
TRUE = {"1", "1.0", "true", "yes", "t", "y"}
FALSE = {"0", "0.0", "false", "no", "f", "n", ""}
# Whole numbers up to here are exact in double precision.
_MOST_VOTES = 2**53


@dataclass(frozen=True)
class Reading:
    """How to understand a file of another platform."""

    columns: Mapping[str, str] = field(default_factory=dict)  # our name of a column -> the file's
    answers: Mapping[str, str] = field(default_factory=dict)  # its word -> left, right or tie
    separator: str | None = None  # of its columns; None: found from its heading and rows


@dataclass(frozen=True)
class Votes:
    """Votes of one file."""

    # A row for each answered question: `line` (see `files.read`), `left`, `right`, `choice` (left,
    # right, tie), `weight`, and the other columns of docs/analysis.md that the file has.
    frame: pl.DataFrame
    sided: bool  # False if the file has `winner` and `loser`, so that sides are unknown
    source: Path
    unused: tuple[str, ...] = ()  # columns of the file that are not read
    simulated: frozenset[str] = frozenset()  # participants known to be, whatever their names
    # Among several methods, `frame` has, instead of `left`, `right` and `choice`, the lists
    # `ranked`: the chosen method before the others, or all, best first.
    form: Literal["pairs", "choices", "orders"] = "pairs"

    def has(self, column: str) -> bool:
        """Return whether the file has a column."""
        return column in self.frame.columns

    @property
    def without_checks(self) -> pl.DataFrame:
        """The rows that are not validation questions."""
        return self.frame.filter(~pl.col("is_check")) if self.has("is_check") else self.frame

    @property
    def checks(self) -> pl.DataFrame:
        """The validation questions."""
        if not self.has("is_check"):
            return self.frame.clear()
        return self.frame.filter(pl.col("is_check"))


def read(source: Source, reading: Reading | None = None) -> Votes:
    """Read a votes file, or a table of Python as if it were one.

    Raises
    ------
    InputError
        If it cannot be used; the message names the first such line.
    """
    reading = reading or Reading()
    heading = files.heading(source, columns.expected(reading.columns), reading.separator)
    path = heading.path
    places = columns.positions(heading, reading.columns)
    frame = files.read(heading, places, REPEATED)
    if frame.is_empty():
        raise InputError(f"{path}: no votes in it, only a header")
    frame = frame.with_columns(cleaned(frame[name]) for name in REPEATED if name in places)
    form = _form(places)
    sided = "choice" in places
    if form != "pairs":
        if reading.answers:
            raise InputError(f"{path}: --answer is for left, right and choice, not for {form}")
        frame = orders.ranked(frame, path)
        if frame["ranked"].list.len().max() == 2:
            form, frame = "pairs", orders.as_pairs(frame)
    elif sided:
        sides = {heading.names[places[side]]: side for side in (LEFT, RIGHT)}
        frame = frame.with_columns(choice=choices(frame, path, reading.answers, sides))
    else:
        frame = frame.rename({"winner": LEFT, "loser": RIGHT})
        frame = frame.with_columns(choice=pl.lit(LEFT, dtype=CHOICE))
    frame = _typed(frame, path)
    _check(frame, path, columns.platform_hint(heading))
    read_names = {heading.names[place] for place in places.values()}
    unused = dict.fromkeys(one_line(name) for name in heading.names if name not in read_names)
    unused_names = tuple(name for name in unused if name not in ("", "answered_at"))
    return Votes(frame, sided, path, unused_names, form=form)


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
    both, methods = numbered(pl.concat([frame["left"], frame["right"]]))
    return VoteArrays(
        both[: len(frame)],
        both[len(frame) :],
        frame["choice"].to_physical().to_numpy().astype(np.int8),
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


def counted(votes: Votes) -> pl.DataFrame:
    """Return votes without validation questions; raise InputError if they weigh nothing."""
    frame = votes.without_checks
    if frame.is_empty():
        raise InputError(f"{votes.source}: no votes are left")
    if not frame["weight"].sum():
        raise InputError(f"{votes.source}: no votes, every weight is 0")
    if frame["weight"].sum() > _MOST_VOTES:
        raise InputError(
            f"{votes.source}: weights sum to more than 2^53 = {_MOST_VOTES:.1e} votes, beyond "
            "which one vote more or less is rounded away; divide them all by a number"
        )
    return frame


def _typed(frame: pl.DataFrame, path: Path) -> pl.DataFrame:
    """Convert flags and numbers."""
    types = {
        "is_check": _flags,
        "check_passed": _flags,
        "response_ms": _numbers,
        "weight": _numbers,
    }
    for name, convert in types.items():
        if name in frame.columns:
            frame = frame.with_columns(convert(frame, name, path))
    if "weight" not in frame.columns:
        return frame.with_columns(weight=pl.lit(1.0))
    refuse(frame, pl.col("weight").is_null() | (pl.col("weight") < 0), "weight", path)
    return frame


def _flags(frame: pl.DataFrame, name: str, path: Path) -> pl.Series:
    """Return True, False, or null where `check_passed` does not apply."""
    codes, names = numbered(frame[name])
    words = [word.lower() for word in names]
    known = np.array([word in TRUE | FALSE for word in words])
    refuse(frame, pl.lit(pl.Series(~known[codes])), name, path)
    empty = None if name == "check_passed" else False
    flags = [empty if word == "" else word in TRUE for word in words]
    return pl.Series(name, flags, dtype=pl.Boolean).gather(codes)


def _numbers(frame: pl.DataFrame, name: str, path: Path) -> pl.Series:
    text = frame[name].str.strip_chars()
    numbers = text.cast(pl.Float64, strict=False)
    wrong = (numbers.is_null() & (text != "")) | ~numbers.is_finite()
    refuse(frame, pl.lit(wrong.fill_null(False)), name, path)
    return numbers.alias(name)


def refuse(frame: pl.DataFrame, wrong: pl.Expr, name: str, path: Path) -> None:
    """Raise InputError if a value of column `name` is wrong, with the first one and its line."""
    _refuse_rows(frame.filter(wrong), path, f"{name} {{{name}!r}} cannot be used")


def _refuse_rows(rows: pl.DataFrame, path: Path, reason: str, hint: str = "") -> None:
    """Raise InputError if there are rows; `reason` has names of columns of the first in braces."""
    if not rows.is_empty():
        row = {key: str(value)[:LONGEST_QUOTE] for key, value in rows.row(0, named=True).items()}
        many = in_more_lines(path, len(rows))
        raise InputError(f"{in_lines(path, rows['line'][0])}: {reason.format(**row)}{many}{hint}")


def refuse_repeated(frame: pl.DataFrame, key: Sequence[str], path: Path, reason: str) -> None:
    """Raise InputError if two rows have the same key; `reason` has its columns in braces."""
    # Compare hashes first, which need little memory for millions of rows.
    hashed = frame.select(pl.struct(key).hash().alias("key"))["key"]
    alike = frame.filter(hashed.is_duplicated()) if hashed.n_unique() < len(frame) else frame[:0]
    repeated = alike.filter(pl.struct(key).is_duplicated())
    if not repeated.is_empty():
        same = repeated.filter(pl.struct(key) == pl.struct(key).first())
        row = repeated.row(0, named=True)
        raise InputError(f"{in_lines(path, *same['line'][:2])}: {reason.format(**row)}; keep one")


def _check(frame: pl.DataFrame, path: Path, hint: str) -> None:
    """Check names, and columns against each other; `hint` is the remedy for an empty name."""
    for name, what in (("left", "method"), ("right", "method"), ("participant", "participant")):
        if name in frame.columns:
            _refuse_rows(frame.filter(pl.col(name) == ""), path, f"no {what} in {name!r}", hint)
    if "check_passed" in frame.columns and "is_check" not in frame.columns:
        _refuse_rows(
            frame.filter(pl.col("check_passed").is_not_null()),
            path,
            "a validation question by 'check_passed', but there is no column 'is_check'; --column "
            "is_check=NAME names it",
        )
    if "left" in frame.columns:
        itself = frame.filter(pl.col("left") == pl.col("right"))
        _refuse_rows(itself, path, "{left!r} against itself")
    if "participant" in frame.columns and "question" in frame.columns:
        reason = "participant {participant!r} answered question {question!r} twice"
        refuse_repeated(frame, ["participant", "question"], path, reason)
