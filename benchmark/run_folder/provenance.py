"""Where numbers come from: versions, machine, commit, for run.json."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import tomllib
from importlib.metadata import distributions
from importlib.metadata import version as distribution_version
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


def suite() -> dict[str, Any]:
    """Return version and commit of the suite, and whether tracked files differ from the commit.

    Commit and difference are None outside a checkout."""
    commit = changed = None
    # An installed suite may lie inside a repository of the user's, whose commit says nothing.
    if (ROOT / ".git").exists():
        commit = _output("git", "-C", str(ROOT), "rev-parse", "HEAD")
        changed = _output("git", "-C", str(ROOT), "status", "--porcelain", "--untracked-files=no")
    return {
        "version": _version(),
        "commit": commit,
        "modified": bool(changed) if commit else None,
    }


def _version() -> str:
    project = ROOT / "pyproject.toml"
    if project.is_file():
        return tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"]
    return distribution_version("inpainting-suite")


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
