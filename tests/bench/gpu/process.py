"""A process for measurements, which may crash or hang without ending the bench."""

from __future__ import annotations

import contextlib
import importlib
import multiprocessing
import traceback
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import Any

from methods.errors import MissingRequirementError, is_out_of_memory

CONTEXT = multiprocessing.get_context("spawn")


class MeasurementError(Exception):
    """A measurement that was not made; `status` is what the table says."""

    def __init__(self, status: str, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Measurer:
    """A process that calls functions, given as "module:function", one after the other."""

    def __init__(self) -> None:
        self._ours, theirs = CONTEXT.Pipe()
        # Not as a daemon, which may start no processes: a run does.
        self._process = CONTEXT.Process(target=_serve, args=(theirs,))
        self._process.start()
        theirs.close()

    def begin(self, function: str, arguments: Sequence[Any]) -> None:
        """Start a call; `result` waits for it."""
        # One that has ended is told by `result`.
        with contextlib.suppress(OSError):
            self._ours.send((function, list(arguments)))

    def result(self, timeout_s: float) -> dict[str, Any]:
        """Return what the function returned. Raises MeasurementError; the process is ended then."""
        try:
            if not self._ours.poll(max(0.0, timeout_s)):
                self.close()
                raise MeasurementError("timed out", f"no result within {timeout_s:.0f} s")
            status, found = self._ours.recv()
        except (EOFError, OSError):
            self._process.join()
            code = self._process.exitcode
            raise MeasurementError("failed", f"the process ended with exit code {code}") from None
        if status != "ok":
            self.close()
            raise MeasurementError(status, found)
        return dict(found)

    def call(self, function: str, arguments: Sequence[Any], timeout_s: float) -> dict[str, Any]:
        """Call a function and wait for it. Raises MeasurementError."""
        self.begin(function, arguments)
        return self.result(timeout_s)

    def close(self) -> None:
        """End the process, also in the middle of a call."""
        self._process.kill()
        self._process.join()
        self._ours.close()

    @property
    def is_alive(self) -> bool:
        return self._process.is_alive()


def _serve(connection: Connection) -> None:
    while True:
        try:
            function, arguments = connection.recv()
        except (EOFError, KeyboardInterrupt):
            return
        connection.send(_answer(function, arguments))


def _answer(function: str, arguments: list[Any]) -> tuple[str, Any]:
    module, name = function.split(":")
    try:
        return "ok", getattr(importlib.import_module(module), name)(*arguments)
    except ImportError as error:
        return "left out", f"{error}: this row needs it"
    except MissingRequirementError as error:
        return "failed", str(error)
    except Exception as error:
        reason = " ".join(str(error).split())[:300]
        if is_out_of_memory(error):
            return "out of memory", reason
        traceback.print_exc()
        return "failed", f"{type(error).__name__}: {reason}"
