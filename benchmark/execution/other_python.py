"""An inference process in another Python, for a method whose libraries are in that environment."""

from __future__ import annotations

import json
import math
import os
import subprocess
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

from pebble import ProcessExpired

from benchmark.execution.process_groups import end_group
from benchmark.planning.interpreters import command, environment

# The start of the interpreter is no part of a case; on a network drive it may take long.
START_S = 300.0
# How often a silent process is looked at: what it has started may keep its output open.
LOOK_S = 1.0
# How long a process whose output has ended may take to end itself.
END_S = 3.0


class OtherPython:
    """One process of another Python, with the part of `pebble.ProcessPool` that inference uses.

    It runs `inference_child.serve`; calls, "taken" and results are lines of JSON. One that has
    ended is started again by the next call.
    """

    def __init__(self, python: str, scratch: Path) -> None:
        self.active = True
        self._python = python
        self._scratch = scratch
        self._process: subprocess.Popen[bytes] | None = None
        self._thread: threading.Thread | None = None
        self._received = b""

    def schedule(
        self, _function: object, args: Sequence[Any], timeout: float | None
    ) -> Future[dict[str, Any]]:
        """Start a call of `inference_child.run`; one at a time.

        The future's errors are pebble's: TimeoutError, ProcessExpired, and BrokenProcessPool if the
        process has ended before it has taken the call.
        """
        if self._process is None or self._process.poll() is not None:
            try:
                self._start()
            except OSError:
                raise BrokenProcessPool from None
        future: Future[dict[str, Any]] = Future()
        self._thread = threading.Thread(
            target=self._complete, args=(future, args, timeout), daemon=True
        )
        self._thread.start()
        return future

    def stop(self) -> None:
        """End the process now, whatever it does."""
        self.active = False
        if self._process is not None:
            self._process.kill()

    def join(self) -> None:
        """Wait until the process and the call have ended."""
        if self._thread is not None:
            self._thread.join()
        self._end()

    def _start(self) -> None:
        self._end()
        with (self._scratch / "log.txt").open("wb") as log:
            self._process = subprocess.Popen(
                command(self._python, "benchmark.execution.inference_child"),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                bufsize=0,
                env=environment(),
            )
        self._send(str(self._scratch))

    def _complete(
        self, future: Future[dict[str, Any]], call: Sequence[Any], seconds: float | None
    ) -> None:
        try:
            future.set_result(self._answer(call, math.inf if seconds is None else seconds))
        except Exception as error:
            future.set_exception(error)

    def _answer(self, call: Sequence[Any], seconds: float) -> dict[str, Any]:
        try:
            self._send(call)
            self._receive(START_S)
        except OSError:
            self._end()
            raise BrokenProcessPool from None
        try:
            return json.loads(self._receive(seconds))
        except TimeoutError:
            self._end()
            raise
        except ConnectionError:
            raise ProcessExpired("", code=self._ended()) from None

    def _send(self, message: Any) -> None:
        assert self._process is not None and self._process.stdin is not None
        self._process.stdin.write(json.dumps(message).encode() + b"\n")

    def _receive(self, seconds: float) -> bytes:
        """Return the next line. Raises TimeoutError, ConnectionError if the process has ended."""
        assert self._process is not None and self._process.stdout is not None
        output, end = self._process.stdout.fileno(), time.monotonic() + seconds
        while b"\n" not in self._received:
            if wait([output], max(0, min(LOOK_S, end - time.monotonic()))):
                part = os.read(output, 2**16)
                if not part:
                    raise ConnectionError
                self._received += part
            elif self._process.poll() is not None:
                raise ConnectionError
            elif time.monotonic() >= end:
                raise TimeoutError
        line, _, self._received = self._received.partition(b"\n")
        return line

    def _ended(self) -> int:
        """Return the exit code of a process that is ending by itself."""
        assert self._process is not None
        process = self._process
        with suppress(subprocess.TimeoutExpired):
            process.wait(END_S)
        self._end()
        return process.returncode

    def _end(self) -> None:
        """Make sure that the process has ended, with all that it has started, and forget it."""
        self._received = b""
        if self._process is None:
            return
        end_group(self._process.pid)
        self._process.kill()
        # To a Python that a script has started, which was killed in its place.
        with suppress(OSError, ValueError):
            self._send(None)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()
        self._process = None
