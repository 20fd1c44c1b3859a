"""Run the cases of a plan on a Dask cluster. Workers go from the photograph's file to scores and
PNG (`benchmark.cluster_worker`); this process hands out batches and writes what comes back."""

from __future__ import annotations

import queue
import time
from collections import deque
from collections.abc import Iterable
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any

from distributed import KilledWorker
from rich.console import Console

from benchmark import cluster
from benchmark.background import Background
from benchmark.batches import Batches, Group, group_of
from benchmark.cluster import GPU, Fleet
from benchmark.cluster_machines import Machines
from benchmark.cluster_worker import Batch, BatchResult, Finished, Item, losses, run_batch
from benchmark.dataset import PhotoStore
from benchmark.inference import Limits
from benchmark.parcels import failed, item, stored_bytes
from benchmark.plan import Case
from benchmark.protocol import Protocol
from benchmark.run_folder import Row
from benchmark.runner import inputs
from benchmark.writer import Writer
from methods.images import png_bytes

# How often the workers are counted.
LOOK_S = 5.0
# Results that wait here to be written; beyond them nothing new is handed out.
MOST_BYTES = 2**29
WRITERS = 4
# How often the same cases go out again after an error that is not a method's.
MOST_ERRORS = 3


@dataclass(frozen=True)
class Work:
    """Cases, by their numbers, that go out together as the batch called `name`. losses: see Batch;
    errors: how often something went wrong that was not a method's fault; workers: the only ones
    with enough memory, None for any."""

    numbers: tuple[int, ...]
    name: str
    losses: dict[int, int] = field(default_factory=dict)
    errors: int = 0
    workers: tuple[str, ...] | None = None


class Lane:
    """Work for workers of one kind: those with a GPU, or all."""

    def __init__(self, cases: Iterable[tuple[int, Case]], resources: dict[str, float]) -> None:
        self.batches = Batches(list(cases))
        self.again: deque[Work] = deque()
        self.resources = resources
        self.in_flight = 0
        self.threads = 0
        self.waiting = False

    @property
    def open(self) -> bool:
        return bool(self.again or self.in_flight or len(self.batches))

    @property
    def wants_more(self) -> bool:
        """Whether a worker might have to wait: each has a batch, every second one the next too."""
        waiting = bool(self.again or len(self.batches))
        return waiting and self.in_flight < self.threads + self.threads // 2 + 2


