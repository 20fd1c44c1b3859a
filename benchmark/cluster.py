"""The Dask cluster of a run: one that is there, or `local:N`, N workers on this machine."""

from __future__ import annotations

import json
import logging
import os
import shutil
import socket
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dask
from distributed import Client, Nanny, Scheduler, Security, SpecCluster, Worker
from distributed.system import MEMORY_LIMIT
from rich.console import Console

import methods
from benchmark import provenance
from benchmark.cluster_machines import Machines, described
from benchmark.cluster_plugin import ALIKE, Environment, Example, Join, Leave, UnlikeError
from benchmark.errors import InputError
from benchmark.inference import MethodSpec, thread_variables
from benchmark.plan import Plan
from benchmark.request import local_workers
from methods.external import External

# What workers call a GPU: dask worker ... --resources "GPU=1"
GPU = "GPU"
CONNECT_S = 10
REACH_S = 2.0
SSL = "ssl_context"


@dataclass(frozen=True)
class Fleet:
    """A cluster as a run sees it. name: of this run on it; address: as the user gave it."""

    client: Client
    address: str
    name: str

    def workers(self) -> dict[str, dict[str, Any]]:
        """What the scheduler knows of every worker, by address. Raises InputError when the
        scheduler is gone."""
        try:
            return dict(self.client.scheduler_info(n_workers=-1)["workers"])
        except (OSError, RuntimeError):
            raise self.gone() from None

    def gone(self) -> InputError:
        return InputError(
            f"the scheduler at {self.address} is gone; finished cases are kept: start it again, "
            "the same command goes on"
        )


@contextmanager
def joined(address: str, threads: int, console: Console) -> Iterator[Fleet]:
    """A cluster with at least one worker. threads: of a case, for workers that are started here.
    Raises InputError where there is none."""
    # Dask tells of every worker that comes and goes; what matters here becomes a row or a line.
    # Its parts have levels of their own.
    for name in ["distributed", *filter(_is_dasks, logging.root.manager.loggerDict)]:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    with _client(address, threads) as client:
        fleet = Fleet(client, address, uuid.uuid4().hex[:12])
        await_worker(fleet, console)
        first = next(iter(fleet.workers()), None)
        # Results are large; through the scheduler they would pass a second process.
        client.direct_to_workers = first is not None and _reachable(first)
        yield fleet


def _is_dasks(logger: str) -> bool:
    return logger.startswith("distributed.")


