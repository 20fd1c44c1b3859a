"""The survey's production server in processes of its own, as an owner runs it."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from collections.abc import Mapping
from http.client import HTTPConnection
from pathlib import Path

from tests.hosts import Host
from tests.paths import ROOT

LONGEST_S = 60
LOCAL = "127.0.0.1"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


class Server:
    """`python -m survey serve`, and all its processes. host: where it runs; port: of it, by default
    a free one of this machine; environment: variables of its own."""

    def __init__(
        self,
        folder: Path,
        *options: str,
        host: Host | None = None,
        port: int | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.folder, self.options = folder, options
        self.host = host or Host(LOCAL, LOCAL)
        self.port = port or free_port()
        self.environment = {**os.environ, **(environment or {})}
        self.output = folder.parent / "server.txt"

    def start(self) -> None:
        command = [sys.executable, "-m", "survey", "serve", str(self.folder)]
        place = ["--host", self.host.address, "--port", str(self.port)]
        with self.output.open("ab") as output:
            self.process = self.host.start(
                [*command, *place, *self.options], cwd=ROOT, env=self.environment,
                stdout=output, stderr=output,
            )  # fmt: skip
        self._wait_until_it_answers()

    def _wait_until_it_answers(self) -> None:
        until = time.monotonic() + LONGEST_S
        while time.monotonic() < until:
            try:
                connection = HTTPConnection(self.host.address, self.port, timeout=LONGEST_S)
                connection.request("GET", "/health")
                assert connection.getresponse().status == 200
                return
            except OSError:
                time.sleep(0.05)
            finally:
                connection.close()
            assert self.process.poll() is None, self.output.read_text()
        raise AssertionError(self.output.read_text())

    def workers(self) -> list[int]:
        parent = self.process.pid
        listed = Path(f"/proc/{parent}/task/{parent}/children").read_text()
        return [int(number) for number in listed.split()]

    def kill(self) -> None:
        """As when the machine loses power: every process at once, without a word."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(LONGEST_S)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to stop; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(LONGEST_S)
