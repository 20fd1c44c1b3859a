"""Names as they are compared: Unicode form NFC, no blanks around, no control characters."""

from __future__ import annotations

import re

import polars as pl

from methods import files
from methods.shown_text import CONTROL, visible

_APOSTROPHE = "^'('*[=+@-])"


def composed(name: str) -> str:
    """Return a name in Unicode form NFC, without blanks around it and a spreadsheet's apostrophe.

    Control characters become visible. Exports of a survey write '=name for =name, which
    spreadsheets would take for a formula.
    """
    return visible(re.sub(_APOSTROPHE, r"\1", files.composed(name).strip()))


def cleaned(column: pl.Series) -> pl.Series:
    """Bring the values of a column of categories into Unicode form NFC, without blanks around."""
    words = column.unique().cast(pl.String)
    if (words == _composed(words)).all():
        return column
    return _composed(column.cast(pl.String)).cast(pl.Categorical)


def one_line(name: str) -> str:
    """Return a name, such as a heading with line breaks, with one blank for any white space."""
    return " ".join(name.split())


def spelt_as(column: pl.Expr, names: list[str]) -> pl.Expr:
    """Return a column in Unicode form NFC with each value spelt as among `names`, if it is one."""
    other = {composed(name): name for name in names if composed(name) != name}
    return column.cast(pl.String).replace(other).cast(pl.Categorical) if other else column


def _composed(column: pl.Series) -> pl.Series:
    names = column.str.normalize("NFC").str.strip_chars().str.replace(_APOSTROPHE, "${1}")
    odd = names.filter(names.str.contains(CONTROL)).unique()
    return names.replace({name: visible(name) for name in odd}) if len(odd) else names
