"""Ctrl-C at a moment of the run's choice."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from methods.interrupts import handling_ctrl_c


@contextmanager
def deferred_interrupts(wake: Callable[[], None]) -> Iterator[Callable[[], None]]:
    """Give a function that raises KeyboardInterrupt if Ctrl-C was pressed since; a second one
    raises it at once.

    Raised just anywhere, it breaks the locks of `threading` and `concurrent.futures`, and the run
    ends with an error of theirs or never.

    Parameters
    ----------
    wake
        Called by the signal's handler, to end the wait that the main thread may be in.
    """
    pressed = threading.Event()

    def check() -> None:
        if pressed.is_set():
            raise KeyboardInterrupt

    def handler(*_: object) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        pressed.set()
        wake()

    with handling_ctrl_c(handler):
        yield check
