"""Ctrl-C, told apart from a KeyboardInterrupt that a method's own code raises."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


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

    usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if not usual or threading.current_thread() is not threading.main_thread():
        pressed.set()
        yield pressed
        return
    signal.signal(signal.SIGINT, note)
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
