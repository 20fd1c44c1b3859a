"""The worker: fills the plug-in's requests one after the other until GIMP ends.

GIMP's own Python has no neural networks, so the plug-in (`plugins/gimp`) sends image and mask to
this process in the suite's environment. The first call of a GIMP process starts its worker.
Each connection has a thread that receives requests and sends signs of life; the main thread
computes.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from dataclasses import dataclass, field
from multiprocessing import AuthenticationError
from multiprocessing.connection import Connection, Listener, answer_challenge, deliver_challenge
from queue import SimpleQueue

from methods.gimp import filling, lifetime, protocol
from methods.gimp.filling import LoadedMethods
from methods.gimp.lifetime import Start
from methods.gimp.protocol import BadRequestError, FillRequest, Message

SIGN_OF_LIFE_SECONDS = 1.0
# Pause before accepting again when the system lacks resources.
PAUSE_SECONDS = 0.2


@dataclass
class Job:
    """A request that a client waits for; messages about it are sent under the lock."""

    connection: Connection
    request: FillRequest
    text: str = "Waiting for another fill"
    running: bool = False
    done: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)


def run(line: str) -> None:
    """Serve one GIMP until it ends; return only if another worker serves it already.

    Parameters
    ----------
    line
        What the plug-in writes to standard input, see `lifetime.Start`.

    Raises
    ------
    InputError
        If the line or its folder is not valid, or GIMP cannot be seen.
    """
    start = lifetime.parse(line)
    lifetime.check_private(start.state.parent)
    lifetime.redirect_output(start.sibling(".log"))
    gimp = lifetime.find_process(start.gimp)
    lock = lifetime.acquire_lock(start)
    if lock is None:
        return
    lifetime.remove_leftovers(start.state.parent)
    lifetime.prefer_as_oom_victim()
    os.umask(0o077)
    address = lifetime.listen_address(start)
    with Listener(address, backlog=8) as listener:
        lifetime.announce(start, address)
        threading.Thread(target=lifetime.watch, args=(start, gimp), daemon=True).start()
        jobs: SimpleQueue[Job] = SimpleQueue()
        threading.Thread(target=_accept, args=(listener, start, jobs), daemon=True).start()
        loaded = LoadedMethods()
        while True:
            _process(jobs.get(), loaded)


def _accept(listener: Listener, start: Start, jobs: SimpleQueue[Job]) -> None:
    while True:
        try:
            connection = listener.accept()
        except OSError:
            time.sleep(PAUSE_SECONDS)
            continue
        threading.Thread(target=_serve, args=(connection, start, jobs), daemon=True).start()


def _serve(connection: Connection, start: Start, jobs: SimpleQueue[Job]) -> None:
    """Answer all requests of one client, if it knows the token."""
    with connection, contextlib.suppress(OSError, EOFError, AuthenticationError):
        deliver_challenge(connection, start.token)
        answer_challenge(connection, start.token)
        try:
            while True:
                request = protocol.receive(connection)
                if request is None:
                    protocol.send(connection, filling.listing())
                else:
                    job = Job(connection, request)
                    jobs.put(job)
                    _wait_for(job, start)
        except BadRequestError as error:
            protocol.send(connection, protocol.failure("bad_request", str(error)))
        except MemoryError:
            message = "there is no memory for so many pixels: select a smaller area"
            protocol.send(connection, protocol.failure("out_of_memory", message))


def _wait_for(job: Job, start: Start) -> None:
    """Send signs of life until the job is done; end this process if the client disconnects. Raises
    EOFError if it disconnects before the job has started."""
    while not job.done:
        # A waiting client sends nothing: readable data means the end of the stream.
        gone = job.connection.poll(SIGN_OF_LIFE_SECONDS)
        with job.lock:
            if job.done:
                return
            if gone or not _send_sign_of_life(job):
                job.done = True
                if job.running:
                    lifetime.exit_now(start)
                raise EOFError


def _process(job: Job, loaded: LoadedMethods) -> None:
    with job.lock:
        if job.done:
            return
        job.running = True
    result: list[memoryview] = []
    try:
        image, seconds = filling.fill(loaded, job.request, lambda text: _report(job, text))
        answer: Message = {"ok": True, "seconds": seconds}
        result = [image.data.cast("B")]
    except BaseException as error:  # panics of Rust are no Exception
        answer = filling.failure(error, job.request)
    if answer.get("kind") == "out_of_memory":
        loaded.drop_all()
    with job.lock, contextlib.suppress(OSError):
        job.done = True
        protocol.send(job.connection, answer, *result)


def _report(job: Job, text: str) -> None:
    with job.lock:
        job.text = text
        _send_sign_of_life(job)


def _send_sign_of_life(job: Job) -> bool:
    """Send the state of the job, without a fraction; return whether the client received it."""
    try:
        protocol.send(job.connection, {"progress": None, "text": job.text})
    except OSError:
        return False
    return True
