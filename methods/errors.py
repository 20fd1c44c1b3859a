"""Errors of user input and how every command line of the suite reports them."""

from __future__ import annotations

import difflib
import io
import os
import re
import sys
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

from methods.foreign_code import error_message
from methods.shown_text import visible

if TYPE_CHECKING:
    import typer

INTERRUPTED = 130
# In the messages of PyTorch, OpenCV and the C++ runtime.
OUT_OF_MEMORY = ("insufficient memory", "can't allocate memory", "not enough memory", "bad_alloc")


class InputError(ValueError):
    """Input that cannot be used: one line that says what, where and what to do about it."""


class MethodError(Exception):
    """Failure of a method to produce a result.

    Parameters
    ----------
    message
        One line for users.
    log
        What the method has printed.
    """

    def __init__(self, message: str, log: str = "") -> None:
        super().__init__(message)
        self.log = log


class TimeLimitError(MethodError):
    """A method that reached its own time limit."""


class MissingRequirementError(MethodError):
    """A method that cannot run on this machine yet; the message says what to install or fetch."""


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether a method failed because the memory of the machine or its GPU ran out."""
    # PyTorch and OpenCV define their own errors, but this module must import neither.
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    message = error_message(error).lower()
    return any(phrase in message for phrase in OUT_OF_MEMORY)


def run_command_line(
    app: typer.Typer,
    expected: tuple[type[Exception], ...] = (InputError,),
    interrupted: str = "interrupted",
) -> NoReturn:
    """Run a Typer application and exit; report bad input as one line on stderr, exit code 2.

    Parameters
    ----------
    app
        The application. Integers that its commands return become the exit code.
    expected
        Exceptions whose message is reported instead of a traceback.
    interrupted
        What to report after Ctrl-C, with exit code 130.
    """
    # Here: methods also run in environments of their own, which have no command lines.
    import typer

    # Pillow's remarks about files; what matters is an error that names the file.
    warnings.filterwarnings("ignore", module=r"PIL\.")
    _open_missing_streams()
    _print_all_characters()
    try:
        status = app(standalone_mode=False)
    except typer.TyperException as error:
        _exit(error.format_message(), 2)
    except (typer.Abort, KeyboardInterrupt):
        status = INTERRUPTED
    except expected as error:
        _exit(str(error), 2)
    # Typer itself turns Ctrl-C into this status without a message.
    if status == INTERRUPTED:
        _exit(interrupted, INTERRUPTED)
    sys.exit(status)


@contextmanager
def in_python_words() -> Iterator[None]:
    """Let messages that name options of a command line name keywords: --min-votes, min_votes."""
    try:
        yield
    except InputError as error:
        words = re.sub(r"--([a-z][a-z-]*)", lambda option: option[1].replace("-", "_"), str(error))
        raise InputError(words) from None


def closest(name: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """Return the known name most similar to a misspelt one, or an empty string.

    Parameters
    ----------
    name
        What the user wrote; case is ignored.
    known
        The names to choose from.
    cutoff
        The least similarity (0 to 1) that counts, as in `difflib.get_close_matches`.
    """
    by_lower_case = {candidate.lower(): candidate for candidate in known}
    matches = difflib.get_close_matches(name.lower(), by_lower_case, 1, cutoff)
    return by_lower_case[matches[0]] if matches else ""


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return the end of an error message about an unknown name: the closest name or the choice."""
    names = list(known)
    if match := closest(name, names):
        return f", did you mean {match!r}?"
    return f"; known: {', '.join(names)}" if names and len(names) < 30 else ""


def _open_missing_streams() -> None:
    """Open the null device in place of standard streams that this process was started without.

    Other files, such as pipes to processes, would have their numbers and get what is printed.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            number = os.open(os.devnull, os.O_RDWR)
            os.set_inheritable(number, True)
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8"))


def _print_all_characters() -> None:
    """Let output that is not in UTF-8, as files of Windows, show what it lacks as escapes."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _exit(message: str, status: int) -> NoReturn:
    print(visible(f"error: {message}"), file=sys.stderr)
    sys.exit(status)
