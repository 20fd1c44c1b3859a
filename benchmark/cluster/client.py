"""Connect to the Dask cluster of a run."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import dask
from dask.utils import parse_timedelta
from distributed import Client, Future, Scheduler, Security
from distributed.client import ClosedClientError
from distributed.core import rpc
from rich.console import Console

from benchmark.cluster.local import local_client
from benchmark.cluster.messages import STARTED
from benchmark.cluster.plugins import PYTHON, SUITE, RunCleanup, WorkerCheck, compare, environment
from benchmark.planning.concurrency import local_workers
from benchmark.planning.plan import Case
from methods.errors import InputError
from methods.shown_text import message_text

T = TypeVar("T")

# How long a scheduler may take to answer, and Dask tries to restore a broken connection.
CONNECT_S = min(10, parse_timedelta(dask.config.get("distributed.comm.timeouts.connect")))
REACH_S = 2.0
# The scheduler's words for a worker that drops its tasks; one that retires finishes them.
STOPPING = {"closing", "closed", "stopping", "stopped"}
# Dask would warn of photographs that are sent with their cases.
QUIET = {"distributed.admin.large-graph-warning-threshold": "1TiB"}


class ClusterClient:
    """The connection of one run to its cluster."""

    def __init__(self, client: Client, address: str) -> None:
        """address: as the user gave it."""
        self.client = client
        self.address = address
        # Identifies the run on the cluster, and the events that workers log for it.
        self.run = client.id
        self._check: WorkerCheck | None = None

    def call(self, function: Callable[[Client], T]) -> T:
        """Return `function(client)`, tried again while Dask restores a broken connection.

        Raises InputError when the scheduler is gone, OSError when it does not answer.
        """
        end = time.monotonic() + 2 * CONNECT_S
        while True:
            try:
                return function(self.client)
            except (OSError, RuntimeError, AttributeError, ClosedClientError) as error:
                if self.client.status not in {"running", "connecting"}:
                    raise self._gone() from None
                if not isinstance(error, OSError) or time.monotonic() > end:
                    raise
            time.sleep(0.2)

    def workers(self) -> dict[str, dict[str, Any]]:
        """Return what the scheduler knows of every worker, by address. Raises InputError.

        A worker that stops at once counts as lost although the scheduler still lists it: seen for a
        moment without a task to run, it would let a case that kills workers count as a waiting one.
        """
        try:
            answer = self.call(lambda client: client.sync(client.scheduler.identity, n_workers=-1))
        except OSError:
            raise self._gone() from None
        workers = answer["workers"].items()
        return {address: info for address, info in workers if info["status"] not in STOPPING}

    def await_worker(self, console: Console) -> None:
        """Wait until there is a worker. Raises InputError."""
        if self.workers():
            return
        console.print(f"waiting for a worker at {self.address}; Ctrl-C gives up")
        # An adaptive cluster starts its first worker when a task waits.
        task = self.client.submit(os.getpid, pure=False)
        while not (task.done() or self.workers()):
            if task.status in {"cancelled", "lost"}:
                raise self._gone()
            time.sleep(1)

    def count_starts(self, case: Case) -> int:
        """Return how often workers began with a case. Raises InputError."""
        try:
            events = self.call(lambda client: client.get_events(self.run))
        except OSError:
            raise self._gone() from None
        return sum(tuple(event.get(STARTED, ())) == case.slot for _, event in events)

    def cancel(self, futures: Iterable[Future]) -> None:
        """Cancel tasks, unless their scheduler is gone."""
        with suppress(OSError, RuntimeError, ClosedClientError):
            self.client.cancel(list(futures))

    def register(self, check: WorkerCheck) -> None:
        """Check the scheduler and all workers; later ones are checked when they join.

        Raises InputError that names the first one that differs from this machine, and how.
        """
        self._check = check
        subject = "the scheduler"
        try:
            # It unpacks messages but computes nothing, so its packages do not matter.
            there = self.call(lambda client: client.run_on_scheduler(environment))
            there = {name: there[name] for name in (PYTHON, SUITE)}
            compare(there, environment(), f"the scheduler at {self.address}")
            self.call(lambda client: client.register_plugin(RunCleanup(check.name)))
            subject = "a worker"
            self.call(lambda client: client.register_plugin(check))
        except OSError as error:
            raise InputError(
                f"workers at {self.address} were lost while they joined ({error}); try again when "
                "they are stable"
            ) from None
        except ImportError as error:
            raise InputError(
                f"{subject} at {self.address} cannot import the suite ({error}): install it "
                f"there, or start {subject.removeprefix('a ')} with PYTHONPATH at a checkout"
            ) from None

    def renew(self) -> None:
        """Register again if the scheduler has ended the run with a broken connection."""
        assert self._check is not None
        run = self.run

        def is_known(dask_scheduler: Scheduler) -> bool:
            return run in dask_scheduler.worker_plugins

        if not self.call(lambda client: client.run_on_scheduler(is_known)):
            self.register(self._check)

    def unregister(self) -> None:
        """Free the workers now; where that fails `RunCleanup` does it when the client is gone."""
        with suppress(Exception):
            self.client.unregister_worker_plugin(self.run)

    def _gone(self) -> InputError:
        return InputError(
            f"the scheduler at {self.address} is gone; finished cases are kept: start it again, "
            "the same command goes on"
        )


@contextmanager
def connected(address: str, threads: int, console: Console) -> Iterator[ClusterClient]:
    """Connect to a cluster and wait until it has a worker. Raises InputError if there is none.

    address: a scheduler's, the path of its .json file, or "local:N" for N workers started here;
    threads: of a case on workers that are started here.
    """
    # Dask logs every worker that comes and goes. Its modules have log levels of their own.
    modules = [name for name in logging.root.manager.loggerDict if name.startswith("distributed.")]
    for name in ["distributed", *modules]:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    with dask.config.set(QUIET), _client(address, threads) as client:
        cluster = ClusterClient(client, address)
        cluster.await_worker(console)
        # Results are large: fetch them without passing the scheduler where that is possible.
        client.direct_to_workers = any(map(_is_reachable, list(cluster.workers())[:1]))
        yield cluster


def _client(address: str, threads: int) -> AbstractContextManager[Client]:
    number = local_workers(address)
    if number is not None:
        return local_client(number, threads)
    scheduler = _read_address(Path(address)) if address.endswith(".json") else address
    # Client itself would wait for anything else that listens there and never answers.
    try:
        asyncio.run(asyncio.wait_for(_check_scheduler(scheduler), CONNECT_S))
    except Exception as error:
        silent = isinstance(error, TimeoutError)
        reason = f"nothing in {CONNECT_S} s" if silent else message_text(str(error))
        raise InputError(
            f"--cluster {address}: no Dask scheduler answers there "
            f"({reason or type(error).__name__}); give tcp://HOST:8786, the scheduler's .json "
            "file, or local:N"
        ) from None
    return Client(scheduler, timeout=CONNECT_S, set_as_default=False)


async def _check_scheduler(address: str) -> None:
    arguments = Security().get_connection_args("client")
    async with rpc(address, connection_args=arguments) as remote:
        identity = await remote.identity()
    if identity["type"] != "Scheduler":
        raise ValueError(f"a {identity['type']} is there")


def _read_address(file: Path) -> str:
    try:
        return str.strip(json.loads(file.read_bytes())["address"])
    except FileNotFoundError:
        problem = "no such scheduler file"
    except (OSError, ValueError, KeyError, TypeError):
        problem = "not what a scheduler has written"
    raise InputError(f"--cluster {file}: {problem}; start dask scheduler --scheduler-file {file}")


def _is_reachable(address: str) -> bool:
    """Return whether this machine can connect to a worker directly."""
    url = urlsplit(address)
    try:
        with socket.create_connection((url.hostname or "", url.port or 0), timeout=REACH_S):
            return True
    except OSError:
        return False
