"""The worker of the production server: patient with the database, not with slow requests."""

from __future__ import annotations

import errno
import socket
import struct
import sys
import time
from typing import Any

from gunicorn.workers import gthread

from methods.errors import InputError
from survey.web.app import SECURITY_HEADERS

# Pause between two attempts to open the study.
RETRY_S = 1
# How long a request may take to arrive: somebody who sends a byte now and then holds a thread.
ARRIVE_S = 15
# How long a part of a reply may take to leave.
_LEAVE_S = 30


def _timeval(seconds: float) -> bytes:
    """Return a time as the system's `struct timeval`."""
    return struct.pack("ll", int(seconds), int(seconds % 1 * 1_000_000))


class Worker(gthread.ThreadWorker):
    """A process of the server."""

    def handle(self, connection: Any) -> Any:
        # Browsers open connections before they need them: these must not occupy a thread.
        if not connection.initialized and not connection.wait_for_data(0):
            return gthread._DEFER
        if not isinstance(connection.sock, _Arriving):
            # Neither may somebody hold one who asks and does not read.
            connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _timeval(_LEAVE_S))
            connection.sock = _Arriving(connection.sock)
        connection.sock.end = time.monotonic() + ARRIVE_S
        return super().handle(connection)

    def handle_error(self, request: Any, client: Any, address: Any, error: Exception) -> None:
        """Answer what cannot be understood as the application answers everything else."""
        super().handle_error(request, _Refusing(client), address, error)

    def load_wsgi(self) -> None:
        # Wait for the database, or its file: a worker that cannot start would end the server.
        reported = False
        while self.alive and self.is_parent_alive():
            try:
                super().load_wsgi()
                return
            except InputError as error:
                if not reported:
                    self.log.error("%s; trying again", error)
                reported = True
            self.notify()
            time.sleep(RETRY_S)
        sys.exit(0)


class _Wrapped:
    """A socket with a method of its own."""

    def __init__(self, wrapped: socket.socket) -> None:
        self._wrapped = wrapped

    def __getattr__(self, name: str) -> Any:
        return getattr(self._wrapped, name)


class _Arriving(_Wrapped):
    """A socket that is reset when a request has not arrived at `end` (by `time.monotonic`)."""

    end = float("inf")

    def recv(self, size: int) -> bytes:
        left = max(self.end - time.monotonic(), 0.001)
        self._wrapped.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _timeval(left))
        try:
            return self._wrapped.recv(size)
        except BlockingIOError:
            raise OSError(errno.ECONNRESET, "the request is too slow") from None


class _Refusing(_Wrapped):
    """A socket for an answer to a request that is no HTTP: a client's fault, with our headers."""

    def sendall(self, content: bytes) -> None:
        head, _, body = content.partition(b"\r\n\r\n")
        first, *others = head.split(b"\r\n")
        if not first.startswith(b"HTTP/1.1 4"):
            first, body = b"HTTP/1.1 400 Bad Request", b""
            others = [b"Connection: close", b"Content-Length: 0"]
        lines = [first, *others, *(f"{name}: {value}".encode() for name, value in _HEADERS)]
        self._wrapped.sendall(b"\r\n".join(lines) + b"\r\n\r\n" + body)


_HEADERS = [*SECURITY_HEADERS.items(), ("Cache-Control", "no-store")]
