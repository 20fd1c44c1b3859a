"""Groups of processes: what a method has started ends with the process that it runs in."""

from __future__ import annotations

import os
import signal
from contextlib import suppress


def lead_group() -> None:
    """Make this process the leader of a group that all processes which it starts belong to.

    The Ctrl-C of a terminal reaches neither it nor them: the process that has started it ends both.
    """
    with suppress(PermissionError):  # it leads a session, and so a group
        os.setpgid(0, 0)


def end_group(leader: int) -> None:
    """Kill the group of a process that is running or has been waited for just now.

    Later its number may be that of another process. Of one that leads no group nothing is killed.
    """
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def end_own_group() -> None:
    """Kill this process with all that it has started."""
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(1)
