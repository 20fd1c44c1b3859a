"""Votes of pairwise comparisons, from a CSV or Parquet file of this suite or of any platform.

The columns are those of `python -m survey export` (docs/analysis.md); needed are `left`, `right`
and `choice`, or `winner` and `loser`. Every row is read or refused by its line: none is dropped.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from analysis.errors import InputError

LEFT, RIGHT, TIE = "left", "right", "tie"
CHOICES = (LEFT, RIGHT, TIE)
SIDED, PLAIN = ("left", "right", "choice"), ("winner", "loser")
OPTIONAL = (
    "participant", "question", "image", "group", "is_check", "check_passed", "response_ms",
    "answered_at", "weight",
)  # fmt: skip
KNOWN = (*SIDED, *PLAIN, *OPTIONAL)
TRUE, FALSE = {"1", "true", "yes", "t", "y"}, {"0", "false", "no", "f", "n", ""}
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
    """frame: a row per answered question with `line` (in the file, the header is 1), `left`,
    `right`, `choice` (left, right, tie), `weight` and those of OPTIONAL that the file has;
    sided: False where the file says winner and loser, so that sides mean nothing."""

    frame: pl.DataFrame
    sided: bool
    source: Path

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
        return Votes(frame, self.sided, self.source)


def read(path: Path, reading: Reading | None = None) -> Votes:
    """Raises InputError, naming the first line that cannot be used."""
    reading = reading or Reading()
    raw = _named(_table(path), path, reading.columns)
    if raw.is_empty():
        raise InputError(f"{path}: no votes in it, only a header")
    raw = raw.with_row_index("line", offset=2)
    sided = set(SIDED) <= set(raw.columns)
    frame = _sided(raw, path, reading) if sided else _plain(raw)
    frame = _typed(frame, path)
    _check(frame, path)
    return Votes(frame, sided, path)


def _table(path: Path) -> pl.DataFrame:
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    try:
        if path.suffix == ".parquet":
            return pl.read_parquet(path).select(pl.all().cast(pl.String).fill_null(""))
        if path.stat().st_size == 0:
            raise InputError(f"{path}: the file is empty")
        return pl.read_csv(path, separator=_separator(path), infer_schema=False).with_columns(
            pl.all().fill_null("")
        )
    except pl.exceptions.PolarsError as error:
        raise InputError(f"{path}: {_where(path) or _first_line(error)}") from error


def _separator(path: Path) -> str:
    with path.open("rb") as file:
        header = file.readline().decode("utf-8", "replace")
    return max(",;\t", key=header.count)


def _where(path: Path) -> str:
    """What is wrong with the text of a file that cannot be read."""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                return f"line {number}: not UTF-8 (byte {line[error.start]:#x}); save it as UTF-8"
    return ""


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]


def _named(table: pl.DataFrame, path: Path, columns: Mapping[str, str]) -> pl.DataFrame:
    """With our names for the columns, and only those that are known."""
    for ours, theirs in columns.items():
        if ours not in KNOWN:
            raise InputError(f"--column {ours}=...: not one of {', '.join(KNOWN)}")
        if theirs not in table.columns:
            raise InputError(f"{path}: no column {theirs!r}{nearest(theirs, table.columns)}")
    taken = {theirs: ours for ours, theirs in columns.items()}
    table = table.select(pl.all().exclude([n for n in columns if n not in taken])).rename(taken)
    needed = PLAIN if set(PLAIN) & set(table.columns) else SIDED
    for name in needed:
        if name not in table.columns:
            raise InputError(
                f"{path}: no column {name!r}{nearest(name, table.columns)}; needed are left, "
                "right and choice, or winner and loser; --column left=NAME names another one"
            )
    return table.select([name for name in KNOWN if name in table.columns])


def nearest(name: str, names: Sequence[str]) -> str:
    found = difflib.get_close_matches(name.lower(), [n.lower() for n in names], 1, 0.6)
    same = [n for n in names if found and n.lower() == found[0]]
    return f", is {same[0]!r} meant?" if same else f" among {', '.join(names)}"


def _sided(raw: pl.DataFrame, path: Path, reading: Reading) -> pl.DataFrame:
    """`choice` in our words: left, right, tie, the file's own, or the name of the chosen method."""
    words = {**{choice: choice for choice in CHOICES}, **reading.answers}
    for choice in reading.answers.values():
        if choice not in CHOICES:
            raise InputError(f"--answer ...={choice}: must be left, right or tie")
    given = pl.col("choice").str.strip_chars()
    known = given.replace_strict(words, default=None)
    lowered = given.str.to_lowercase().replace_strict(words, default=None)
    chosen = (
        pl.when(known.is_not_null()).then(known)
        .when(given == pl.col("left")).then(pl.lit(LEFT))
        .when(given == pl.col("right")).then(pl.lit(RIGHT))
        .otherwise(lowered)
    )  # fmt: skip
    frame = raw.with_columns(chosen.alias("chosen"))
    unknown = frame.filter(pl.col("chosen").is_null())
    if not unknown.is_empty():
        line, word = unknown.row(0, named=True)["line"], unknown.row(0, named=True)["choice"]
        remedy = "--answer WORD=left|right|tie says what a word means"
        what = f"choice {word[:LONGEST_SHOWN]!r}" if word else "no choice"
        raise InputError(
            f"{path} line {line}: {what}{_as_many(len(unknown))}; left, right, tie or the name of "
            f"the left or right method is expected; {remedy}"
        )
    return frame.drop("choice").rename({"chosen": "choice"})


