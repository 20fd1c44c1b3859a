"""Connect to the worker of this GIMP, or start it."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection
from pathlib import Path
from typing import Any

from environment import INSTALL, PROTOCOL, Environment, PlugInError

START_SECONDS = 180.0
POLL_SECONDS = 0.1
# Variables for GIMP's own Python; the suite's Python has other libraries.
FOREIGN = {"PYTHONHOME", "PYTHONPATH"}
# Variables for libraries bundled with GIMP in an AppImage. Otherwise they are set by the user, and
# the suite's Python may need them.
BUNDLED = {"LD_LIBRARY_PATH", "LD_PRELOAD"}
APP_IMAGE = "APPDIR"


class WorkerError(PlugInError):
    """The worker refused or failed, died or is silent: see `kind`."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True)
class WorkerFiles:
    """The state file and the log of the worker of one GIMP, in the private folder."""

    environment: Environment
    folder: Path
    gimp: int

    @property
    def state_file(self) -> Path:
        return self.folder / f"gimp-{self.gimp}.json"

    @property
    def log(self) -> Path:
        return self.state_file.with_suffix(".log")

    def state(self) -> dict[str, Any] | None:
        """Return the content of the state file, None if it cannot be read."""
        try:
            state = json.loads(self.state_file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return state if isinstance(state, dict) else None


def connect(files: WorkerFiles, report_start: Callable[[], None]) -> Connection:
    """Connect to the running worker, or start one. Raises WorkerError.

    `report_start` is called repeatedly while a worker starts, so that the client does not time
    out."""
    _kill_other_version(files)
    connection = _connect(files.state())
    if connection is not None:
        return connection
    child = _start(files)
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        connection = _connect(files.state())
        if connection is not None:
            return connection
        # Exit code 0: another worker has just been started.
        if child.poll():
            raise WorkerError("failed", f"The worker did not start: {_last_line(files.log)}")
        report_start()
        time.sleep(POLL_SECONDS)
    child.kill()
    raise WorkerError(
        "timed_out",
        f"The worker did not start in {START_SECONDS:.0f} seconds; its log is {files.log}.",
    )


def kill(files: WorkerFiles) -> None:
    """Kill the worker. It must be alive: otherwise its process id may belong to another process."""
    state = files.state()
    if state and isinstance(state.get("pid"), int):
        with contextlib.suppress(OSError):
            os.kill(state["pid"], getattr(signal, "SIGKILL", signal.SIGTERM))
        files.state_file.unlink(missing_ok=True)


def suite_variables(variables: Mapping[str, str]) -> dict[str, str]:
    """Return environment variables for the suite's Python, without those for GIMP's libraries."""
    foreign = FOREIGN | (BUNDLED if APP_IMAGE in variables else set())
    return {name: value for name, value in variables.items() if name not in foreign}


def _kill_other_version(files: WorkerFiles) -> None:
    """Kill a worker that was started before the suite was updated."""
    state = files.state()
    ours = {"protocol": PROTOCOL, "suite_version": files.environment.suite_version}
    if state and any(state.get(key) != value for key, value in ours.items()):
        connection = _connect(state)
        if connection is not None:
            connection.close()
            kill(files)


def _connect(state: dict[str, Any] | None) -> Connection | None:
    if state is None:
        return None
    try:
        return Client(state["address"], authkey=bytes.fromhex(state["token"]))
    except (OSError, EOFError, AuthenticationError, KeyError, TypeError, ValueError):
        return None  # the state of a worker that has ended


def _start(files: WorkerFiles) -> subprocess.Popen[bytes]:
    message = {
        "protocol": PROTOCOL,
        "token": secrets.token_hex(32),
        "state": str(files.state_file),
        "gimp": files.gimp,
        "suite_version": files.environment.suite_version,
    }
    # In its own session: it must outlive this process, which GIMP starts for one call and may kill.
    session: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        session = {
            "creationflags": subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP
        }
    try:
        with files.log.open("ab") as log:
            child = subprocess.Popen(
                [files.environment.python, "-m", "methods", "gimp", "worker"],
                cwd=files.environment.root or files.folder,
                env=suite_variables(os.environ),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                **session,
            )
    except OSError as error:
        remedy = f"run `{INSTALL}` in the inpainting suite again"
        problem = f"{files.environment.python} cannot be started ({error.strerror})"
        raise WorkerError("failed", f"{problem}: {remedy}.") from None
    # Through standard input: other users can read command lines and environments.
    assert child.stdin is not None
    with contextlib.suppress(OSError), child.stdin as pipe:  # if it has ended, the log says why
        pipe.write(json.dumps(message).encode() + b"\n")
    return child


def _last_line(log: Path) -> str:
    lines = [
        line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line
    ]
    return lines[-1] if lines else "it printed nothing."
