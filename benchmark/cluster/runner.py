"""Run the cases of a plan on a Dask cluster. Workers go from the photograph's file to scores and
PNG (`benchmark.cluster_worker`); this process hands out batches and writes what comes back."""

from __future__ import annotations

import queue
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

from distributed import Future, KilledWorker
from rich.console import Console

from benchmark.cluster.admission import Admission
from benchmark.cluster.client import Fleet
from benchmark.cluster.eligibility import Fitness
from benchmark.cluster.machines import Machines
from benchmark.cluster.messages import Batch, BatchResult, Item, failed, item, read_result
from benchmark.cluster.plugin import GPU, needs_gpu
from benchmark.cluster.queues import Entry, Flight, Lane, Work, group_of, is_lost, is_running
from benchmark.cluster.results import Fetched, Store, fetching
from benchmark.cluster.worker import losses, run_batch
from benchmark.execution.background import Background
from benchmark.execution.inference import Limits
from benchmark.execution.writer import Writer
from benchmark.inputs.dataset import PhotoStore
from benchmark.inputs.protocol import Protocol
from benchmark.planning.plan import Case
from benchmark.run_folder.folder import Row, damaged

# How often the workers are counted.
LOOK_S = 5.0
# Results that wait here to be written; beyond them none is fetched and nothing new is handed out.
MOST_BYTES = 2**29
WRITERS = 4
# How often the same cases go out again after an error that is not a method's.
MOST_ERRORS = 3

# A batch's key when it is done, with what was fetched of it so far; bytes that were written.
Event = tuple[str, Fetched] | int


