"""Run the cases of a plan on a Dask cluster, one task for each case.

Workers go from the photograph's file to scores and PNG; this process submits the cases and writes
what comes back.
"""

from __future__ import annotations

import queue
import time
from concurrent.futures import CancelledError
from contextlib import suppress

from dask.typing import Key
from distributed import KilledWorker
from rich.console import Console

from benchmark.cluster.client import ClusterClient
from benchmark.cluster.machines import Machines
from benchmark.cluster.messages import CaseMessage, CaseResult, PhotographMissingError, read_files
from benchmark.cluster.plugins import GPU, needs_gpu
from benchmark.cluster.queues import MOST_RETRIES, ClusterCase, WorkerEligibility, WorkQueue
from benchmark.cluster.worker import run_case
from benchmark.execution.background import Background
from benchmark.execution.interrupts import deferred_interrupts
from benchmark.execution.writer import Writer
from benchmark.inputs.photos import PhotoStore
from benchmark.planning.plan import Case
from benchmark.planning.request import Job
from benchmark.run_folder.folder import damaged
from benchmark.run_folder.rows import Row
from methods.errors import InputError
from methods.images import png_bytes

# How often the workers are counted.
LOOK_S = 2.0
# Results that are fetched and written at a time, and their size together: of large ones fewer.
WRITERS = 8
MOST_BYTES = 2**29
# How long a result may take to arrive.
FETCH_S = 600.0
# How often Dask runs a task again after an error that is not its method's.
RETRIES = 2

# News of a task: it is done, its case is to run on another worker, its row is written; of no task:
# Ctrl-C was pressed.
DONE, MOVE, WRITTEN, INTERRUPT = "done", "move", "written", "interrupt"
Event = tuple[Key, str | Exception]


