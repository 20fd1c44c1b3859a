"""Votes among several methods: one chosen from others, or an order of all that were shown.

`chosen` is a name. `others` holds the names that were not chosen, separated by | or ;. If there are
several columns of them (`other1`, `other2`, ...; `others` more than once), each holds one name,
which may have these characters, and empty cells do not count. `order` is a>b>c, the best first.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from analysis.votes.answers import LEFT, LONGEST_QUOTE, RIGHT, preferred
from analysis.votes.columns import CHOSEN, ORDER, is_others
from analysis.votes.files import in_lines
from analysis.votes.names import composed
from methods.errors import InputError


class _UnusableError(ValueError):
    """Why a vote cannot be used."""


def ranked(frame: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Replace the columns of text by `ranked`: the methods, the best or the chosen one first.

    Raises InputError if a vote cannot be used; with its line.
    """
    given = [name for name in frame if name in (ORDER, CHOSEN) or is_others(name)]
    texts = list(zip(*(frame[name] for name in given), strict=True))
    known: dict[tuple[str, ...], list[str]] = {}
    for text, line in zip(texts, frame.index, strict=True):
        if text not in known:
            try:
                known[text] = _order(text[0]) if ORDER in given else _choice(text[0], text[1:])
            except _UnusableError as reason:
                raise InputError(f"{in_lines(path, line)}: {reason}") from None
    return frame.drop(columns=given).assign(ranked=[known[text] for text in texts])


def as_pairs(frame: pd.DataFrame) -> pd.DataFrame:
    """Turn votes between two, all of them, into `left`, the preferred one, `right` and `choice`."""
    pairs = frame.pop("ranked").str
    sides = {name: pairs[i].astype("category") for i, name in enumerate((LEFT, RIGHT))}
    return preferred(frame.assign(**sides))


def _order(text: str) -> list[str]:
    quoted = f"order {_quoted(text)}"
    names = [composed(name) for name in text.split(">")]
    if "=" in text:
        raise _UnusableError(
            f"{quoted} has a tie (=), which orders cannot have; give such votes as pairs, left, "
            "right and choice, or leave them out; names may not contain ="
        )
    if len(names) < 2:
        raise _UnusableError(
            f"{quoted} names {'one method' if text.strip() else 'no methods'}; write it as a>b>c, "
            "the best first"
        )
    if "" in names:
        raise _UnusableError(f"{quoted} lacks a name beside >")
    return _distinct(names, quoted)


def _choice(chosen: str, cells: Sequence[str]) -> list[str]:
    """Return the chosen method and the others, which may name the chosen one once more."""
    pieces = cells if len(cells) > 1 else re.split("[|;]", cells[0])
    others = [name for name in map(composed, pieces) if name]
    name = composed(chosen)
    if not name:
        raise _UnusableError("no method in 'chosen'")
    if not others:
        raise _UnusableError(f"no other methods beside {_quoted(chosen)}; write them as b|c")
    rest = [other for other in _distinct(others, "'others'") if other != name]
    if not rest:
        raise _UnusableError(f"{_quoted(chosen)} against itself")
    return [name, *sorted(rest)]


def _distinct(names: list[str], where: str) -> list[str]:
    for name in names:
        if names.count(name) > 1:
            raise _UnusableError(f"{where} names {_quoted(name)} twice")
    return names


def _quoted(text: str) -> str:
    return repr(text[:LONGEST_QUOTE])