def _plain(raw: pl.DataFrame) -> pl.DataFrame:
    return raw.rename({"winner": "left", "loser": "right"}).with_columns(choice=pl.lit(LEFT))


def _typed(frame: pl.DataFrame, path: Path) -> pl.DataFrame:
    for name in ("is_check", "check_passed"):
        if name in frame.columns:
            frame = frame.with_columns(_flag(frame, name, path))
    for name in ("response_ms", "weight"):
        if name in frame.columns:
            frame = frame.with_columns(_number(frame, name, path))
    if "weight" not in frame.columns:
        frame = frame.with_columns(weight=pl.lit(1.0))
    _refuse(frame, pl.col("weight").is_null() | (pl.col("weight") < 0), "weight", path)
    return frame


def _flag(frame: pl.DataFrame, name: str, path: Path) -> pl.Series:
    """True, False, or nothing where `check_passed` does not apply."""
    text = frame[name].str.strip_chars().str.to_lowercase()
    words: dict[str, bool | None] = {**dict.fromkeys(TRUE, True), **dict.fromkeys(FALSE, False)}
    if name == "check_passed":
        words[""] = None
    flags = text.replace_strict(words, default=None, return_dtype=pl.Boolean)
    wrong = ~text.is_in(list(words)) & text.is_not_null()
    _refuse(frame.with_columns(wrong=wrong), pl.col("wrong"), name, path)
    return flags.fill_null(False).alias(name) if name == "is_check" else flags.alias(name)


def _number(frame: pl.DataFrame, name: str, path: Path) -> pl.Series:
    text = frame[name].str.strip_chars()
    numbers = text.cast(pl.Float64, strict=False)
    wrong = (numbers.is_null() & text.is_not_null() & (text != "")) | ~numbers.is_finite()
    _refuse(frame.with_columns(wrong=wrong.fill_null(False)), pl.col("wrong"), name, path)
    return numbers.alias(name)


def _refuse(frame: pl.DataFrame, where: pl.Expr, name: str, path: Path) -> None:
    wrong = frame.filter(where)
    if not wrong.is_empty():
        value = str(wrong[name][0])[:LONGEST_SHOWN]
        raise InputError(
            f"{path} line {wrong['line'][0]}: {name} {value!r} cannot be used{_as_many(len(wrong))}"
        )


def _check(frame: pl.DataFrame, path: Path) -> None:
    """What no single column shows."""
    for name in ("left", "right"):
        empty = frame.filter(pl.col(name).is_null() | (pl.col(name).str.strip_chars() == ""))
        if not empty.is_empty():
            raise InputError(f"{path} line {empty['line'][0]}: no method in {name!r}")
    same = frame.filter(pl.col("left") == pl.col("right"))
    if not same.is_empty():
        method = same["left"][0]
        raise InputError(
            f"{path} line {same['line'][0]}: {method!r} against itself{_as_many(len(same))}"
        )
    if "participant" in frame.columns and "question" in frame.columns:
        key = ["participant", "question"]
        twice = frame.filter(pl.struct(key).is_duplicated())
        if not twice.is_empty():
            person, question = twice[key].row(0)
            lines = twice.filter(pl.struct(key) == pl.struct(twice[key][0]))["line"].head(2)
            raise InputError(
                f"{path} lines {lines[0]} and {lines[1]}: participant {person!r} answered question "
                f"{question!r} twice; keep one"
            )


def _as_many(rows: int) -> str:
    return f" ({rows:,} such lines)" if rows > 1 else ""
