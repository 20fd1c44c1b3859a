"""Votes as tables of pandas."""

from __future__ import annotations

from collections import Counter

import pandas as pd

from analysis.votes.files import DATA_FRAME
from analysis.votes.votes import Votes
from methods.errors import InputError


def to_pandas(votes: Votes) -> pd.DataFrame:
    """Return votes with the columns of a votes file, which `from_pandas` reads again."""
    frame = votes.frame.reset_index(drop=True)
    names = frame.select_dtypes("category")
    frame = frame.astype(dict.fromkeys(names, str))
    if votes.form != "pairs":
        return pd.concat([_as_text(frame.pop("ranked"), votes.form), frame], axis=1)
    if not votes.sided:
        return frame.drop(columns="choice").rename(columns={"left": "winner", "right": "loser"})
    return frame


def from_pandas(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table with named levels of its index as columns, as in a votes file.

    Raises InputError if two columns have one name.
    """
    named = [name for name in frame.index.names if name is not None and name not in frame]
    for names in (named, list(frame)):
        if twice := [name for name, number in Counter(names).items() if number > 1]:
            raise InputError(f"{DATA_FRAME}: two columns are called {twice[0]!r}; rename one")
    return frame.reset_index(level=named) if named else frame


def _as_text(ranked: pd.Series, form: str) -> pd.DataFrame:
    """Return votes among several methods as `order`, or `chosen` and `other1`, `other2`, ..."""
    if form == "orders":
        return ranked.str.join(">").astype(str).to_frame("order")
    table = pd.DataFrame(ranked.tolist())
    return table.rename(columns=lambda i: f"other{i}" if i else "chosen")
