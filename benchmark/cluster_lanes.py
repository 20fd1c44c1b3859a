"""What is to be done on a cluster, and what of it is under way."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from distributed import Future

from benchmark.batches import Batches
from benchmark.plan import Case
from benchmark.run_folder import Row

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
