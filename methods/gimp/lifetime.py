"""Lifetime of a worker: one for each GIMP, announced in a private folder, ended with GIMP."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import stat
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import psutil
from filelock import FileLock, Timeout

from methods.errors import InputError
from methods.files import write_atomically
from methods.gimp.version import PROTOCOL_VERSION

# Far longer than a worker that is ending needs to release its lock.
LOCK_SECONDS = 3.0
WATCH_SECONDS = 1.0
LOG_BYTES = 2**20
# Above the default of 0: the kernel kills this process before GIMP, which has unsaved images.
OOM_SCORE = "500"
TOKEN_BYTES = 32
FILES = re.compile(r"gimp-(\d+)\.(json|sock|log|lock)")


@dataclass(frozen=True)
class Start:
    """What the plug-in sends to the worker that it starts."""

    token: bytes  # the shared secret
    state: Path  # the file that announces the address of the worker
    gimp: int  # the process id of GIMP
    suite_version: str  # of the suite that installed the plug-in

    def sibling(self, suffix: str) -> Path:
        """Return the path of another file of this worker."""
        return self.state.with_suffix(suffix)


def parse(line: str) -> Start:
    """Return the content of the line on standard input. Raises InputError if it is not valid."""
    try:
        message = json.loads(line)
        token = bytes.fromhex(message["token"])
        version = str(message.get("suite_version", "0.1.0"))
        start = Start(token, Path(message["state"]), int(message["gimp"]), version)
        protocol_version = message["protocol"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(
            f"standard input must hold the line that GIMP's plug-in writes ({error!r}): this "
            "command is not for people"
        ) from None
    if protocol_version != PROTOCOL_VERSION:
        raise InputError(
            f"the plug-in uses protocol {protocol_version}, this suite {PROTOCOL_VERSION}: "
            "run `python -m methods gimp install` again"
        )
    if len(token) != TOKEN_BYTES or not start.state.is_absolute():
        raise InputError(f"a token of {TOKEN_BYTES} bytes and an absolute state file are needed")
    return start


def check_private(folder: Path) -> None:
    """Raise InputError unless only this user can read `folder`."""
    try:
        info = folder.lstat()
    except OSError as error:
        raise InputError(f"{folder}: {error.strerror}") from None
    # On Windows every user has their own temporary folder.
    if sys.platform == "win32":
        return
    if not stat.S_ISDIR(info.st_mode) or info.st_uid != os.getuid() or info.st_mode & 0o077:
        raise InputError(f"{folder} is not a folder of yours alone (mode 700): remove it")


def acquire_lock(start: Start) -> FileLock | None:
    """Return the lock that the worker of this GIMP holds; None if another worker has it."""
    lock = FileLock(start.sibling(".lock"), mode=0o600)
    try:
        lock.acquire(timeout=LOCK_SECONDS)
    except Timeout:
        return None
    return lock


def listen_address(start: Start) -> str:
    """Return the address of a new socket, or of a pipe on Windows."""
    if sys.platform == "win32":
        return rf"\\.\pipe\inpainting-suite-{os.getpid()}-{secrets.token_hex(8)}"
    path = start.sibling(".sock")
    path.unlink(missing_ok=True)
    return str(path)


def announce(start: Start, address: str) -> None:
    """Write the state file, from which clients learn address and token."""
    state = {
        "protocol": PROTOCOL_VERSION,
        "suite_version": start.suite_version,
        "address": address,
        "token": start.token.hex(),
        "pid": os.getpid(),
    }
    write_atomically(start.state, json.dumps(state), private=True)


def exit_now(start: Start) -> NoReturn:
    """End this process at once: the computation of a network cannot be interrupted otherwise."""
    if _is_ours(start.state):
        start.state.unlink(missing_ok=True)
    start.sibling(".sock").unlink(missing_ok=True)
    os._exit(0)


def find_process(pid: int) -> psutil.Process:
    """Return a running process. Raises InputError if there is none that can be seen."""
    try:
        # psutil distinguishes it from a later process with the same id.
        return psutil.Process(pid)
    except psutil.NoSuchProcess:
        raise InputError(
            f"GIMP (process {pid}) cannot be seen from here: it has ended, or it runs in a sandbox "
            "(Flatpak, Snap), where the plug-in cannot work"
        ) from None


def watch(start: Start, gimp: psutil.Process) -> NoReturn:
    """End this process when GIMP has ended or the state file is gone; keep the log short."""
    while _runs(gimp) and _is_ours(start.state):
        time.sleep(WATCH_SECONDS)
        with contextlib.suppress(OSError):
            if start.sibling(".log").stat().st_size > LOG_BYTES:
                os.truncate(start.sibling(".log"), 0)
    exit_now(start)


def redirect_output(path: Path) -> None:
    """Append all output of this process to a file, including that of C libraries."""
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(log, stream)
    os.close(log)
    # The plug-in may have created it with another mode.
    path.chmod(0o600)


def prefer_as_oom_victim() -> None:
    """Ask the kernel to kill this process first when memory runs out, if the system supports it."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(OOM_SCORE, encoding="ascii")


def remove_leftovers(folder: Path) -> None:
    """Remove the files of workers whose GIMP has ended."""
    for path in folder.iterdir():
        match = FILES.fullmatch(path.name)
        if match and not psutil.pid_exists(int(match[1])):
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
