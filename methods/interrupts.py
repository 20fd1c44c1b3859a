"""Handlers of Ctrl-C, where this process may have its own."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def handling_ctrl_c(handler: Callable[[int, FrameType | None], object]) -> Iterator[bool]:
    """Have Ctrl-C call a handler instead of raising KeyboardInterrupt.

    Parameters
    ----------
    handler
        As for `signal.signal`.

    Yields
    ------
    bool
        Whether it does: only the main thread has handlers, and one that somebody else has set
        stays.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield False
        return
    signal.signal(signal.SIGINT, handler)
    try:
        yield True
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
