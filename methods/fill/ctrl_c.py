"""Ctrl-C, told apart from a KeyboardInterrupt that a method's own code raises."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from methods.interrupts import handling_ctrl_c


@contextmanager
def noticed() -> Iterator[threading.Event]:
    """Have Ctrl-C set an event besides raising KeyboardInterrupt, as it does anyway.

    Where that cannot be had the event is set from the start: every KeyboardInterrupt may be the
    user's.
    """
    pressed = threading.Event()

    def note(number: int, frame: FrameType | None) -> None:
        pressed.set()
        signal.default_int_handler(number, frame)

    with handling_ctrl_c(note) as is_handled:
        if not is_handled:
            pressed.set()
        yield pressed