class ClusterRunner:
    """One run into one folder on one cluster."""

    def __init__(self, job: Job, writer: Writer, cluster: ClusterClient, console: Console) -> None:
        self._job = job
        self._dataset = job.dataset.root
        self._photos = PhotoStore(self._dataset)
        self._writer = writer
        self._cluster = cluster
        self._console = console
        self._eligibility = WorkerEligibility(job.limits.memory_gb, console)
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        # Keyed by task, oldest first, until their rows are written.
        self._submitted: dict[Key, ClusterCase] = {}
        self._looked = float("-inf")
        self._machines: Machines = {}
        # Whether workers see the dataset's folder; assumed until one does not.
        self._shared_folder = True

    def run(self, to_run: list[Case], to_score: list[tuple[Case, Row]]) -> Machines:
        """Run and score cases; return the machines of the workers that did.

        Raises InputError if results cannot be written or the scheduler is gone.
        """
        # A result that is only scored again needs no GPU.
        on_gpu = [(case, None) for case in to_run if needs_gpu(case.spec)]
        others = [(case, None) for case in to_run if not needs_gpu(case.spec)]
        self._queues = [WorkQueue([*to_score, *others], {}), WorkQueue(on_gpu, {GPU: 1})]
        largest = max((case.pixels for case in to_run), default=1)
        writers = max(1, min(WRITERS, MOST_BYTES // (2 * 3 * largest)))
        with (
            Background(writers, self._writer.folder.path) as self._background,
            deferred_interrupts(lambda: self._events.put(("", INTERRUPT))) as check_interrupt,
        ):
            try:
                while self._submitted or any(each.cases for each in self._queues):
                    check_interrupt()
                    self._background.check()
                    self._look()
                    for each in self._queues:
                        self._fill(each)
                    with suppress(queue.Empty):
                        self._handle(*self._events.get(timeout=LOOK_S))
            finally:
                self._cluster.cancel(case.future for case in self._submitted.values())
        return self._machines

    def _look(self) -> None:
        """Count the workers."""
        if time.monotonic() < self._looked + LOOK_S:
            return
        self._looked = time.monotonic()
        before = self._eligibility.workers
        workers = self._eligibility.workers = self._cluster.workers()
        for each in self._queues:
            computing = self._computing(each)
            if before.keys() - workers.keys():
                self._take_back(computing)
            each.slots = sum(map(each.slots_of, workers.values()))
            was_waiting = each.is_waiting
            each.is_waiting = not each.slots and bool(each.cases or computing)
            if each.is_waiting and not was_waiting:
                kind = ' with --resources "GPU=1"' if each.resources else ""
                self._console.print(f"waiting for a worker{kind} at {self._cluster.address}")
        self._writer.set_workers(self._queues[0].slots)
        for name, worker in sorted(workers.items()):
            was_paused = name in before and before[name]["status"] == "paused"
            if worker["status"] == "paused" and not was_paused:
                self._console.print(
                    f"{name} is paused: it has used up most of its {worker['memory_limit'] >> 20} "
                    "MB; give it a larger --memory-limit"
                )

    def _take_back(self, computing: list[ClusterCase]) -> None:
        """Take back cases that no worker can run any more."""
        for case in computing:
            if case.workers and not case.workers & self._eligibility.workers.keys():
                case.retries += 1
                if case.retries <= MOST_RETRIES:
                    self._submit_again(case)
                else:
                    self._give_up(case, "the only workers that can run it were lost")

    def _computing(self, each: WorkQueue) -> list[ClusterCase]:
        """Return the cases of a queue whose tasks are not done, oldest first."""
        submitted = self._submitted.values()
        return [case for case in submitted if case.queue is each and not case.future.done()]

    def _fill(self, each: WorkQueue) -> None:
        """Submit cases until every worker has one, and every second one the next too.

        Tasks that wait make an adaptive cluster grow. Nothing is submitted while too many results
        wait on the workers.
        """
        most = each.slots + each.slots // 2 + 1
        computing = len(self._computing(each))
        unwritten = sum(case.queue is each for case in self._submitted.values())
        room = min(most - computing, 2 * most + WRITERS - unwritten, len(each.cases))
        for _ in range(room):
            self._submit(each.cases.popleft())

    def _submit(self, case: ClusterCase) -> None:
        if case.future is None:
            self._writer.started(case.case)
            case.wants_inputs = self._writer.takes_input(case.case)
        message, case.workers = self._message(case), self._eligibility.suitable(case)
        case.future = self._cluster.call(
            lambda client: client.submit(
                run_case,
                message,
                pure=False,
                retries=RETRIES,
                resources=case.queue.resources or None,
                workers=case.workers and list(case.workers),
            )
        )
        self._submitted[case.future.key] = case
        self._await(case)

    def _message(self, case: ClusterCase) -> CaseMessage:
        photo, path = case.case.photo, self._writer.folder.result_path(*case.case.slot)
        try:
            stored = (case.stored, path, path.read_bytes()) if case.stored else None
        except OSError:
            raise damaged(path) from None
        return CaseMessage(
            run=self._cluster.run,
            case=case.case,
            protocol=self._job.protocol,
            limits=self._job.limits,
            dataset=str(self._dataset.resolve()),
            files=None if self._shared_folder else read_files(self._dataset, photo),
            wants_inputs=case.wants_inputs,
            stored=stored,
        )

    def _await(self, case: ClusterCase) -> None:
        case.future.add_done_callback(lambda done: self._events.put((done.key, DONE)))

    def _submit_again(self, case: ClusterCase) -> None:
        del self._submitted[case.future.key]
        self._cluster.cancel([case.future])
        case.queue.cases.appendleft(case)

    def _handle(self, key: Key, news: str | Exception) -> None:
        case = self._submitted.get(key)
        if case is None:
            return  # It was submitted again.
        if isinstance(news, Exception):
            self._failed(case, news)
        elif news == DONE:
            self._background.submit(self._collect, case, key)
        elif news == MOVE:
            self._submit_again(case)
        else:
            del self._submitted[key]

    def _collect(self, case: ClusterCase, key: Key) -> None:
        """Fetch a result and write it (in a helper thread)."""
        try:
            result = case.future.result(timeout=FETCH_S)
        except Exception as error:
            self._events.put((key, error))
            return
        self._machines[result.worker] = result.machine
        if self._eligibility.is_to_move(case, result):
            self._events.put((key, MOVE))
            return
        self._write(case, result.row, result)
        self._events.put((key, WRITTEN))

    def _write(self, case: ClusterCase, row: Row, result: CaseResult | None = None) -> None:
        """Write a finished case (in a helper thread). result: None if it was given up."""
        if case.wants_inputs:
            images = result.inputs if result else None
            self._writer.write_input(case.case, *(images or self._inputs(case.case)))
        if case.stored is not None:
            self._writer.record(case.case, row)
        else:
            image, log = (result.image, result.log) if result else (None, "")
            self._writer.finish(case.case, row, image, log)

    def _inputs(self, case: Case) -> tuple[bytes, bytes]:
        image, mask = self._photos.inputs(case.photo, case.resolution, self._job.protocol)
        return png_bytes(image), png_bytes(mask)

    def _failed(self, case: ClusterCase, error: Exception) -> None:
        status = case.future.status
        if isinstance(error, InputError):
            raise error
        if isinstance(error, PhotographMissingError):
            self._shared_folder = False
            self._submit_again(case)
        elif isinstance(error, KilledWorker):
            self._lost_workers(case, error.allowed_failures + 1)
        elif status in {"cancelled", "lost"} or isinstance(error, CancelledError):
            # The connection to the scheduler broke, which ended the run there and on workers.
            self._cluster.renew()
            self._submit_again(case)
        elif status in {"pending", "finished"} and case.retries < MOST_RETRIES:
            # Its result was lost with its worker, and Dask computes it again, or on the way.
            case.retries += 1
            self._await(case)
        else:  # an error of the worker, such as a full disk, never of a method
            self._give_up(case, f"{type(error).__name__}: {error}")

    def _lost_workers(self, case: ClusterCase, lost: int) -> None:
        """Give up a case that ran on as many lost workers as Dask tolerates.

        Dask counts a lost worker against every task that it had, also against those that waited
        behind the running one.
        """
        starts = self._cluster.count_starts(case.case)
        if starts < lost and case.retries < MOST_RETRIES:
            case.retries += 1
            self._submit_again(case)
        else:
            reason = "workers were lost while they ran it, most likely for lack of memory"
            self._give_up(case, f"{max(starts, lost)} {reason}")

    def _give_up(self, case: ClusterCase, reason: str) -> None:
        del self._submitted[case.future.key]
        self._cluster.cancel([case.future])
        error = f"{reason}; --overwrite failed tries it again"
        row = Row(*case.case.slot, status="failed", error=error)
        self._background.submit(self._write, case, row)
