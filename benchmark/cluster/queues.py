"""What is to be done on a cluster, and what of it is under way."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from distributed import Future

from benchmark.planning.plan import Case
from benchmark.run_folder.folder import Row

# What a batch is to take on its worker; a message and a task of Dask cost some milliseconds.
BATCH_S = 2.0
MOST_CASES = 64
# Of uncompressed results.
MOST_BYTES = 2**26
# Method, resolution, and whether results are only scored again.
Group = tuple[str, int, bool]

# A case, and its row where its result is only to be scored again.
Entry = tuple[Case, Row | None]
Workers = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Work:
    """Cases, by their numbers, that go out together as the batch called `name`. losses: see Batch;
    errors: how often something went wrong that was not a method's fault."""

    numbers: tuple[int, ...]
    name: str
    losses: Mapping[int, int] = field(default_factory=dict)
    errors: int = 0


class Lane:
    """Work for workers of one kind: those with a GPU, or all."""

    def __init__(self, entries: Iterable[tuple[int, Entry]], resources: dict[str, float]) -> None:
        self.batches = Batches(list(entries))
        self.again: deque[Work] = deque()
        # What no worker there can do, until they are counted again.
        self.held: list[Work] = []
        self.resources = resources
        self.in_flight = 0
        self.threads = 0
        self.waiting = False

    @property
    def open(self) -> bool:
        return bool(self.again or self.held or self.in_flight or len(self.batches))

    @property
    def wants_more(self) -> bool:
        """Whether a worker might have to wait: each has a batch, every second one the next too."""
        waiting = bool(self.again or len(self.batches))
        out = self.in_flight + len(self.held)
        return waiting and out < self.threads + self.threads // 2 + 2

    def count(self, workers: Workers) -> None:
        """Look how many cases run at a time, and try again what was held."""
        self.again.extend(self.held)
        self.held.clear()
        self.threads = sum(self._slots(worker) for worker in workers.values() if is_running(worker))

    def takes(self, worker: Mapping[str, Any]) -> bool:
        return is_running(worker) and self._slots(worker) > 0

    def _slots(self, worker: Mapping[str, Any]) -> int:
        if not self.resources:
            return int(worker["nthreads"])
        return min(int(worker["resources"].get(name, 0)) for name in self.resources)


def is_running(worker: Mapping[str, Any]) -> bool:
    """Not paused for lack of memory, nor about to leave."""
    return worker["status"] == "running"


@dataclass
class Flight:
    """A batch that was handed out. workers: the only ones that may do it, None for any; recalled:
    we have taken it back."""

    lane: Lane
    work: Work
    future: Future
    workers: tuple[str, ...] | None
    recalled: bool = False


def is_lost(future: Future) -> bool:
    """Whether nobody works on it any more: we or a broken connection have ended it."""
    return future.status in {"cancelled", "lost"}


class Batches:
    """Cuts cases, in their order, into batches of one method at one resolution.

    Of a method not seen yet at a resolution single cases go out, until their time is known."""

    def __init__(self, cases: Sequence[tuple[int, tuple[Case, Row | None]]]) -> None:
        """cases: with their numbers in the run, and rows where their results stand."""
        self._cases = cases
        self._next = 0
        self._seconds: dict[Group, float] = {}

    def __len__(self) -> int:
        return len(self._cases) - self._next

    def learn(self, group: Group, seconds: float) -> None:
        """seconds: of one case of the group, everything included."""
        self._seconds[group] = seconds

    def take(self, workers: int) -> list[int]:
        """Numbers of the cases of the next batch; empty at the end. workers: how many share what
        is left."""
        if not len(self):
            return []
        first = self._next
        group = group_of(*self._cases[first][1])
        most = min(self._size(group), max(1, len(self) // (2 * max(1, workers))))
        while self._next < len(self._cases) and self._next < first + most:
            if group_of(*self._cases[self._next][1]) != group:
                break
            self._next += 1
        return [number for number, _ in self._cases[first : self._next]]

    def _size(self, group: Group) -> int:
        seconds = self._seconds.get(group)
        if seconds is None:
            return 1
        _, resolution, _ = group
        by_bytes = MOST_BYTES // (resolution**2 * 3)
        return max(1, min(MOST_CASES, by_bytes, int(BATCH_S / max(seconds, 1e-6))))


def group_of(case: Case, row: Row | None) -> Group:
    """row: of a result that stands."""
    return case.spec.label, case.resolution, row is not None
