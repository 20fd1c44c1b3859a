"""Which workers a case may go to, by what became of others there."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from rich.console import Console

from benchmark.cluster.messages import BatchResult, Finished
from benchmark.cluster.queues import Group, Lane, Workers, is_running

# A nanny takes some seconds to start a worker again, more where many libraries are loaded.
RETURN_S = 60.0


class Fitness:
    """Cases that had too little memory go to workers with more, and those of a method that a
    worker lacks something for to the others, as long as there are any. A worker that was lost with
    such a case is waited for while its nanny may start it again."""

    def __init__(self, memory_gb: float | None, console: Console) -> None:
        """memory_gb: what the user allows a case, in 2**30 bytes; None for any."""
        self._allowed_gb = memory_gb
        self._console = console
        # In 2**30 bytes, what was too little.
        self._too_little: dict[Group, float] = {}
        # What workers grant, in 2**30 bytes -> when one was last seen, by the monotonic clock.
        self._seen: dict[float, float] = {}
        # Methods -> addresses of workers that skip them.
        self._skipping: defaultdict[str, set[str]] = defaultdict(set)

    def see(self, workers: Workers) -> None:
        """Those that are there now."""
        now = time.monotonic()
        self._seen |= {_memory_gb(one): now for one in workers.values() if is_running(one)}

    def awaits(self, group: Group, lane: Lane, workers: Workers) -> bool:
        """Whether a case has to wait for a worker with enough memory to come back."""
        too_little = self._too_little.get(group)
        if too_little is None or self.workers(group, lane, workers):
            return False
        back = time.monotonic() - RETURN_S
        return any(size > too_little and seen > back for size, seen in self._seen.items())

    def workers(self, group: Group, lane: Lane, workers: Workers) -> tuple[str, ...] | None:
        """The only ones that a case may go to; None for any."""
        too_little = self._too_little.get(group)
        skipping = self._skipping.get(group[0], set())
        if too_little is None and not skipping:
            return None
        fit = [
            address
            for address, worker in workers.items()
            if lane.takes(worker)
            and address not in skipping
            and (too_little is None or _memory_gb(worker) > too_little)
        ]
        return tuple(fit) or None

    def elsewhere(
        self, done: Finished, group: Group, result: BatchResult, lane: Lane, workers: Workers
    ) -> bool:
        """Whether a case is to be tried on other workers."""
        status = done.row.status if done.row is not None else ""
        granted = done.memory_gb
        if status == "out_of_memory" and granted is not None:
            if self._allowed_gb is not None and self._allowed_gb <= granted:
                return False
            self._too_little[group] = max(granted, self._too_little.get(group, 0))
        elif status == "skipped":
            self._skip(done, group[0], result)
        else:
            return False
        return self.workers(group, lane, workers) is not None or self.awaits(group, lane, workers)

    def _skip(self, done: Finished, method: str, result: BatchResult) -> None:
        skipping = self._skipping[method]
        if result.address not in skipping:
            skipping.add(result.address)
            assert done.row is not None
            self._console.print(f"skipped on {result.machine['host']}: {done.row.error}")


def _memory_gb(worker: Mapping[str, Any]) -> float:
    """What a worker grants a case."""
    limit, threads = worker["memory_limit"], worker["nthreads"]
    return limit / threads / 2**30 if limit else float("inf")
