"""The machines of a cluster, as they stand in run.json."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from functools import cache
from typing import Any

from distributed import Worker

from benchmark.planning.concurrency import threads_wanted
from benchmark.run_folder import provenance
from benchmark.run_folder.folder import key_of

Machine = dict[str, Any]
# Worker -> its machine.
Machines = dict[str, Machine]


def described(worker: Worker) -> tuple[str, Machine]:
    """A worker's name, which is the same after its nanny has started it again, and its machine
    with the threads of a case."""
    return str(worker.nanny or worker.address), _here()


@cache
def _here() -> Machine:
    return {"host": socket.gethostname(), "threads": threads(), **provenance.machine()}


def threads() -> int:
    """Of a case on this worker."""
    return threads_wanted() or 1


def record(address: str, machines: Machines) -> dict[str, Any]:
    """Of the workers: their number, the threads of a case, the machines they run on, each once, and
    as `machine` what stands in the notes of the tables."""
    each: dict[str, Machine] = {}
    for one in machines.values():
        each.setdefault(key_of(one), {**one, "workers": 0})["workers"] += 1
    return {
        "cluster": address,
        "workers": len(machines),
        "threads": _together(one["threads"] for one in each.values()),
        "machine": {
            name: _together(one[name] for one in each.values())
            for name in ("system", "processor", "cores", "memory_mb", "gpus")
        },
        "cluster_machines": list(each.values()),
        "client": provenance.machine(),
    }


def _together(values: Iterable[Any]) -> Any:
    """What all have in common, or all that there is, in words; None of none."""
    different = list(dict.fromkeys(values))
    return " or ".join(map(str, different)) if len(different) > 1 else next(iter(different), None)
