"""Votes as tables of pandas."""

from __future__ import annotations

from typing import Any

import pandas as pd
import polars as pl

from analysis.votes.files import DATA_FRAME
from analysis.votes.votes import Votes
from methods.errors import InputError


def to_pandas(votes: Votes) -> pd.DataFrame:
    """Return votes with the columns of a votes file, which `from_pandas` reads again."""
    frame = votes.frame.drop("line")
    if votes.form != "pairs":
        frame = _as_text(frame, votes.form)
    elif not votes.sided:
        frame = frame.drop("choice").rename({"left": "winner", "right": "loser"})
    return pd.DataFrame({column.name: _values(column) for column in frame})


def from_pandas(frame: pd.DataFrame) -> pl.DataFrame:
    """Return a table as a votes file has it: all text, empty where a value is missing.

    Named levels of the index are columns, too. Raises InputError if two columns have one name, or a
    cell holds several values.
    """
    if named := [name for name in frame.index.names if name is not None and name not in frame]:
        frame = frame.reset_index(level=named)
    if twice := [
        name for name, again in zip(frame, frame.columns.duplicated(), strict=True) if again
    ]:
        raise InputError(f"{DATA_FRAME}: two columns are called {twice[0]!r}; rename one")
    return pl.DataFrame(
        {str(name): list(map(_text, frame.iloc[:, i])) for i, name in enumerate(frame.columns)},
        schema={str(name): pl.String for name in frame.columns},
    )


def _as_text(frame: pl.DataFrame, form: str) -> pl.DataFrame:
    """Return votes among several methods with `order`, or `chosen` and `other1`, `other2`, ..."""
    ranked = pl.col("ranked")
    if form == "orders":
        return frame.select(ranked.list.join(">").alias("order"), pl.exclude("ranked"))
    most = max(map(len, frame["ranked"]), default=0)
    return frame.select(
        ranked.list.get(0).alias("chosen"),
        *(ranked.list.get(i, null_on_oob=True).alias(f"other{i}") for i in range(1, most)),
        pl.exclude("ranked"),
    )


def _values(column: pl.Series) -> Any:
    if column.dtype == pl.Boolean:
        return pd.array(column.to_list(), dtype="boolean")
    if column.dtype.is_numeric():
        return column.to_numpy()
    return column.cast(pl.String).to_numpy()


def _text(value: Any) -> str:
    if not pd.api.types.is_scalar(value):
        raise InputError(f"{DATA_FRAME}: a cell holds {value!r}; one name or number is needed")
    if pd.isna(value):
        return ""
    # Whole numbers become floats where others of the column are missing.
    is_whole = isinstance(value, float) and value.is_integer()
    return str(int(value)) if is_whole else str(value)
