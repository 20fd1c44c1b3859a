"""Versions, machine and commit for run.json."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from methods.libraries import ROOT, suite_version


def machine() -> dict[str, Any]:
    """Return hardware and operating system of this machine; unknown values are None."""
    memory = _search(r"MemTotal:\s+(\d+) kB", "/proc/meminfo")
    return {
        "system": platform.platform(),
        "processor": _search(r"model name\s*:\s*(.+)", "/proc/cpuinfo") or platform.processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None,
        "memory_mb": int(memory) // 1024 if memory else None,
        "gpus": _output("nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"),
    }


def versions() -> dict[str, str]:
    """Return the versions of Python and of every installed distribution."""
    installed: dict[str, tuple[str, str]] = {}
    for item in distributions():
        # Read here: to parse all metadata of everything that is installed takes ten times longer.
        metadata = item.read_text("METADATA") or item.read_text("PKG-INFO") or ""
        name, version = (_field(metadata, field) for field in ("Name", "Version"))
        if name and version:
            # Of several, however spelt, Python imports the first one on its path.
            installed.setdefault(re.sub(r"[-_.]+", "-", name).lower(), (name, version))
    return {"python": platform.python_version(), **dict(sorted(installed.values()))}


def suite() -> dict[str, Any]:
    """Return the suite's version and, of a checkout, commit and whether tracked files differ."""
    commit = changed = None
    # An installed suite may lie inside a repository of the user's, whose commit says nothing.
    if (ROOT / ".git").exists():
        commit = _output("git", "-C", str(ROOT), "rev-parse", "HEAD")
        changed = _output("git", "-C", str(ROOT), "status", "--porcelain", "--untracked-files=no")
    return {
        "version": suite_version(),
        "commit": commit,
        "modified": bool(changed) if commit else None,
    }


def _field(metadata: str, name: str) -> str | None:
    match = re.search(rf"^{name}:[ \t]*(\S+)", metadata, re.MULTILINE)
    return match[1] if match else None


def _search(pattern: str, file: str) -> str | None:
    path = Path(file)
    if not path.exists():
        return None
    match = re.search(pattern, path.read_text(encoding="utf-8", errors="replace"))
    return match[1].strip() if match else None


def _output(*command: str) -> str | None:
    if shutil.which(command[0]) is None:
        return None
    try:
        done = subprocess.run(command, capture_output=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode(errors="replace").strip() or None if done.returncode == 0 else None
