"""A way between a command and its scheduler that breaks when told to."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Relay:
    """Passes on what comes to `address`, on the loopback, to another one. break_after: bytes
    towards the command after which one connection breaks, once."""

    def __init__(self, to: tuple[str, int], break_after: float = float("inf")) -> None:
        self._to = to
        self._left = break_after
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"tcp://127.0.0.1:{self._listener.getsockname()[1]}"
        self.broken = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    def cut(self) -> None:
        """Break all connections; new ones are passed on as before."""
        for end in self._sockets:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._listener.close()
        self.cut()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                here, _ = self._listener.accept()
                there = socket.create_connection(self._to)
                self._sockets += [here, there]
                for ends in ((here, there, False), (there, here, True)):
                    threading.Thread(target=self._pass_on, args=ends, daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket, counted: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if counted and self._is_enough(len(data)):
                    break
                target.sendall(data)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _is_enough(self, size: int) -> bool:
        self._left -= size
        if self._left > 0 or self.broken.is_set():
            return False
        self.broken.set()
        return True


@contextmanager
def relay(to: tuple[str, int], break_after: float = float("inf")) -> Iterator[Relay]:
    made = Relay(to, break_after)
    try:
        yield made
    finally:
        made.close()
