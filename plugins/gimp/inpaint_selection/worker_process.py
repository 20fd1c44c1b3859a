"""Finding the worker of this GIMP, or starting it."""

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
# By these GIMP tells its own Python where its libraries are; the suite's has others.
FOREIGN = {"PYTHONHOME", "PYTHONPATH"}
# By these a GIMP that brings its libraries along tells its programs of them. Elsewhere they are the
# user's, and the suite's Python may need them.
BUNDLED = {"LD_LIBRARY_PATH", "LD_PRELOAD"}
APP_IMAGE = "APPDIR"


class WorkerError(PlugInError):
    """The worker refused, failed, died or is silent; kind says which."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True)
class Place:
    """Where the worker of one GIMP is told of: its state file and its log in the private folder."""

    environment: Environment
    folder: Path
    gimp: int

    @property
    def state(self) -> Path:
        return self.folder / f"gimp-{self.gimp}.json"

    @property
    def log(self) -> Path:
        return self.state.with_suffix(".log")

    def told(self) -> dict[str, Any] | None:
        """The state file's content, None where there is none that can be read."""
        try:
            told = json.loads(self.state.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return told if isinstance(told, dict) else None


def connect(place: Place, beat: Callable[[], None]) -> Connection:
    """A connection to the running worker, or to one started now. Raises: WorkerError.

    beat() is called now and then while a worker starts, which may take longer than its silence may.
    """
    end_other_version(place)
    connection = _connect(place.told())
    if connection is not None:
        return connection
    child = _start(place)
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        connection = _connect(place.told())
        if connection is not None:
            return connection
        # One that ends with 0 found another that had just been started.
        if child.poll():
            raise WorkerError("failed", f"The worker did not start: {_last_line(place.log)}")
        beat()
        time.sleep(POLL_SECONDS)
    child.kill()
    raise WorkerError(
        "timed_out",
        f"The worker did not start in {START_SECONDS:.0f} seconds; its log is {place.log}.",
    )


def end(place: Place) -> None:
    """Ends the worker, which must be known to be alive: its process id may have a new owner."""
    told = place.told()
    if told and isinstance(told.get("pid"), int):
        with contextlib.suppress(OSError):
            os.kill(told["pid"], getattr(signal, "SIGKILL", signal.SIGTERM))
        place.state.unlink(missing_ok=True)


def end_other_version(place: Place) -> None:
    """Ends a worker that was started before the suite was updated."""
    told = place.told()
    ours = {"protocol": PROTOCOL, "suite_version": place.environment.suite_version}
    if told and any(told.get(key) != value for key, value in ours.items()):
        connection = _connect(told)
        if connection is not None:
            connection.close()
            end(place)


def _connect(told: dict[str, Any] | None) -> Connection | None:
    if told is None:
        return None
    try:
        return Client(told["address"], authkey=bytes.fromhex(told["token"]))
    except (OSError, EOFError, AuthenticationError, KeyError, TypeError, ValueError):
        return None  # left behind by a worker that is gone


def _start(place: Place) -> subprocess.Popen[bytes]:
    hidden = {
        "protocol": PROTOCOL,
        "token": secrets.token_hex(32),
        "state": str(place.state),
        "gimp": place.gimp,
        "suite_version": place.environment.suite_version,
    }
    # On its own: it must outlive this process, which GIMP starts anew for every call and may kill.
    own: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        own = {"creationflags": subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP}
    try:
        with place.log.open("ab") as log:
            child = subprocess.Popen(
                [place.environment.python, "-m", "methods", "gimp", "worker"],
                cwd=place.environment.root or place.folder,
                env=suites_own(os.environ),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                **own,
            )
    except OSError as error:
        remedy = f"run `{INSTALL}` in the inpainting suite again"
        told = f"{place.environment.python} cannot be started ({error.strerror}): {remedy}."
        raise WorkerError("failed", told) from None
    # Through its standard input: command lines and environments can be read by others.
    assert child.stdin is not None
    with contextlib.suppress(OSError), child.stdin as secret:  # gone already: the log says why
        secret.write(json.dumps(hidden).encode() + b"\n")
    return child


def suites_own(variables: Mapping[str, str]) -> dict[str, str]:
    """Environment variables for the suite's Python: without those that mean GIMP's libraries."""
    foreign = FOREIGN | (BUNDLED if APP_IMAGE in variables else set())
    return {name: value for name, value in variables.items() if name not in foreign}


def _last_line(log: Path) -> str:
    lines = [
        line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line
    ]
    return lines[-1] if lines else "it said nothing."
