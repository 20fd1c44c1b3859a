"""Runs one program for `command`: python run_program.py REPORT SECONDS PROGRAM [ARGUMENT ...].

It is a process of its own, importing little, for two reasons. The kernel counts the memory of
whoever starts a program into that program's peak, so the starter must be small. And a program
must not outlive the benchmark: standard input is a pipe that ends with the process that holds
its other end, even if that one is killed.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import threading
from pathlib import Path


def main(report: str, seconds: str, *arguments: str) -> None:
    """Writes to REPORT what came of the program: exit_status (negative: the signal that ended
    it), stopped (whether SECONDS were over) and peak_memory_mb, or only error, if it could not
    be started. The program has a process group of its own, no part of which is left behind."""
    try:
        program = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, start_new_session=True)
    except OSError as error:
        Path(report).write_text(json.dumps({"error": error.strerror}), encoding="utf-8")
        return
    stopped = threading.Event()

    def watch() -> None:
        select.select([sys.stdin], [], [], float(seconds))
        stopped.set()
        _kill_group(program.pid)

    threading.Thread(target=watch, daemon=True).start()
    # wait4, unlike wait, tells the peak: that of the largest process among the program and those
    # it has started and waited for. Kilobytes on Linux, bytes on macOS.
    _, status, usage = os.wait4(program.pid, 0)
    _kill_group(program.pid)
    outcome = {
        "exit_status": os.waitstatus_to_exitcode(status),
        "stopped": stopped.is_set(),
        "peak_memory_mb": usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10),
    }
    Path(report).write_text(json.dumps(outcome), encoding="utf-8")


def _kill_group(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        # Nothing is left; macOS says so with the second.
        return


if __name__ == "__main__":
    main(*sys.argv[1:])
