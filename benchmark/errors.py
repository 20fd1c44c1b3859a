"""What a user of the benchmark can get wrong, and how it is said."""

from __future__ import annotations

import sys

import typer

INTERRUPTED = 130


class InputError(Exception):
    """Something the user gave cannot be used. The message is one line: what, where, remedy."""


def run_command_line(app: typer.Typer) -> None:
    """Run a command line: whatever is wrong with the input is one line on stderr, exit code 2."""
    try:
        status = app(standalone_mode=False)
    except (InputError, typer.TyperException) as error:
        text = error.format_message() if isinstance(error, typer.TyperException) else str(error)
        sys.exit(_complain(text, 2))
    except (KeyboardInterrupt, typer.Abort):
        status = INTERRUPTED
    if status == INTERRUPTED:
        # Typer turns Ctrl-C into this status without a word.
        _complain(
            "interrupted; finished cases are kept, the same command goes on from here", INTERRUPTED
        )
    sys.exit(status)


def _complain(text: str, status: int) -> int:
    print(f"error: {text}", file=sys.stderr)
    return status