class ClusterRunner:
    """One run over one folder on one cluster."""

    def __init__(
        self,
        writer: Writer,
        protocol: Protocol,
        dataset: Path,
        limits: Limits,
        fleet: Fleet,
        admission: Admission,
        console: Console,
    ) -> None:
        self._writer = writer
        self._protocol = protocol
        self._dataset = dataset
        self._limits = limits
        self._fleet = fleet
        self._admission = admission
        self._console = console
        self._in_flight: dict[str, Flight] = {}
        # Done, not fetched yet.
        self._ready: deque[Future] = deque()
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._names = map(str, count())
        self._workers: dict[str, dict[str, Any]] = {}
        self._paused: set[str] = set()
        self._looked = float("-inf")
        self._machines: Machines = {}
        # Whether workers see the dataset's folder; assumed until one does not.
        self._shared = True
        self._fitness = Fitness(limits.memory_gb, console)

    def run(self, to_run: list[Case], to_score: list[tuple[Case, Row]]) -> Machines:
        """Do these cases; the machines of those who did. Raises InputError when results cannot be
        written or the scheduler is gone; what was finished by then is kept. On KeyboardInterrupt
        what is under way is given up."""
        self._cases: list[Entry] = [*to_score, *((case, None) for case in to_run)]
        self._lanes = [self._lane(gpu=False), self._lane(gpu=True)]
        with (
            Background(WRITERS, self._writer.folder.path) as background,
            fetching(lambda key, fetched: self._events.put((key, fetched))) as self._fetch,
        ):
            self._store = Store(
                self._writer,
                background,
                self._cases,
                PhotoStore(self._dataset),
                self._protocol,
                self._events.put,
            )
            try:
                while any(lane.open for lane in self._lanes) or self._store:
                    background.check()
                    self._look()
                    self._hand_out()
                    self._take()
            finally:
                self._fleet.give_up(flight.future for flight in self._in_flight.values())
        return self._machines

    def _lane(self, gpu: bool) -> Lane:
        entries = (
            (number, (case, row))
            for number, (case, row) in enumerate(self._cases)
            # To score again what stands takes no GPU.
            if gpu == (row is None and needs_gpu(case.spec))
        )
        return Lane(entries, {GPU: 1} if gpu else {})

    def _look(self) -> None:
        """Count the workers, and take back what waits for one that is gone."""
        if time.monotonic() < self._looked + LOOK_S:
            return
        self._looked = time.monotonic()
        self._workers = self._fleet.workers()
        self._fitness.see(self._workers)
        for lane in self._lanes:
            lane.count(self._workers)
            self._tell_of_waiting(lane)
        self._writer.shared_by(self._lanes[0].threads)
        self._tell_of_paused()
        for flight in self._in_flight.values():
            if flight.workers and not set(flight.workers) & self._workers.keys():
                flight.recalled = True
                flight.future.cancel()

    def _tell_of_waiting(self, lane: Lane) -> None:
        waiting = lane.open and not lane.threads
        if waiting and not lane.waiting:
            kind = ' with --resources "GPU=1"' if lane.resources else ""
            self._console.print(f"waiting for a worker{kind} at {self._fleet.address}")
        lane.waiting = waiting

    def _tell_of_paused(self) -> None:
        paused = {name for name, worker in self._workers.items() if not is_running(worker)}
        for name in sorted(paused - self._paused):
            worker = self._workers[name]
            if worker["status"] == "paused":
                self._console.print(
                    f"{name} is paused: it has used up most of its {worker['memory_limit'] >> 20} "
                    "MB; give it a larger --memory-limit"
                )
        self._paused = paused

    def _hand_out(self) -> None:
        while self._ready and self._store.waiting_bytes < MOST_BYTES:
            self._fetch(self._ready.popleft())
        for lane in self._lanes:
            while lane.wants_more and self._store.waiting_bytes < MOST_BYTES:
                self._submit(lane, lane.again.popleft() if lane.again else self._next(lane))

    def _next(self, lane: Lane) -> Work:
        numbers = tuple(lane.batches.take(lane.threads))
        for number in numbers:
            self._store.expect(number)
        return Work(numbers, next(self._names))

    def _submit(self, lane: Lane, work: Work) -> None:
        group = group_of(*self._cases[work.numbers[0]])
        if self._fitness.awaits(group, lane, self._workers):
            lane.held.append(work)
            return
        workers = self._fitness.workers(group, lane, self._workers)
        future = self._fleet.submit(run_batch, self._batch(work), lane.resources, workers)
        lane.in_flight += 1
        self._in_flight[str(future.key)] = Flight(lane, work, future, workers)
        self._await(future)

    def _await(self, future: Future) -> None:
        future.add_done_callback(lambda done: self._events.put((str(done.key), None)))

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
            losses=dict(work.losses),
        )

    def _item(self, number: int) -> Item:
        case, row = self._cases[number]
        folder = None if self._shared else self._dataset
        standing = None
        if row is not None:
            standing = row, read_result(self._store.result_path(number))
        return item(number, case.photo, self._store.wants_input(number), folder, standing)

    def _take(self) -> None:
        """Wait a little for whatever happens next."""
        try:
            event = self._events.get(timeout=LOOK_S)
        except queue.Empty:
            return
        if isinstance(event, int):
            self._store.written(event)
        else:
            self._settle(*event)

    def _settle(self, key: str, fetched: Fetched) -> None:
        flight = self._in_flight.get(key)
        if flight is None:
            return
        if is_lost(flight.future):
            self._cancelled(key, flight)
        elif fetched is not None:
            self._landed(key)
            self._judge(flight.lane, flight.work, fetched)
        elif flight.future.status == "pending":
            # It was done, and got lost with its worker.
            self._await(flight.future)
        else:
            self._ready.append(flight.future)

    def _landed(self, key: str) -> None:
        self._in_flight.pop(key).lane.in_flight -= 1

    def _judge(self, lane: Lane, work: Work, fetched: BatchResult | BaseException) -> None:
        if isinstance(fetched, BatchResult):
            self._finished(lane, work, fetched)
        elif isinstance(fetched, KilledWorker):
            # Dask has lost too many workers that had this batch: one by one they tell which it is.
            self._failed(
                lane, self._with_losses(work), "workers were lost, most likely for lack of memory"
            )
        else:  # of a worker: a full disk, a bug of ours; never a method's
            reason = f"{type(fetched).__name__}: {fetched}"
            self._failed(lane, work, " ".join(reason.split()))

    def _with_losses(self, work: Work) -> Work:
        """Knowing which of its cases were under way when workers were lost."""
        run, name, known = self._fleet.name, work.name, dict(work.losses)
        try:
            found = self._fleet.ask(lambda client: losses(client, run, name, known))
        except OSError:
            raise self._fleet.gone() from None
        return replace(work, losses=found)

    def _cancelled(self, key: str, flight: Flight) -> None:
        """Hand out again what was taken back, or all that was lost with the connection."""
        lost = {key: flight}
        if not flight.recalled:
            self._admission.renew()
            flights = self._in_flight.items()
            lost = {name: other for name, other in flights if is_lost(other.future)}
        for name, other in lost.items():
            self._landed(name)
            known = self._with_losses(other.work) if other.recalled else other.work
            other.lane.again.append(replace(known, name=next(self._names)))

    def _failed(self, lane: Lane, work: Work, reason: str) -> None:
        if work.errors + 1 >= MOST_ERRORS:
            slots = [(number, self._cases[number][0].slot) for number in work.numbers]
            self._store.put([failed(number, slot, reason) for number, slot in slots])
            return
        for number in work.numbers:
            lane.again.append(self._alone(number, work.losses, work.errors + 1))

    def _alone(self, number: int, losses: Mapping[int, int], errors: int = 0) -> Work:
        return Work((number,), next(self._names), {number: losses.get(number, 0)}, errors)

    def _finished(self, lane: Lane, work: Work, result: BatchResult) -> None:
        group = group_of(*self._cases[work.numbers[0]])
        self._machines[result.worker] = result.machine
        # What failed at once tells nothing of the others.
        if all(done.row is not None and done.row.status == "ok" for done in result.finished):
            lane.batches.learn(group, result.seconds / len(work.numbers))
        kept = []
        for done in result.finished:
            if done.damaged:
                raise damaged(self._store.result_path(done.number))
            if done.row is None:
                self._shared = False
                lane.again.append(self._alone(done.number, result.losses))
            elif self._fitness.elsewhere(done, group, result, lane, self._workers):
                lane.again.append(self._alone(done.number, result.losses))
            else:
                kept.append(done)
        self._store.put(kept)
