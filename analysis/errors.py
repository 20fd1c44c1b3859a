"""What a user of the analysis can get wrong, and how it is said."""

from __future__ import annotations

import sys

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
