"""What classes of the user's may do to this process, and how it bears that."""

from __future__ import annotations

import sys

from methods.shown_text import message_text


def error_message(error: BaseException) -> str:
    """Return the message of an exception in one line, also of one whose message fails itself."""
    try:
        return message_text(str(error))
    except BaseException as second:  # the code of an exception can raise anything, too
        return f"(no message: its __str__ raises {type(second).__name__})"


def error_text(error: BaseException) -> str:
    """Return "ValueError: message" in one line, without a message "ValueError"."""
    message = error_message(error)
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def keep_output_open() -> None:
    """Let nothing close standard output and error, which the rest of this process prints to."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # as where the process was started without
            stream.close = stream.flush  # type: ignore[method-assign]
