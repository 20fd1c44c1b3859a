"""Votes of pairwise comparisons, from a CSV or Parquet file of this suite or of any platform.

The columns are those of `python -m survey export` (docs/analysis.md); needed are `left`, `right`
and `choice`, or `winner` and `loser`. Every row is read or refused by its line (of a
Parquet file: its row): none is dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from analysis.votes import files
from analysis.votes.files import as_many, at
from methods.errors import InputError, suggestion

LEFT, RIGHT, TIE = "left", "right", "tie"
CHOICES = (LEFT, RIGHT, TIE)
CHOICE = pl.Enum(CHOICES)
SIDED, PLAIN = ("left", "right", "choice"), ("winner", "loser")
# Of few different words each.
REPEATED = (*SIDED, *PLAIN, "participant", "image", "group", "is_check", "check_passed")
READ = (*REPEATED, "question", "response_ms", "weight")
KNOWN = (*READ, "answered_at")
# Other programs make floats of whole numbers in a column with gaps.
TRUE = {"1", "1.0", "true", "yes", "t", "y"}
FALSE = {"0", "0.0", "false", "no", "f", "n", ""}
# How the words of a bad file are shown.
LONGEST_SHOWN = 40


@dataclass(frozen=True)
class Reading:
    """How a file's columns and answers are to be understood. columns: our name -> the file's;
    answers: the file's word -> left, right or tie."""

    columns: Mapping[str, str] = field(default_factory=dict)
    answers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Votes:
    """frame: a row per answered question with `line` (as `analysis.votes_file` numbers them),
    `left`, `right` (categories), `choice` (left, right, tie), `weight` and those of READ that the
    file has; sided: False where the file says winner and loser, so that sides mean nothing; unused:
    columns of the file that are not read; made_up: participants who were simulated, whatever they
    are called."""

    frame: pl.DataFrame
    sided: bool
    source: Path
    unused: tuple[str, ...] = ()
    made_up: frozenset[str] = frozenset()

    def has(self, column: str) -> bool:
        return column in self.frame.columns

    @property
    def asked(self) -> pl.DataFrame:
        """Without validation questions."""
        return self.frame.filter(~pl.col("is_check")) if self.has("is_check") else self.frame

    @property
    def checks(self) -> pl.DataFrame:
        """The validation questions."""
        if not self.has("is_check"):
            return self.frame.clear()
        return self.frame.filter(pl.col("is_check"))

    def replaced(self, frame: pl.DataFrame) -> Votes:
        return replace(self, frame=frame)


def read(path: Path, reading: Reading | None = None) -> Votes:
    """Raises InputError, naming the first line that cannot be used."""
    reading = reading or Reading()
    names = files.columns(path)
    wanted = _wanted(names, path, reading.columns)
    ours = {theirs: mine for mine, theirs in wanted.items()}
    repeated = [wanted[name] for name in REPEATED if name in wanted]
    raw = files.read(path, list(ours), repeated).rename(ours)
    if raw.is_empty():
        raise InputError(f"{path}: no votes in it, only a header")
    raw = raw.with_columns(
        stripped(raw[name]) for name in REPEATED if name in raw.columns and name != "choice"
    )
    sided = set(SIDED) <= set(raw.columns)
    frame = _sided(raw, path, reading) if sided else _plain(raw)
    frame = _typed(frame, path)
    _check(frame, path)
    unused = tuple(name for name in names if name not in ours and name != "answered_at")
    return Votes(frame, sided, path, unused)


def _wanted(names: list[str], path: Path, columns: Mapping[str, str]) -> dict[str, str]:
    """Our names of the columns to read -> the file's."""
    for ours, theirs in columns.items():
        if ours not in KNOWN:
            raise InputError(f"--column {ours}=...: not one of {', '.join(KNOWN)}")
        if theirs not in names:
            raise InputError(f"{path}: no column {theirs!r}{suggestion(theirs, names)}")
    renamed = set(columns.values())
    found = {name: name for name in READ if name in names and name not in renamed}
    found |= {ours: theirs for ours, theirs in columns.items() if ours in READ}
    needed = PLAIN if set(PLAIN) & set(found) and not set(SIDED) <= set(found) else SIDED
    for name in needed:
        if name not in found:
            raise InputError(
                f"{path}: no column {name!r}{suggestion(name, names)}; needed are left, "
                "right and choice, or winner and loser; --column left=NAME names another one"
            )
    return {name: theirs for name, theirs in found.items() if name not in {*SIDED, *PLAIN}} | {
        name: found[name] for name in needed
    }


def numbered(column: pl.Series) -> tuple[NDArray[np.int32], list[str]]:
    """The place of each value among the sorted distinct ones, (N,), and these. column: categories
    or text."""
    column = column.cast(pl.Categorical)
    present = column.unique()
    names = present.cast(pl.String).to_list()
    order = sorted(range(len(names)), key=names.__getitem__)
    codes = present.to_physical().to_numpy()
    places = np.zeros(int(codes.max()) + 1 if len(codes) else 0, np.int32)
    places[codes[order]] = np.arange(len(order))
    return places[column.to_physical().to_numpy()], [names[i] for i in order]


def stripped(column: pl.Series) -> pl.Series:
    """Categories without spaces around them."""
    words = column.unique().cast(pl.String)
    if (words == words.str.strip_chars()).all():
        return column
    return column.cast(pl.String).str.strip_chars().cast(pl.Categorical)


