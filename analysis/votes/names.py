"""Names as they are compared: Unicode form NFC, no blanks around, no control characters."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from typing import Any

import pandas as pd

from methods import files
from methods.shown_text import visible

_APOSTROPHE = "^'('*[=+@-])"


def composed(name: str) -> str:
    """Return a name in Unicode form NFC, without blanks around it and a spreadsheet's apostrophe.

    Control characters become visible. Exports of a survey write '=name for =name, which
    spreadsheets would take for a formula.
    """
    return visible(re.sub(_APOSTROPHE, r"\1", files.composed(name).strip()))


def recoded(column: pd.Series, text: Callable[[Any], str]) -> pd.Series:
    """Replace each category of a column by a text, which others may have, too."""
    old = column.cat.categories
    new = list(map(text, old))
    if new == list(old):
        return column
    return column.map(dict(zip(old, new, strict=True))).astype("category")


def cleaned(column: pd.Series) -> pd.Series:
    """Bring the values of a column of categories into Unicode form NFC, without blanks around."""
    return recoded(column, composed)


def look_alike(names: Iterable[str]) -> list[list[str]]:
    """Return groups of names that differ only in capitals, blanks or invisible characters."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(_appearance(name), []).append(name)
    return [group for group in groups.values() if len(group) > 1]


def _appearance(name: str) -> str:
    letters = unicodedata.normalize("NFKC", name).casefold()
    return "".join(c for c in letters if not c.isspace() and unicodedata.category(c) != "Cf")


def one_line(name: str) -> str:
    """Return a name, such as a heading with line breaks, with one blank for any white space."""
    return " ".join(name.split())


def spelt_as(column: pd.Series, names: list[str]) -> pd.Series:
    """Return a column in Unicode form NFC with each value spelt as among `names`, if it is one."""
    spelling = {composed(name): name for name in names if composed(name) != name}
    return recoded(column, lambda name: spelling.get(name, name))
