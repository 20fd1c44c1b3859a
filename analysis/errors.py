"""What a user of the analysis can get wrong, and how it is said."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Sequence

import typer


class InputError(ValueError):
    """Something the user gave cannot be used. The message is one line: what, where, remedy."""


def run_command_line(app: typer.Typer) -> None:
    """Run a command line: whatever is wrong with the input is one line on stderr, exit code 2."""
    try:
        sys.exit(app(standalone_mode=False))
    except typer.TyperException as error:
        message = error.format_message()
    except InputError as error:
        message = str(error)
    print(f"error: {message}", file=sys.stderr)
    sys.exit(2)


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