@contextmanager
def _client(address: str, threads: int) -> Iterator[Client]:
    number = local_workers(address)
    if number is None:
        with _connected(address) as client:
            yield client
        return
    scratch = tempfile.mkdtemp(prefix="inpainting-cluster-")
    # Workers read it when they start, before anything that could be sent to them.
    os.environ.setdefault("DASK_LOGGING__DISTRIBUTED", "critical")
    try:
        with (
            dask.config.set({"distributed.worker.daemon": False}),
            SpecCluster(
                workers=_local_workers(number, threads, scratch),
                scheduler={
                    "cls": Scheduler,
                    "options": {"host": "127.0.0.1", "port": 0, "dashboard": False},
                },
                silence_logs=logging.CRITICAL,
            ) as started,
            Client(started, set_as_default=False) as client,
        ):
            client.wait_for_workers(number, timeout=120)
            yield client
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _connected(address: str) -> Client:
    """A client of a scheduler, given by its address or by the file that it has written."""
    scheduler = _in_file(Path(address)) if address.endswith(".json") else address
    if scheduler.startswith("tls://") and not Security().get_connection_args("client")[SSL]:
        names = "CA_FILE, ..._CLIENT__CERT and ..._CLIENT__KEY"
        raise InputError(
            f"--cluster {address}: tls:// needs certificates: set "
            f"DASK_DISTRIBUTED__COMM__TLS__{names}"
        )
    try:
        return Client(scheduler, timeout=CONNECT_S, set_as_default=False)
    except (OSError, ValueError, ImportError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(
            f"--cluster {address}: no Dask scheduler answers there ({reason}); give "
            "tcp://HOST:8786, the scheduler's .json file, or local:N"
        ) from None


def _in_file(file: Path) -> str:
    try:
        return str(json.loads(file.read_text())["address"])
    except FileNotFoundError:
        told = "no such scheduler file"
    except (OSError, ValueError, KeyError, TypeError):
        told = "not what a scheduler has written"
    raise InputError(f"--cluster {file}: {told}; start dask scheduler --scheduler-file {file}")


def _local_workers(number: int, threads: int, scratch: str) -> dict[int, dict[str, Any]]:
    """One process a worker; the first ones have a GPU each, the others see none."""
    gpus = _gpus()
    return {
        index: {
            "cls": Nanny,
            "options": {
                "nthreads": 1,
                "host": "127.0.0.1",
                "memory_limit": MEMORY_LIMIT // number,
                "local_directory": scratch,
                "resources": {GPU: 1} if index < len(gpus) else {},
                "env": thread_variables(threads)
                | {"CUDA_VISIBLE_DEVICES": gpus[index] if index < len(gpus) else ""},
            },
        }
        for index in range(number)
    }


def _gpus() -> list[str]:
    """What CUDA_VISIBLE_DEVICES calls the GPUs that a run may use here."""
    allowed = os.environ.get("CUDA_VISIBLE_DEVICES")
    if allowed is not None:
        return [name for name in allowed.split(",") if name.strip()]
    return [str(index) for index, _ in enumerate((provenance.machine()["gpus"] or "").splitlines())]


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


def placed(specs: list[MethodSpec], fleet: Fleet, console: Console) -> list[MethodSpec]:
    """The same methods with "auto" decided for all workers alike, so that no number depends on
    who computed it: "cuda" where any worker offers a GPU. Raises InputError."""
    workers = fleet.workers().values()
    offered = any(worker["resources"].get(GPU) for worker in workers)
    placed = [replace(spec, device=_device(spec, offered)) for spec in specs]
    if not offered and any(_uses_device(spec) for spec in specs):
        console.print(
            "note: no worker offers a GPU, networks run on CPUs; with GPUs: "
            'dask worker ... --nthreads 1 --resources "GPU=1", one worker a GPU'
        )
    return placed


def needs_gpu(spec: MethodSpec) -> bool:
    """Whether a placed method takes a worker's GPU."""
    return spec.device == "cuda" and _uses_device(spec)


def _device(spec: MethodSpec, offered: bool) -> str:
    if spec.device == "auto":
        return "cuda" if offered and _uses_device(spec) else "cpu"
    if spec.device in {"cpu", "cuda"}:
        return spec.device
    raise InputError(
        f"{spec.label}: device {spec.device!r} means nothing on a cluster, where every worker has "
        "a GPU of its own; use cuda, cpu or auto"
    )


def _uses_device(spec: MethodSpec) -> bool:
    return methods.method_class(spec.method).uses_device


@contextmanager
def admitted(fleet: Fleet, plan: Plan) -> Iterator[None]:
    """Let only workers take part that would compute what this machine does. Raises InputError,
    naming a worker of those there and what is unlike; later ones stay away on their own."""
    plugin = Join(fleet.name, Environment.here(), _examples(plan))
    who = "the scheduler"
    try:
        # It unpacks what it passes on, but computes nothing.
        there = replace(fleet.client.run_on_scheduler(Environment.here), versions={})
        if difference := Environment.here().difference(there):
            raise UnlikeError(f"the scheduler at {fleet.address}: {difference}; {ALIKE}")
        fleet.client.register_plugin(Leave(fleet.name, fleet.client.id))
        who = "a worker"
        fleet.client.register_plugin(plugin)
    except UnlikeError as error:
        raise InputError(str(error)) from None
    except ImportError as error:
        raise InputError(
            f"{who} at {fleet.address} cannot import the suite ({error}): install it there, or "
            f"start {who.removeprefix('a ')} with PYTHONPATH at a checkout"
        ) from None
    try:
        yield
    finally:
        leave(fleet, plugin.name)


def leave(fleet: Fleet, plugin: str) -> None:
    """Let the workers go now: a cluster that is started here does not outlive its client. Whatever
    prevents it, Leave sees to it later, and what ended the run matters more."""
    with suppress(Exception):
        fleet.client.unregister_worker_plugin(plugin)


def _examples(plan: Plan) -> list[Example]:
    """A case of each method that workers run."""
    first = {
        case.spec.label: case for case in reversed(plan.cases) if case.spec.method != External.name
    }
    return [
        Example(case.spec, case.resolution, case.photo.name, case.input_key, case.key)
        for case in first.values()
    ]


def machines(fleet: Fleet) -> Machines:
    """Of the workers that are there now."""
    return dict(fleet.client.run(_described).values())


def _described(dask_worker: Worker) -> tuple[str, dict[str, Any]]:
    return described(dask_worker)
