"""What a misspelt name was meant to be."""

from __future__ import annotations

import difflib
from collections.abc import Sequence


def close(name: str, names: Sequence[str], least: float = 0.6) -> str:
    """The most similar of some names, if at least so similar (0 to 1), or nothing."""
    found = difflib.get_close_matches(name.lower(), [n.lower() for n in names], 1, least)
    return next((n for n in names if found and n.lower() == found[0]), "")


def nearest(name: str, names: Sequence[str]) -> str:
    """For the end of a message: what was meant, or all there is to choose from."""
    same = close(name, names)
    if same:
        return f", is {same!r} meant?"
    return f" among {', '.join(names)}" if len(names) < 30 else ""
