"""The machines of a cluster, as recorded in run.json."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from functools import cache
from typing import Any

from distributed import Worker

from benchmark.planning.concurrency import requested_threads
from benchmark.run_folder import provenance
from benchmark.run_folder.folder import key_of

Machine = dict[str, Any]
# Name of a worker -> its machine.
Machines = dict[str, Machine]


def describe(dask_worker: Worker) -> tuple[str, str, Machine]:
    """Return a worker's address, its name, and its machine with the threads of a case.

    The name stays the same when the worker's nanny starts it again, the address does not.
    """
    address = dask_worker.address
    return address, str(dask_worker.nanny or address), _this_machine()


@cache
def _this_machine() -> Machine:
    threads = requested_threads() or 1
    return {"host": socket.gethostname(), "threads": threads, **provenance.machine()}


def record(address: str, machines: Machines) -> dict[str, Any]:
    """Return the part of run.json about a cluster: its workers and each of their machines once.

    `machine` joins what differs between machines in words; the notes of the tables show it.
    """
    distinct: dict[str, Machine] = {}
    for machine in machines.values():
        distinct.setdefault(key_of(machine), {**machine, "workers": 0})["workers"] += 1
    return {
        "cluster": address,
        "workers": len(machines),
        "threads": _joined(machine["threads"] for machine in distinct.values()),
        "machine": {
            name: _joined(machine[name] for machine in distinct.values())
            for name in ("system", "processor", "cores", "memory_mb", "gpus")
        },
        "cluster_machines": list(distinct.values()),
        "client": provenance.machine(),
    }


def _joined(values: Iterable[Any]) -> Any:
    """Return the common value, else all of them joined by "or"; None if there are none."""
    different = list(dict.fromkeys(values))
    return " or ".join(map(str, different)) if len(different) > 1 else next(iter(different), None)
