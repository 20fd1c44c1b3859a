"""Where numbers come from: versions, machine, commit, for run.json."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def machine() -> dict[str, Any]:
    """Hardware and system of this machine; None for what it does not tell."""
    return {
        "system": platform.platform(),
        "processor": _find(r"model name\s*:\s*(.+)", "/proc/cpuinfo") or platform.processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None,
        "memory_mb": _memory_mb(),
        "gpus": _output("nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"),
    }


def versions() -> dict[str, str]:
    """Python and every installed distribution: all that can change a number."""
    installed = {item.metadata["Name"]: item.version for item in distributions()}
    return {"python": platform.python_version(), **dict(sorted(installed.items()))}


def git_commit() -> dict[str, Any]:
    """Commit of the suite and whether tracked files differ from it; None outside a checkout."""
    commit = _output("git", "-C", str(ROOT), "rev-parse", "HEAD")
    changed = _output("git", "-C", str(ROOT), "status", "--porcelain", "--untracked-files=no")
    return {"commit": commit, "modified": bool(changed) if commit else None}


def _memory_mb() -> int | None:
    kilobytes = _find(r"MemTotal:\s+(\d+) kB", "/proc/meminfo")
    return int(kilobytes) // 1024 if kilobytes else None


def _find(pattern: str, file: str) -> str | None:
    path = Path(file)
    found = re.search(pattern, path.read_text()) if path.exists() else None
    return found[1].strip() if found else None


def _output(*command: str) -> str | None:
    if shutil.which(command[0]) is None:
        return None
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    return done.stdout.strip() or None if done.returncode == 0 else None
