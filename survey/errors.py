"""What an owner of a study can get wrong, and how it is said."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable

import typer


class InputError(ValueError):
    """Something the owner gave cannot be used. The message is one line: what, where, remedy."""


def nearest(name: str, names: Iterable[str]) -> str:
    """What to say after a name that is not one of `names`."""
    known = list(names)
    found = difflib.get_close_matches(name, known, 1, 0.6)
    return f", is {found[0]!r} meant?" if found else f"; known are {', '.join(map(str, known))}"


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