class ClusterRunner:
    """One run over one folder on one cluster."""

    def __init__(
        self,
        writer: Writer,
        protocol: Protocol,
        dataset: Path,
        limits: Limits,
        fleet: Fleet,
        console: Console,
    ) -> None:
        self._writer = writer
        self._protocol = protocol
        self._dataset = dataset
        self._limits = limits
        self._fleet = fleet
        self._console = console
        self._executor = fleet.client.get_executor(pure=False)
        self._in_flight: dict[Future[BatchResult], tuple[Lane, Work]] = {}
        self._events: queue.SimpleQueue[Future[BatchResult] | int] = queue.SimpleQueue()
        self._names = map(str, count())
        self._workers: dict[str, dict[str, Any]] = {}
        self._looked = float("-inf")
        self._machines: Machines = {}
        self._waiting_bytes = 0
        self._storing = 0
        # Whether workers see the dataset's folder; assumed until one does not.
        self._shared = True
        # Cases whose reference and mask are to come back with them.
        self._owed: set[int] = set()
        # Memory in 2**30 bytes that was too little.
        self._too_little: dict[Group, float] = {}

    def run(self, to_run: list[Case], to_score: list[tuple[Case, Row]]) -> Machines:
        """Do these cases; the machines of those who did. Raises InputError when results cannot be
        written or the scheduler is gone; what was finished by then is kept. On KeyboardInterrupt
        what is under way is given up."""
        self._cases = [*to_score, *((case, None) for case in to_run)]
        self._lanes = [self._lane(gpu=False), self._lane(gpu=True)]
        with Background(WRITERS, self._writer.folder.path) as self._background:
            try:
                while any(lane.open for lane in self._lanes) or self._storing:
                    self._background.check()
                    self._look()
                    self._hand_out()
                    self._take()
            finally:
                for future in self._in_flight:
                    future.cancel()
        return self._machines

    def _lane(self, gpu: bool) -> Lane:
        cases = (
            (number, case)
            for number, (case, row) in enumerate(self._cases)
            # To score again what stands takes no GPU.
            if gpu == (row is None and cluster.needs_gpu(case.spec))
        )
        return Lane(cases, {GPU: 1} if gpu else {})

    def _look(self) -> None:
        """Count the workers, and take back what waits for one that is gone."""
        if time.monotonic() < self._looked + LOOK_S:
            return
        self._looked = time.monotonic()
        self._workers = self._fleet.workers()
        everywhere, on_gpus = self._lanes
        everywhere.threads = sum(worker["nthreads"] for worker in self._workers.values())
        on_gpus.threads = sum(
            int(worker["resources"].get(GPU, 0)) for worker in self._workers.values()
        )
        self._writer.shared_by(everywhere.threads)
        for lane in self._lanes:
            self._tell_of_waiting(lane)
        for future, (_, work) in list(self._in_flight.items()):
            if work.workers and not set(work.workers) & self._workers.keys():
                future.cancel()

    def _tell_of_waiting(self, lane: Lane) -> None:
        waiting = lane.open and not lane.threads
        if waiting and not lane.waiting:
            kind = ' with --resources "GPU=1"' if lane.resources else ""
            self._console.print(f"waiting for a worker{kind} at {self._fleet.address}")
        lane.waiting = waiting

    def _hand_out(self) -> None:
        for lane in self._lanes:
            while lane.wants_more and self._waiting_bytes < MOST_BYTES:
                self._submit(lane, lane.again.popleft() if lane.again else self._next(lane))

    def _next(self, lane: Lane) -> Work:
        numbers = tuple(lane.batches.take(lane.threads))
        for number in numbers:
            case, _ = self._cases[number]
            self._writer.started(case)
            if self._writer.takes_input(case):
                self._owed.add(number)
        too_little = self._too_little.get(group_of(self._cases[numbers[0]][0]))
        return Work(numbers, next(self._names), workers=self._larger(too_little))

    def _submit(self, lane: Lane, work: Work) -> None:
        batch = self._batch(work)
        future = self._executor.submit(
            run_batch,
            batch,
            resources=lane.resources or None,
            workers=list(work.workers) if work.workers else None,
        )
        lane.in_flight += 1
        self._in_flight[future] = (lane, work)
        future.add_done_callback(self._events.put)

    def _batch(self, work: Work) -> Batch:
        case, _ = self._cases[work.numbers[0]]
        return Batch(
            run=self._fleet.name,
            name=work.name,
            spec=case.spec,
            resolution=case.resolution,
            protocol=self._protocol,
            limits=self._limits,
            dataset=str(self._dataset.resolve()),
            items=tuple(self._item(number) for number in work.numbers),
            losses=work.losses,
        )

    def _item(self, number: int) -> Item:
        case, row = self._cases[number]
        folder = None if self._shared else self._dataset
        result = self._writer.folder.result_path(*case.slot)
        standing = None if row is None else (row, result.read_bytes())
        return item(number, case.photo, number in self._owed, folder, standing)

    def _take(self) -> None:
        """Wait a little for whatever happens next."""
        try:
            event = self._events.get(timeout=LOOK_S)
        except queue.Empty:
            return
        if isinstance(event, int):
            self._waiting_bytes -= event
            self._storing -= 1
            return
        lane, work = self._in_flight.pop(event)
        lane.in_flight -= 1
        try:
            result = event.result()
        except CancelledError:
            self._cancelled(lane, work)
        except KilledWorker:
            self._killed(lane, work)
        except Exception as error:  # of a worker: a full disk, a bug of ours; never a method's
            self._failed(lane, work, " ".join(f"{type(error).__name__}: {error}".split()))
        else:
            self._finished(lane, work, result)

    def _cancelled(self, lane: Lane, work: Work) -> None:
        if self._fleet.client.status != "running":
            raise self._fleet.gone()
        if work.workers:
            lane.again.append(replace(work, workers=None, name=next(self._names)))
        else:
            self._failed(lane, work, "the scheduler has cancelled it")

    def _killed(self, lane: Lane, work: Work) -> None:
        """Dask has lost too many workers that had this batch: one by one they tell which it is."""
        known = losses(self._fleet.client, self._batch(work))
        lost = replace(work, losses=known)
        self._failed(lane, lost, "workers were lost, most likely for lack of memory")

    def _failed(self, lane: Lane, work: Work, reason: str) -> None:
        if work.errors + 1 >= MOST_ERRORS:
            slots = [(number, self._cases[number][0].slot) for number in work.numbers]
            self._store([failed(number, slot, reason) for number, slot in slots])
            return
        for number in work.numbers:
            lost = {number: work.losses.get(number, 0)}
            lane.again.append(
                Work((number,), next(self._names), lost, work.errors + 1, work.workers)
            )

    def _finished(self, lane: Lane, work: Work, result: BatchResult) -> None:
        group = group_of(self._cases[work.numbers[0]][0])
        self._machines[result.worker] = result.machine
        lane.batches.learn(group, result.seconds / len(work.numbers))
        unseen = tuple(done.number for done in result.finished if done.row is None)
        if unseen:
            self._shared = False
            lane.again.append(replace(work, numbers=unseen, name=next(self._names)))
        kept = []
        for done in result.finished:
            larger = self._larger_for(done, group)
            if larger:
                lane.again.append(Work((done.number,), next(self._names), workers=larger))
            elif done.row is not None:
                kept.append(done)
        self._store(kept)

    def _larger_for(self, done: Finished, group: Group) -> tuple[str, ...] | None:
        """Workers where a case that ran out of memory may have enough."""
        granted = done.memory_gb
        if done.row is None or done.row.status != "out_of_memory" or granted is None:
            return None
        asked = self._limits.memory_gb
        if asked is not None and asked <= granted:
            return None
        self._too_little[group] = max(granted, self._too_little.get(group, 0))
        return self._larger(granted)

    def _larger(self, gigabytes: float | None) -> tuple[str, ...] | None:
        if gigabytes is None:
            return None
        larger = [
            address
            for address, worker in self._workers.items()
            if not worker["memory_limit"]
            or worker["memory_limit"] / worker["nthreads"] / 2**30 > gigabytes
        ]
        return tuple(larger) or None

    def _store(self, finished: list[Finished]) -> None:
        size = sum(map(stored_bytes, finished))
        self._waiting_bytes += size
        self._storing += 1
        self._background.submit(self._write, finished, then=lambda: self._events.put(size))

    def _write(self, finished: list[Finished]) -> None:
        for done in finished:
            case, standing = self._cases[done.number]
            assert done.row is not None
            if done.number in self._owed:
                self._write_input(case, done)
            if standing is None:
                self._writer.finish(case, done.row, done.result, done.log)
            else:
                self._writer.record(case, done.row)

    def _write_input(self, case: Case, done: Finished) -> None:
        reference, mask = done.reference, done.mask
        if reference is None or mask is None:
            # A case that was given up brings none.
            photos = PhotoStore(self._dataset)
            pixels, hole = inputs(case.photo, photos, case.resolution, self._protocol)
            reference, mask = png_bytes(pixels), png_bytes(hole)
        self._writer.write_input(case, reference, mask)
