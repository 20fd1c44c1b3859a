"""Cases that wait for a worker, and which workers may run them."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from distributed import Future
from rich.console import Console

from benchmark.cluster.messages import CaseResult
from benchmark.planning.plan import Case
from benchmark.run_folder.rows import Row
from methods.base import Resolution

# What the scheduler knows of a worker; workers by address.
WorkerInfo = Mapping[str, Any]
Workers = Mapping[str, WorkerInfo]
# How often a case is sent to another worker, or its result fetched, after that was in vain.
MOST_RETRIES = 3


@dataclass(slots=True, eq=False)
class ClusterCase:
    """A case that no worker has finished yet."""

    case: Case
    stored: Row | None  # of a result that is only scored again
    queue: WorkQueue
    # Its task, once it is submitted.
    future: Future[Any] = None  # type: ignore[assignment]
    workers: set[str] | None = None  # the only ones that may run it, None for any
    wants_inputs: bool = False  # whether reference and mask come back with it
    retries: int = 0


class WorkQueue:
    """Cases for one kind of worker: those with certain resources, or all."""

    def __init__(
        self, cases: Iterable[tuple[Case, Row | None]], resources: dict[str, float]
    ) -> None:
        self.cases = deque(ClusterCase(case, stored, self) for case, stored in cases)
        self.resources = resources
        # How many cases run at a time.
        self.slots = 0
        self.is_waiting = False

    def slots_of(self, worker: WorkerInfo) -> int:
        """Return how many cases of this queue a worker runs at a time."""
        if worker["status"] != "running":
            return 0  # paused for lack of memory, or about to leave
        if not self.resources:
            return int(worker["nthreads"])
        return min(int(worker["resources"].get(name, 0)) for name in self.resources)


class WorkerEligibility:
    """Excludes workers with too little memory for a case, or without what its method needs."""

    def __init__(self, memory_gb: float | None, console: Console) -> None:
        """memory_gb: what the user allows a case, in 2**30 bytes; None for no limit."""
        self.workers: Workers = {}
        self._allowed_gb = memory_gb or float("inf")
        self._console = console
        # Method and resolution -> the largest memory that was too little, in 2**30 bytes.
        self._too_little: defaultdict[tuple[str, Resolution], float] = defaultdict(float)
        # Method -> addresses of workers without what it needs.
        self._lacking: defaultdict[str, set[str]] = defaultdict(set)

    def suitable(self, case: ClusterCase) -> set[str] | None:
        """Return the addresses of the suitable workers; None for any, also if there is none."""
        method, resolution, _ = case.case.slot
        too_little = self._too_little[method, resolution]
        lacking = self._lacking[method]
        if not too_little and not lacking:
            return None
        return {
            address
            for address, worker in self.workers.items()
            if case.queue.slots_of(worker)
            and address not in lacking
            and _memory_gb(worker) > too_little
        } or None

    def is_to_move(self, case: ClusterCase, result: CaseResult) -> bool:
        """Return whether a case was skipped or out of memory and can run on another worker."""
        method, resolution, _ = case.case.slot
        status, granted = result.row.status, result.memory_gb
        if status == "skipped":
            if result.address not in self._lacking[method]:
                self._lacking[method].add(result.address)
                self._console.print(f"skipped on {result.machine['host']}: {result.row.error}")
        elif status == "out_of_memory" and granted and granted < self._allowed_gb:
            group = (method, resolution)
            self._too_little[group] = max(granted, self._too_little[group])
        else:
            return False
        case.retries += 1
        return case.retries <= MOST_RETRIES and self.suitable(case) is not None


def _memory_gb(worker: WorkerInfo) -> float:
    """Return the memory that a worker grants a case."""
    limit, threads = worker["memory_limit"], worker["nthreads"]
    return limit / threads / 2**30 if limit else float("inf")
