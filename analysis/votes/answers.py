"""What the answers in a votes file mean: left, right or tie."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.votes.files import alike, in_lines, in_more_lines, valued
from analysis.votes.names import cleaned, composed, one_line
from methods.errors import InputError

LEFT, RIGHT, TIE = "left", "right", "tie"
CHOICES = (LEFT, RIGHT, TIE)
CHOICE = pd.CategoricalDtype(CHOICES)
# Length in characters up to which values of a bad file are quoted.
LONGEST_QUOTE = 40
# How many unknown words are quoted.
_MOST_QUOTED = 5
_TIES = ("tie (bothbad)", "both_bad", "draw", "equal")


def choices(
    frame: pd.DataFrame, path: Path, answers: Mapping[str, str], sides: Mapping[str, str]
) -> pd.Categorical:
    """Translate the column `choice`, (N,), of type `CHOICE`.

    A word means what `answers` says; else it is the name of the method on one side; else left,
    right, tie, draw or equal, the arena's `tie (bothbad)` and `both_bad`, or the heading of a
    side's column.

    Raises InputError if a word is unknown, or a method is called as the other side is; with the
    first line.

    Parameters
    ----------
    frame
        `left`, `right` and `choice`; its index is the lines.
    answers
        Words of the file, and what they mean.
    sides
        The heading of the column of each side, and the side.
    """
    for choice in answers.values():
        if choice not in CHOICES:
            raise InputError(f"--answer ...={choice}: must be left, right or tie")
    answers = {composed(word): choice for word, choice in answers.items()}
    words = {choice: choice for choice in CHOICES} | dict.fromkeys(_TIES, TIE)
    for name, side in sides.items():
        if words.setdefault(name.lower(), side) != side and name not in answers:
            raise InputError(
                f"{path}: the column of the {side} side is called {name!r}; --answer "
                f"{name}=left|right|tie says what this word means as an answer"
            )
    column, left, right = alike(cleaned(frame["choice"]), frame[LEFT], frame[RIGHT])
    exact = _translated(column, answers.get)
    plain = _translated(column, lambda word: words.get(one_line(word).lower()))
    method = np.where(column == left, 0, np.where(column == right, 1, -1))
    both = (exact < 0) & (method >= 0) & (plain >= 0) & (method != plain)
    if both.any():
        first = int(np.flatnonzero(both)[0])
        word = column.iloc[first][:LONGEST_QUOTE]
        meant, side = CHOICES[plain[first]], CHOICES[method[first]]
        raise InputError(
            f"{in_lines(path, column.index[first])}: choice {word!r} may mean {meant}, or the "
            f"method of that name on the {side}{in_more_lines(path, int(both.sum()))}; rename the "
            f"method, or --answer '{word}={meant}' if no choice is a method's name"
        )
    meanings = np.where(exact >= 0, exact, np.where(method >= 0, method, plain))
    if len(unknown := np.flatnonzero(meanings < 0)):
        raise InputError(_unknown(column.iloc[unknown], path))
    return pd.Categorical.from_codes(meanings, dtype=CHOICE)


def without_rows(answers: Mapping[str, str], column: pd.Series | None) -> tuple[str, ...]:
    """Return the words of `answers` that no row of the column `choice` has; None: no column."""
    given = set() if column is None else set(cleaned(column).unique())
    return tuple(word for word in answers if composed(word) not in given)


def preferred(frame: pd.DataFrame) -> pd.DataFrame:
    """Add the column `choice` to votes that all prefer the left method."""
    return frame.assign(choice=pd.Series(LEFT, frame.index, CHOICE))


def _unknown(column: pd.Series, path: Path) -> str:
    words = list(column.unique())
    quoted = [repr(word[:LONGEST_QUOTE]) for word in words[:_MOST_QUOTED]]
    unanswered = "no choice (delete the rows of unanswered questions)"
    others = f" (here {', '.join(quoted)})" if len(words) > 1 else ""
    return (
        f"{in_lines(path, column.index[0])}: "
        f"{f'choice {quoted[0]}' if words[0] else unanswered}"
        f"{in_more_lines(path, len(column))}; "
        "left, right, tie or the name of the left or right method is expected; --answer "
        f"WORD=left|right|tie says what a word means{others}"
    )


def _translated(column: pd.Series, meaning: Callable[[str], str | None]) -> NDArray[np.int8]:
    """Return the position in CHOICES that each word means, -1 for an unknown one."""
    places: dict[str | None, int] = {choice: i for i, choice in enumerate(CHOICES)}
    return valued(column, lambda word: places.get(meaning(word), -1), np.int8)
