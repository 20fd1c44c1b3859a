"""A worker's life: one for each GIMP, found through a file in a private folder, ended with GIMP."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import stat
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import psutil
from filelock import FileLock, Timeout

from methods.gimp import protocol

# Seconds; one that is just ending needs far less.
LOCK_SECONDS = 3.0
WATCH_SECONDS = 1.0
LOG_BYTES = 2**20
# What the kernel kills first when memory runs out: this process, not GIMP with unsaved pictures.
OOM_SCORE = "500"
TOKEN_BYTES = 32
FILES = re.compile(r"gimp-(\d+)\.(json|sock|log|lock)")


@dataclass(frozen=True)
class Start:
    """What the plug-in tells the worker that it starts.

    token: what both sides prove to know; state: the file that tells where the worker listens;
    gimp: process id of GIMP; suite_version: of the suite that the plug-in was installed by."""

    token: bytes
    state: Path
    gimp: int
    suite_version: str

    def beside(self, suffix: str) -> Path:
        """Another file of this worker."""
        return self.state.with_suffix(suffix)


def parse(line: str) -> Start:
    """`Start` from the JSON line on standard input. Raises ValueError for anything else."""
    try:
        told = json.loads(line)
        token = bytes.fromhex(told["token"])
        start = Start(
            token, Path(told["state"]), int(told["gimp"]), str(told.get("suite_version", "0.1.0"))
        )
        version = told["protocol"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(
            f"standard input must hold the line that GIMP's plug-in writes ({error!r}): this "
            "command is not for people"
        ) from None
    if version != protocol.VERSION:
        raise ValueError(
            f"the plug-in speaks protocol {version}, this suite {protocol.VERSION}: "
            "run `python -m methods gimp install` again"
        )
    if len(token) != TOKEN_BYTES or not start.state.is_absolute():
        raise ValueError(f"a token of {TOKEN_BYTES} bytes and an absolute state file are needed")
    return start


def check_private(folder: Path) -> None:
    """Raise ValueError unless `folder` is readable for this user alone."""
    try:
        found = folder.lstat()
    except OSError as error:
        raise ValueError(f"{folder}: {error.strerror}") from None
    # Windows gives every user a temporary folder of their own.
    if sys.platform == "win32":
        return
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise ValueError(f"{folder} is not a folder of yours alone (mode 700): remove it")


def claim(start: Start) -> FileLock | None:
    """The right to be the worker of this GIMP, until the process ends; None if another has it."""
    lock = FileLock(start.beside(".lock"), mode=0o600)
    try:
        lock.acquire(timeout=LOCK_SECONDS)
    except Timeout:
        return None
    return lock


def address(start: Start) -> str:
    """Where to listen."""
    if sys.platform == "win32":
        return rf"\\.\pipe\inpainting-suite-{os.getpid()}-{secrets.token_hex(8)}"
    path = start.beside(".sock")
    path.unlink(missing_ok=True)
    return str(path)


def announce(start: Start, address: str) -> None:
    """Write the state file, whole or not at all: from now on the worker can be found."""
    told = {
        "protocol": protocol.VERSION,
        "suite_version": start.suite_version,
        "address": address,
        "token": start.token.hex(),
        "pid": os.getpid(),
    }
    # mkstemp makes files with mode 600.
    handle, name = tempfile.mkstemp(dir=start.state.parent, prefix="new-")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(told, file)
    Path(name).replace(start.state)


def end(start: Start) -> NoReturn:
    """End this process at once: a network that computes cannot be interrupted otherwise."""
    if _is_ours(start.state):
        start.state.unlink(missing_ok=True)
    start.beside(".sock").unlink(missing_ok=True)
    os._exit(0)


def process(pid: int) -> psutil.Process:
    """A running process, which psutil tells from a later one with the same id.

    Raises ValueError where it cannot be seen."""
    try:
        return psutil.Process(pid)
    except psutil.NoSuchProcess:
        raise ValueError(
            f"GIMP (process {pid}) cannot be seen from here: it has ended, or it runs in a sandbox "
            "(Flatpak, Snap), where the plug-in cannot work"
        ) from None


def watch(start: Start, gimp: psutil.Process) -> NoReturn:
    """End this process when GIMP is gone, or nobody can find the worker any more; until then
    keep the log short."""
    while _runs(gimp) and _is_ours(start.state):
        time.sleep(WATCH_SECONDS)
        with contextlib.suppress(OSError):
            if start.beside(".log").stat().st_size > LOG_BYTES:
                os.truncate(start.beside(".log"), 0)
    end(start)


def log_to(path: Path) -> None:
    """Send all that this process prints, libraries in C too, to the end of a file."""
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(log, stream)
    os.close(log)
    # The plug-in may have made it.
    path.chmod(0o600)


def die_first() -> None:
    """Ask the kernel to kill this process before others when memory runs out, where it can."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(OOM_SCORE)


def sweep(folder: Path) -> None:
    """Remove what workers left behind whose GIMP is gone."""
    for path in folder.iterdir():
        found = FILES.fullmatch(path.name)
        if found and not psutil.pid_exists(int(found[1])):
            path.unlink(missing_ok=True)


def _runs(gimp: psutil.Process) -> bool:
    try:
        return gimp.is_running() and gimp.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _is_ours(state: Path) -> bool:
    try:
        return bool(json.loads(state.read_text(encoding="utf-8"))["pid"] == os.getpid())
    except (OSError, ValueError, KeyError, TypeError):
        return False
