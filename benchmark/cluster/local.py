"""`local:N`: a Dask cluster of N workers on this machine, for as long as a command runs."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dask
from distributed import Client, Nanny, Scheduler, SpecCluster
from distributed.system import MEMORY_LIMIT

from benchmark.cluster.plugin import GPU
from benchmark.planning.concurrency import thread_variables
from benchmark.run_folder import provenance
from methods.errors import InputError

START_S = 120
# Bytes of a worker that has loaded PyTorch and holds one large photograph.
LEAST_MEMORY = 2**29
HERE = "127.0.0.1"
# Ctrl-C in a terminal reaches workers too, whose nannies would start them again.
LEAVE_CTRL_C = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"


@contextmanager
def local_client(number: int, threads: int) -> Iterator[Client]:
    """A client of a cluster that ends with it. threads: of a case. Raises InputError when there is
    too little memory for so many workers."""
    if MEMORY_LIMIT // number < LEAST_MEMORY:
        most = max(1, MEMORY_LIMIT // LEAST_MEMORY)
        raise InputError(
            f"--cluster local:{number}: each worker would have {MEMORY_LIMIT // number >> 20} MB "
            f"of memory and needs {LEAST_MEMORY >> 20} MB: give local:{most} or less"
        )
    scratch = tempfile.mkdtemp(prefix="inpainting-cluster-")
    # Workers read it when they start, before anything that could be sent to them.
    os.environ.setdefault("DASK_LOGGING__DISTRIBUTED", "critical")
    try:
        with (
            dask.config.set({"distributed.worker.daemon": False}),
            SpecCluster(
                workers=_workers(number, threads, scratch),
                scheduler={"cls": Scheduler, "options": _scheduler()},
                silence_logs=logging.CRITICAL,
            ) as started,
            Client(started, set_as_default=False) as client,
        ):
            _await_all(client, number)
            yield client
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _await_all(client: Client, number: int) -> None:
    try:
        client.wait_for_workers(number, timeout=START_S)
    except TimeoutError:
        raise InputError(
            f"--cluster local:{number}: not all workers have started in {START_S} s; give fewer"
        ) from None


def _scheduler() -> dict[str, Any]:
    return {"host": HERE, "port": 0, "dashboard": False, "dashboard_address": f"{HERE}:0"}


def _workers(number: int, threads: int, scratch: str) -> dict[int, dict[str, Any]]:
    """One process a worker; the first ones have a GPU each, the others see none."""
    gpus = _gpus()
    return {
        index: {
            "cls": Nanny,
            "options": {
                "nthreads": 1,
                "host": HERE,
                "memory_limit": MEMORY_LIMIT // number,
                "local_directory": scratch,
                "preload": [LEAVE_CTRL_C],
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
