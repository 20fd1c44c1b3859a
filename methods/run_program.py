"""Launcher of one program for `command`: python run_program.py REPORT SECONDS PROGRAM [ARGUMENT...]

It is a small process of its own for two reasons. The kernel includes the memory of the starting
process in the peak of the program it starts. And the program must end with the benchmark: the
launcher's standard input is a pipe that closes when the benchmark ends, even if it is killed.
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
    """Run the program in a process group of its own, kill what is left of it, write the report.

    The report is JSON with `exit_status` (negative: the signal that ended the program), `stopped`
    (whether the time was over) and `peak_memory_mb`; or only `error`, if it could not be started.
    """
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
    # Unlike wait, wait4 reports the peak: that of the largest process among the program and the
    # processes it has started and waited for, in kilobytes on Linux, in bytes on macOS.
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
        # Nothing is left to kill; macOS then raises the second.
        return


if __name__ == "__main__":
    main(*sys.argv[1:])
