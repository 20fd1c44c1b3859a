"""The plug-in's side of the worker's protocol: asks, waits, gives up on one that is silent.

JSON objects and raw payloads over multiprocessing.connection, never pickles; see `methods/gimp`.
"""

from __future__ import annotations

import json
import os
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
from worker_process import POLL_SECONDS, Place, WorkerError

# The worker gives a sign of life every second.
SILENCE_SECONDS = 120.0
# Said by the worker once it works for us: what ends after that was no accident of starting.
BEGUN = ("Loading", "Filling")
STARTING = "Starting the worker"

Message = dict[str, Any]
Answer = tuple[Message, list[bytes]]
Tell = Callable[[float | None, str], None]


@dataclass(frozen=True)
class Worker:
    """The worker of one GIMP: started by whoever asks first, found again by the others.

    environment: the suite; folder: the private one of sockets and logs; gimp: process id of GIMP,
    whose end is the worker's; silence: seconds without a sign of life after which it is ended.
    """

    environment: Environment
    folder: Path
    gimp: int
    silence: float = SILENCE_SECONDS

    def methods(self, tell: Tell) -> Message:
        """`methods`, each with name, summary, ready and why, and `devices`. Raises: WorkerError."""
        return self._ask({"op": "methods"}, (), tell)[0]

    def fill(
        self, method: str, device: str, size: tuple[int, int], rgb: bytes, mask: bytes, tell: Tell
    ) -> bytes:
        """The filled image, width * height * 3 bytes.

        size: (width, height); rgb: width * height * 3 bytes; mask: width * height bytes, 255 =
        hole, 0 = known; tell(fraction or None, text) is called ten times a second in this thread.
        Raises: WorkerError.
        """
        width, height = size
        request: Message = {"op": "fill", "method": method, "device": device}
        request |= {"width": width, "height": height}
        _, payloads = self._ask(request, (rgb, mask), tell)
        if len(payloads) != 1 or len(payloads[0]) != len(rgb):
            raise WorkerError("failed", "The worker's answer has the wrong size.")
        return payloads[0]

    def _ask(self, request: Message, payloads: Sequence[bytes], tell: Tell) -> Answer:
        place = Place(self.environment, self.folder, self.gimp)
        asking = _Asking(place, request, payloads)
        # Not joined at exit: it may wait for a hung worker for ever.
        threading.Thread(target=asking.run, daemon=True).start()
        fraction, text = None, STARTING
        heard = time.monotonic()
        while True:
            try:
                event = asking.events.get(timeout=POLL_SECONDS)
            except queue.Empty:
                event = None
            if isinstance(event, Exception):
                raise event
            if isinstance(event, tuple):
                return event
            if event is not None:
                fraction, text = event.get("progress"), str(event.get("text", ""))
                heard = time.monotonic()
            elif time.monotonic() - heard > self.silence:
                worker_process.end(place)
                raise WorkerError("timed_out", _silent(self.silence, place))
            tell(fraction, text)


class _Asking:
    """One request, in a thread; events are progress messages, then the answer or an exception."""

    def __init__(self, place: Place, request: Message, payloads: Sequence[bytes]) -> None:
        self.place = place
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
                with worker_process.connect(self.place, self._starting) as connection:
                    self._send(connection)
                    while "progress" in (message := _receive(connection)):
                        begun = begun or str(message.get("text")).startswith(BEGUN)
                        self.events.put(message)
                    return _checked(message), _payloads(connection, message)
            except (OSError, EOFError):
                # A worker that another call's cancel has ended: that is no failure of ours.
                if begun:
                    break
        raise WorkerError("died", f"The worker has died; its log is {self.place.log}.")

    def _starting(self) -> None:
        self.events.put({"progress": None, "text": STARTING})

    def _send(self, connection: Connection) -> None:
        connection.send_bytes(json.dumps(self.request).encode())
        try:
            for payload in self.payloads:
                connection.send_bytes(payload)
        except OSError:
            # A refused request is answered before its payloads are read.
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


def _silent(seconds: float, place: Place) -> str:
    return f"The worker did not answer for {seconds:.0f} seconds and was ended: {place.log}."


def for_this_gimp(environment: Environment, folder: Path) -> Worker:
    """The worker of the GIMP that started this process."""
    return Worker(environment, folder, os.getppid())
