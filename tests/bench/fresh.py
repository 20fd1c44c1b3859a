"""Seconds and peak memory of a function in a process of its own."""

from __future__ import annotations

import importlib
import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from tests.paths import ROOT


class Cost(NamedTuple):
    """Seconds by the clock, peak resident memory of the whole process in MB (2**20 bytes), Python
    and libraries included, and CPU seconds of all threads."""

    seconds: float
    megabytes: float
    cpu_seconds: float


def measured(function: str, *arguments: object) -> Cost:
    """Return what `module:function(*arguments)`'s returned callable costs. What the function itself
    does to get ready is not timed."""
    command = [sys.executable, "-m", "tests.bench.fresh", function, json.dumps(arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    return Cost(*map(float, done.stdout.split()[-3:]))


def main() -> None:
    module, name = sys.argv[1].split(":")
    ready = getattr(importlib.import_module(module), name)(*json.loads(sys.argv[2]))
    started, busy = time.perf_counter(), time.process_time()
    ready()
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - busy
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert peak
    print(seconds, int(peak[1]) / 1024, cpu_seconds)


if __name__ == "__main__":
    main()
