"""The plug-in's side of the worker's protocol: send a request, wait, time out.

JSON objects and raw payloads over multiprocessing.connection, never pickles; see `methods/gimp`.
"""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import worker_process
from environment import Environment
from worker_process import POLL_SECONDS, WorkerError, WorkerFiles

# The worker sends a sign of life every second.
SILENCE_SECONDS = 120.0
# Texts that the worker sends after a request has started: from then on it is not repeated.
BEGUN = ("Loading", "Filling")
STARTING = "Starting the worker"

Message = dict[str, Any]
Answer = tuple[Message, list[bytes]]
Report = Callable[[float | None, str], None]


@dataclass(frozen=True)
class Worker:
    """The worker of one GIMP: the first request starts it, later ones use it.

    `folder` is the private folder of sockets and logs, `gimp` the process id of GIMP; after
    `silence` seconds without a sign of life the worker is killed."""

    environment: Environment
    folder: Path
    gimp: int
    silence: float = SILENCE_SECONDS

    def methods(self, report: Report) -> Message:
        """Return `methods` (name, summary, ready, why) and `devices`. Raises WorkerError."""
        return self._ask({"op": "methods"}, (), report)[0]

    def fill(
        self,
        method: str,
        device: str,
        size: tuple[int, int],
        rgb: bytes,
        mask: bytes,
        report: Report,
    ) -> bytes:
        """Return the filled image, width * height * 3 bytes. Raises WorkerError.

        `size` is (width, height), `mask` has one byte a pixel, 255 = hole, 0 = known;
        report(fraction or None, text) is called ten times a second in this thread."""
        width, height = size
        request: Message = {"op": "fill", "method": method, "device": device}
        request |= {"width": width, "height": height}
        _, payloads = self._ask(request, (rgb, mask), report)
        if len(payloads) != 1 or len(payloads[0]) != len(rgb):
            raise WorkerError("failed", "The worker's answer has the wrong size.")
        return payloads[0]

    def _ask(self, request: Message, payloads: Sequence[bytes], report: Report) -> Answer:
        files = WorkerFiles(self.environment, self.folder, self.gimp)
        exchange = _Exchange(files, request, payloads)
        # A daemon: it may wait for a hung worker forever.
        threading.Thread(target=exchange.run, daemon=True).start()
        fraction, text = None, STARTING
        last_event = time.monotonic()
        while True:
            try:
                event = exchange.events.get(timeout=POLL_SECONDS)
            except queue.Empty:
                event = None
            if isinstance(event, Exception):
                raise event
            if isinstance(event, tuple):
                return event
            if event is not None:
                fraction, text = event.get("progress"), str(event.get("text", ""))
                last_event = time.monotonic()
            elif time.monotonic() - last_event > self.silence:
                worker_process.kill(files)
                raise WorkerError("timed_out", _silent(self.silence, files))
            report(fraction, text)


class _Exchange:
    """One request, in a thread; events are progress messages, then the answer or an exception."""

    def __init__(self, files: WorkerFiles, request: Message, payloads: Sequence[bytes]) -> None:
        self.files = files
        self.request = request | {"payloads": [len(payload) for payload in payloads]}
        self.payloads = payloads
        self.events: queue.Queue[Message | Answer | Exception] = queue.Queue()

    def run(self) -> None:
        try:
            self.events.put(self._answer())
        except Exception as error:
            self.events.put(error)

    def _answer(self) -> Answer:
        for _ in range(2):
            begun = False
            try:
                with worker_process.connect(self.files, self._starting) as connection:
                    self._send(connection)
                    while "progress" in (message := _receive(connection)):
                        begun = begun or str(message.get("text")).startswith(BEGUN)
                        self.events.put(message)
                    return _checked(message), _payloads(connection, message)
            except (OSError, EOFError):
                # Another call's cancellation may have killed the worker: try a new one.
                if begun:
                    break
        raise WorkerError("died", f"The worker has died; its log is {self.files.log}.")

    def _starting(self) -> None:
        self.events.put({"progress": None, "text": STARTING})

    def _send(self, connection: Connection) -> None:
        connection.send_bytes(json.dumps(self.request).encode())
        try:
            for payload in self.payloads:
                connection.send_bytes(payload)
        except OSError:
            # The worker answers an invalid request before it has read the payloads.
            if not connection.poll():
                raise


def _receive(connection: Connection) -> Message:
    try:
        message = json.loads(connection.recv_bytes())
    except ValueError:
        message = None
    if not isinstance(message, dict):
        raise WorkerError("failed", "The worker's answer is not understood.")
    return message


def _checked(message: Message) -> Message:
    if message.get("ok") is not True:
        text = str(message.get("message") or "The worker gave no reason.")
        raise WorkerError(str(message.get("kind", "failed")), text)
    return message


def _payloads(connection: Connection, message: Message) -> list[bytes]:
    return [connection.recv_bytes() for _ in message.get("payloads", [])]


def _silent(seconds: float, files: WorkerFiles) -> str:
    return f"The worker did not answer for {seconds:.0f} seconds and was ended: {files.log}."
