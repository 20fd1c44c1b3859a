"""The worker: fills what the plug-in sends, one after the other, until GIMP ends.

Each connection has a thread that reads and gives signs of life; the main thread computes.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing import AuthenticationError
from multiprocessing.connection import Connection, Listener, answer_challenge, deliver_challenge
from queue import SimpleQueue

from methods.gimp import filling, lifetime, protocol
from methods.gimp.filling import Kept, Wanted
from methods.gimp.lifetime import Start
from methods.gimp.protocol import BadRequestError, Message

SIGN_OF_LIFE_SECONDS = 1.0
# Before another attempt at accepting, where the system has run out of something.
PAUSE_SECONDS = 0.2


@dataclass
class Job:
    """A fill that a client waits for. What is sent of it, is sent under the lock."""

    connection: Connection
    wanted: Wanted
    text: str = "Waiting for another fill"
    running: bool = False
    done: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)


def run(line: str) -> None:
    """Serve one GIMP until it ends. Returns only where another worker serves it already.

    line: see `lifetime.parse`. Raises ValueError where it or its folder is not as it must be."""
    start = lifetime.parse(line)
    lifetime.check_private(start.state.parent)
    lifetime.log_to(start.beside(".log"))
    gimp = lifetime.process(start.gimp)
    lock = lifetime.claim(start)
    if lock is None:
        return
    lifetime.sweep(start.state.parent)
    lifetime.die_first()
    os.umask(0o077)
    address = lifetime.address(start)
    with Listener(address, backlog=8) as listener:
        lifetime.announce(start, address)
        threading.Thread(target=lifetime.watch, args=(start, gimp), daemon=True).start()
        jobs: SimpleQueue[Job] = SimpleQueue()
        threading.Thread(target=_accept, args=(listener, start, jobs), daemon=True).start()
        kept = Kept()
        while True:
            _work(jobs.get(), kept)


def _accept(listener: Listener, start: Start, jobs: SimpleQueue[Job]) -> None:
    while True:
        try:
            connection = listener.accept()
        except OSError:
            time.sleep(PAUSE_SECONDS)
            continue
        threading.Thread(target=_converse, args=(connection, start, jobs), daemon=True).start()


def _converse(connection: Connection, start: Start, jobs: SimpleQueue[Job]) -> None:
    """All that one client asks. Who does not know the token is not listened to."""
    with connection, contextlib.suppress(OSError, EOFError, AuthenticationError):
        deliver_challenge(connection, start.token)
        answer_challenge(connection, start.token)
        try:
            while True:
                _answer(connection, jobs, lambda: lifetime.end(start))
        except BadRequestError as error:
            protocol.send(connection, protocol.failure("bad_request", str(error)))
        except MemoryError:
            told = "there is no memory for so many pixels: select a smaller area"
            protocol.send(connection, protocol.failure("out_of_memory", told))


def _answer(connection: Connection, jobs: SimpleQueue[Job], end: Callable[[], None]) -> None:
    message, payloads = protocol.receive(connection)
    if message["op"] == "methods":
        protocol.send(connection, filling.listing())
        return
    image, mask = protocol.pair(message, payloads)
    job = Job(connection, Wanted(message["method"], message["device"], image, mask))
    jobs.put(job)
    _attend(job, end)


def _attend(job: Job, end: Callable[[], None]) -> None:
    """Give signs of life until the job is done. A client that is gone has cancelled it.

    Raises EOFError when it is gone before the job began."""
    while not job.done:
        # Nobody who waits for an answer has anything to say: data is the end of the stream.
        gone = job.connection.poll(SIGN_OF_LIFE_SECONDS)
        with job.lock:
            if job.done:
                return
            if gone or not _sent(job):
                job.done = True
                if job.running:
                    end()
                raise EOFError


def _work(job: Job, kept: Kept) -> None:
    with job.lock:
        if job.done:
            return
        job.running = True
    result: list[memoryview] = []
    try:
        image, seconds = filling.fill(kept, job.wanted, lambda text: _tell(job, text))
        answer: Message = {"ok": True, "seconds": seconds}
        result = [image.data.cast("B")]
    except (Exception, SystemExit) as error:
        answer = filling.failure(error, job.wanted)
    if answer.get("kind") == "out_of_memory":
        kept.drop()
    with job.lock, contextlib.suppress(OSError):
        job.done = True
        protocol.send(job.connection, answer, *result)


def _tell(job: Job, text: str) -> None:
    with job.lock:
        job.text = text
        _sent(job)


def _sent(job: Job) -> bool:
    """Whether a sign of life has reached the client. No method tells how far it is."""
    try:
        protocol.send(job.connection, {"progress": None, "text": job.text})
    except OSError:
        return False
    return True
