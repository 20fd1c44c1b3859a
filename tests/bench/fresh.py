"""Seconds and peak memory of a function in a process of its own."""

from __future__ import annotations

import importlib
import json
import re
import subprocess
import sys
import time
from pathlib import Path

from tests.paths import ROOT


def measured(function: str, *arguments: object) -> tuple[float, float]:
    """Seconds of `module:function(*arguments)`'s returned callable, and the peak resident memory
    of the whole process in MB (2**20 bytes), Python and libraries included. What the function
    itself does to get ready is not timed."""
    command = [sys.executable, "-m", "tests.bench.fresh", function, json.dumps(arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    seconds, peak = done.stdout.split()[-2:]
    return float(seconds), float(peak)


def main() -> None:
    module, name = sys.argv[1].split(":")
    ready = getattr(importlib.import_module(module), name)(*json.loads(sys.argv[2]))
    started = time.perf_counter()
    ready()
    seconds = time.perf_counter() - started
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert peak
    print(seconds, int(peak[1]) / 1024)


if __name__ == "__main__":
    main()
