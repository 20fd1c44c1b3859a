"""A Dask cluster of N workers on this machine, for the time of one command (`local:N`)."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from distributed import Client, Nanny, Scheduler, SpecCluster
from distributed.system import MEMORY_LIMIT

from benchmark.cluster.plugins import GPU
from benchmark.planning.concurrency import thread_variables
from benchmark.run_folder import provenance
from methods.errors import InputError

# Bytes that a worker with PyTorch and one large photograph needs.
LEAST_MEMORY = 2**29
HERE = "127.0.0.1"
SCHEDULER = {"host": HERE, "port": 0, "dashboard": False, "dashboard_address": f"{HERE}:0"}
# Ctrl-C in a terminal would also end the workers, and their nannies would start them again.
IGNORE_CTRL_C = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"


@contextmanager
def local_client(number: int, threads: int) -> Iterator[Client]:
    """Start a cluster and connect to it; leaving the context ends both. threads: of a case.

    Raises InputError when there is too little memory for so many workers.
    """
    if MEMORY_LIMIT // number < LEAST_MEMORY:
        most = max(1, MEMORY_LIMIT // LEAST_MEMORY)
        raise InputError(
            f"--cluster local:{number}: each worker would have {MEMORY_LIMIT // number >> 20} MB "
            f"of memory and needs {LEAST_MEMORY >> 20} MB: give local:{most} or less"
        )
    scratch = tempfile.mkdtemp(prefix="inpainting-cluster-")
    # Workers read this when they start, before they get the log levels of their client.
    os.environ.setdefault("DASK_LOGGING__DISTRIBUTED", "critical")
    try:
        with (
            SpecCluster(
                workers=_workers(number, threads, scratch),
                scheduler={"cls": Scheduler, "options": SCHEDULER},
                silence_logs=logging.CRITICAL,
            ) as cluster,
            Client(cluster, set_as_default=False) as client,
        ):
            yield client
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _workers(number: int, threads: int, scratch: str) -> dict[int, dict[str, Any]]:
    """Return the specification of each worker; the first ones get a GPU each, the others none."""
    gpus = _gpus()
    return {
        index: {
            "cls": Nanny,
            "options": {
                "nthreads": 1,
                "host": HERE,
                "memory_limit": MEMORY_LIMIT // number,
                "local_directory": scratch,
                "preload": [IGNORE_CTRL_C],
                "resources": {GPU: 1} if index < len(gpus) else {},
                "env": thread_variables(threads)
                | {"CUDA_VISIBLE_DEVICES": gpus[index] if index < len(gpus) else ""},
            },
        }
        for index in range(number)
    }


def _gpus() -> list[str]:
    """Return the GPUs that may be used here, as named in CUDA_VISIBLE_DEVICES."""
    allowed = os.environ.get("CUDA_VISIBLE_DEVICES")
    if allowed is not None:
        return [name for name in allowed.split(",") if name.strip()]
    return [str(index) for index, _ in enumerate((provenance.machine()["gpus"] or "").splitlines())]