def _sided(raw: pl.DataFrame, path: Path, reading: Reading) -> pl.DataFrame:
    """`choice` in our words: left, right, tie, the file's own, or the name of the chosen method."""
    words = {**{choice: choice for choice in CHOICES}, **reading.answers}
    for choice in reading.answers.values():
        if choice not in CHOICES:
            raise InputError(f"--answer ...={choice}: must be left, right or tie")
    given = raw["choice"]
    exact = _looked_up(given, lambda word: words.get(word, words.get(word.strip())))
    lowered = _looked_up(given, lambda word: words.get(word.strip().lower()))
    name = stripped(given)
    chosen = np.where(name == raw["left"], 0, np.where(name == raw["right"], 1, lowered))
    chosen = np.where(exact >= 0, exact, chosen)
    unknown = np.flatnonzero(chosen < 0)
    if len(unknown):
        first = int(unknown[0])
        word = str(name[first])
        what = f"choice {word[:LONGEST_SHOWN]!r}" if word else "no choice"
        raise InputError(
            f"{at(path, raw['line'][first])}: {what}{as_many(path, len(unknown))}; left, right, "
            "tie or the name of the left or right method is expected; --answer "
            "WORD=left|right|tie says what a word means"
        )
    return raw.with_columns(pl.Series(CHOICES, dtype=CHOICE).gather(chosen).alias("choice"))


def _looked_up(column: pl.Series, meaning: Callable[[str], str | None]) -> NDArray[np.int8]:
    """The place in CHOICES that each word means, -1 without one."""
    codes, names = numbered(column)
    found = [meaning(name) for name in names]
    return np.array([CHOICES.index(word) if word else -1 for word in found], np.int8)[codes]


def _plain(raw: pl.DataFrame) -> pl.DataFrame:
    return raw.rename({"winner": "left", "loser": "right"}).with_columns(
        choice=pl.lit(LEFT, dtype=CHOICE)
    )


def _typed(frame: pl.DataFrame, path: Path) -> pl.DataFrame:
    for name in ("is_check", "check_passed"):
        if name in frame.columns:
            frame = frame.with_columns(_flag(frame, name, path))
    for name in ("response_ms", "weight"):
        if name in frame.columns:
            frame = frame.with_columns(_number(frame, name, path))
    if "weight" not in frame.columns:
        frame = frame.with_columns(weight=pl.lit(1.0))
    refuse(frame, pl.col("weight").is_null() | (pl.col("weight") < 0), "weight", path)
    return frame


def _flag(frame: pl.DataFrame, name: str, path: Path) -> pl.Series:
    """True, False, or nothing where `check_passed` does not apply."""
    codes, names = numbered(frame[name])
    words = [word.lower() for word in names]
    known = np.array([word in TRUE | FALSE for word in words])
    refuse(frame, pl.lit(pl.Series(~known[codes])), name, path)
    empty = None if name == "check_passed" else False
    flags = [empty if word == "" else word in TRUE for word in words]
    return pl.Series(name, flags, dtype=pl.Boolean).gather(codes)


def _number(frame: pl.DataFrame, name: str, path: Path) -> pl.Series:
    text = frame[name].str.strip_chars()
    numbers = text.cast(pl.Float64, strict=False)
    wrong = (numbers.is_null() & (text != "")) | ~numbers.is_finite()
    refuse(frame, pl.lit(wrong.fill_null(False)), name, path)
    return numbers.alias(name)


def refuse(frame: pl.DataFrame, where: pl.Expr, name: str, path: Path) -> None:
    """Raises InputError where any row is wrong, naming the first."""
    wrong = frame.filter(where)
    if not wrong.is_empty():
        value = str(wrong[name][0])[:LONGEST_SHOWN]
        raise InputError(
            f"{at(path, wrong['line'][0])}: {name} {value!r} cannot be used"
            f"{as_many(path, len(wrong))}"
        )


def _check(frame: pl.DataFrame, path: Path) -> None:
    """What no single column shows."""
    for name, what in (("left", "method"), ("right", "method"), ("participant", "participant")):
        if name in frame.columns:
            empty = frame.filter(pl.col(name) == "")
            if not empty.is_empty():
                many = as_many(path, len(empty))
                raise InputError(f"{at(path, empty['line'][0])}: no {what} in {name!r}{many}")
    if "check_passed" in frame.columns and "is_check" not in frame.columns:
        checks = frame.filter(pl.col("check_passed").is_not_null())
        if not checks.is_empty():
            raise InputError(
                f"{at(path, checks['line'][0])}: a validation question by 'check_passed', but "
                "there is no column 'is_check'; --column is_check=NAME names it"
            )
    same = frame.filter(pl.col("left") == pl.col("right"))
    if not same.is_empty():
        method = same["left"][0]
        raise InputError(
            f"{at(path, same['line'][0])}: {method!r} against itself{as_many(path, len(same))}"
        )
    if "participant" in frame.columns and "question" in frame.columns:
        _check_twice(frame, path)


def _check_twice(frame: pl.DataFrame, path: Path) -> None:
    key = ["participant", "question"]
    # Hashes first: few bytes for a row, however many rows there are.
    hashed = frame.select(pl.struct(key).hash().alias("key"))["key"]
    alike = frame.filter(hashed.is_duplicated()) if hashed.n_unique() < len(frame) else frame[:0]
    twice = alike.filter(pl.struct(key).is_duplicated())
    if not twice.is_empty():
        person, question = twice[key].row(0)
        lines = twice.filter((pl.col(key[0]) == person) & (pl.col(key[1]) == question))["line"]
        raise InputError(
            f"{at(path, *lines[:2])}: participant {person!r} answered question {question!r} twice; "
            "keep one"
        )
