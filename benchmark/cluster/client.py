"""The Dask cluster of a run, as its command sees it."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import dask
from distributed import Client, Future, Security
from distributed.client import ClosedClientError
from distributed.core import rpc
from rich.console import Console

from benchmark.cluster.local import local_client
from benchmark.planning.concurrency import local_workers
from methods.errors import InputError

T = TypeVar("T")

CONNECT_S = 10
REACH_S = 2.0
SCHEMES = {"tcp", "tls", "ws", "wss"}
SSL = "ssl_context"
EXPECTED = "give tcp://HOST:8786, the scheduler's .json file, or local:N"
# Photographs that travel are as large as they are.
QUIET = {"distributed.admin.large-graph-warning-threshold": "1TiB"}


@dataclass(frozen=True)
class Fleet:
    """A cluster as a run sees it. name: of this run on it; address: as the user gave it."""

    client: Client
    address: str
    name: str

    def ask(self, question: Callable[[Client], T]) -> T:
        """Its answer. Dask mends a connection that broke, which takes a while; raises InputError
        when the scheduler is gone, OSError when it is there and cannot answer."""
        end = time.monotonic() + 2 * CONNECT_S
        while True:
            try:
                return question(self.client)
            except (OSError, RuntimeError, AttributeError, ClosedClientError) as error:
                if self.client.status not in {"running", "connecting"}:
                    raise self.gone() from None
                if not isinstance(error, OSError) or time.monotonic() > end:
                    raise
            time.sleep(0.2)

    def workers(self) -> dict[str, dict[str, Any]]:
        """What the scheduler knows of every worker, by address. Raises InputError when the
        scheduler is gone."""
        try:
            return dict(self.ask(_identity)["workers"])
        except OSError:
            raise self.gone() from None

    def submit(
        self,
        function: Callable[[Any], Any],
        argument: object,
        resources: dict[str, float],
        workers: Iterable[str] | None,
    ) -> Future:
        """Let a worker that has the resources do it. workers: the only ones; None for any. Raises
        InputError when the scheduler is gone."""
        allowed = list(workers) if workers else None
        return self.ask(
            lambda client: client.submit(
                function, argument, pure=False, resources=resources or None, workers=allowed
            )
        )

    def give_up(self, futures: Iterable[Future]) -> None:
        """Nobody waits for them any more. Without a scheduler they have ended."""
        with suppress(OSError, RuntimeError, ClosedClientError):
            self.client.cancel(list(futures))

    def gone(self) -> InputError:
        return InputError(
            f"the scheduler at {self.address} is gone; finished cases are kept: start it again, "
            "the same command goes on"
        )


def _identity(client: Client) -> dict[str, Any]:
    return client.sync(client.scheduler.identity, n_workers=-1)


@contextmanager
def joined(address: str, threads: int, console: Console) -> Iterator[Fleet]:
    """A cluster with at least one worker. threads: of a case, for workers that are started here.
    Raises InputError where there is none."""
    # Dask tells of every worker that comes and goes; what matters here becomes a row or a line.
    # Its parts have levels of their own.
    for name in ["distributed", *filter(_is_dasks, logging.root.manager.loggerDict)]:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    with dask.config.set(QUIET), _client(address, threads) as client:
        fleet = Fleet(client, address, uuid.uuid4().hex[:12])
        await_worker(fleet, console)
        first = next(iter(fleet.workers()), None)
        # Results are large; through the scheduler they would pass a second process.
        client.direct_to_workers = first is not None and _reachable(first)
        yield fleet


def _is_dasks(logger: str) -> bool:
    return logger.startswith("distributed.")


def _client(address: str, threads: int) -> AbstractContextManager[Client]:
    number = local_workers(address)
    return _connected(address) if number is None else local_client(number, threads)


def _connected(address: str) -> Client:
    """A client of a scheduler, given by its address or by the file that it has written."""
    scheduler = _in_file(Path(address)) if address.endswith(".json") else address
    if "://" not in scheduler:
        scheduler = f"tcp://{scheduler}"
    if not _is_address(scheduler):
        raise InputError(f"--cluster {address}: not an address; {EXPECTED}")
    if scheduler.startswith("tls://") and not Security().get_connection_args("client")[SSL]:
        names = "CA_FILE, ..._CLIENT__CERT and ..._CLIENT__KEY"
        raise InputError(
            f"--cluster {address}: tls:// needs certificates: set "
            f"DASK_DISTRIBUTED__COMM__TLS__{names}"
        )
    if reason := _silence(scheduler):
        raise InputError(
            f"--cluster {address}: no Dask scheduler answers there ({reason}); {EXPECTED}"
        )
    return Client(scheduler, timeout=CONNECT_S, set_as_default=False)


def _is_address(scheduler: str) -> bool:
    place = urlsplit(scheduler)
    try:
        return place.scheme in SCHEMES and bool(place.hostname and place.port)
    except ValueError:
        return False


def _silence(scheduler: str) -> str:
    """Why no scheduler answers; empty if one does. Whatever else listens there may never answer a
    Client, which would wait for it."""
    try:
        asyncio.run(asyncio.wait_for(_greeted(scheduler), CONNECT_S))
    except TimeoutError:
        return f"nothing in {CONNECT_S} s"
    except Exception as error:
        return " ".join(str(error).split()) or type(error).__name__
    return ""


async def _greeted(scheduler: str) -> None:
    arguments = Security().get_connection_args("client")
    async with rpc(scheduler, connection_args=arguments) as remote:
        answer = await remote.identity()
    if answer["type"] != "Scheduler":
        raise ValueError(f"a {answer['type']} is there")


def _in_file(file: Path) -> str:
    try:
        return str.strip(json.loads(file.read_text())["address"])
    except FileNotFoundError:
        told = "no such scheduler file"
    except (OSError, ValueError, KeyError, TypeError):
        told = "not what a scheduler has written"
    raise InputError(f"--cluster {file}: {told}; start dask scheduler --scheduler-file {file}")


def await_worker(fleet: Fleet, console: Console) -> None:
    """Return when there is a worker. Raises InputError when the scheduler is gone."""
    if fleet.workers():
        return
    console.print(f"waiting for a worker at {fleet.address}; Ctrl-C gives up")
    # A task in the queue is what makes an adaptive cluster start its first worker.
    wanted = fleet.client.submit(os.getpid, pure=False)
    while not (wanted.done() or fleet.workers()):
        if wanted.status in {"cancelled", "lost"}:
            raise fleet.gone()
        time.sleep(1)


def _reachable(address: str) -> bool:
    """Whether this machine can talk to a worker without the scheduler in between."""
    place = urlsplit(address)
    try:
        with socket.create_connection((place.hostname or "", place.port or 0), timeout=REACH_S):
            return True
    except OSError:
        return False
