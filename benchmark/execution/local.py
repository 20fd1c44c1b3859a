"""Running cases on this machine: prepare, infer, score and write, overlapped.

While methods compute in their own processes, this process prepares the next cases, and scores and
writes the finished ones.
"""

from __future__ import annotations

import queue
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

from benchmark.execution.background import Background
from benchmark.execution.inference import CLOSED_S, Outcome, close_all, infer
from benchmark.execution.interrupts import deferred_interrupts
from benchmark.execution.scoring import score_outcome, with_scores
from benchmark.execution.writer import Writer
from benchmark.inputs.photos import PhotoStore
from benchmark.planning.concurrency import available_cores, limited_threads
from benchmark.planning.method_specs import MethodSpec
from benchmark.planning.plan import Case, Plan
from benchmark.planning.request import Job
from benchmark.run_folder.folder import damaged
from benchmark.run_folder.rows import Row
from methods.base import Image, Mask, blank
from methods.images import ImageFileError, png_bytes, read_rgb

# Threads that score and write, where a fast GPU would otherwise wait for them, and how many pixels
# of cases may lie in memory for them: 8 cases of 2048 px.
MOST_SCORING_THREADS = 8
MOST_PIXELS = 2**25


class LocalBackend:
    """Runs a job on this machine; see `benchmark.job.Backend`."""

    def __init__(self, job: Job) -> None:
        self._job = job

    def assign_devices(self, specs: list[MethodSpec]) -> list[MethodSpec]:
        return specs

    def prepare(self, plan: Plan) -> None:
        pass

    def run(self, writer: Writer, plan: Plan) -> None:
        with limited_threads(self._job.threads):
            run_locally(self._job, writer, plan.to_run, plan.to_score)

    def record(self) -> dict[str, Any]:
        return {"workers": self._job.request.workers, "threads": self._job.threads}


def run_locally(
    job: Job, writer: Writer, to_run: list[Case], to_score: list[tuple[Case, Row]]
) -> None:
    """Run cases on this machine, and score existing results again.

    Raises InputError if a file cannot be read or written; what was finished before is kept.
    """
    run = _LocalRun(job, writer)
    try:
        run.run(to_run, to_score)
    finally:
        close_all(run.name)


def scoring_threads(workers: int, cases: Sequence[Case]) -> int:
    """Return how many threads score and write: as many as the cores and the memory allow.

    A case of 2048 px takes a third of a second of a core, longer than a network on a fast GPU.
    """
    largest = max((case.pixels for case in cases), default=1)
    free = min(available_cores() - workers, MOST_PIXELS // max(1, largest), MOST_SCORING_THREADS)
    return max(min(workers + 1, 4), free)


class _LocalRun:
    def __init__(self, job: Job, writer: Writer) -> None:
        self._job = job
        self._writer = writer
        # Of its processes: another run of this program must not lose its own.
        self.name = str(writer.folder.path.resolve())
        self._photos = PhotoStore(job.dataset.root)
        self._slots: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._running: set[Future[Outcome]] = set()
        self._stopping = False

    def run(self, to_run: list[Case], to_score: list[tuple[Case, Row]]) -> None:
        workers = self._job.request.workers
        folder = self._writer.folder.path
        cases = [*to_run, *(case for case, _ in to_score)]
        threads = scoring_threads(workers, cases)
        # Cases prepared and not finished: one waits behind each running one, others are scored.
        ahead = 1 + max(workers + 1, threads)
        for _ in range(ahead):
            self._release()
        with (
            Background(threads, folder) as self._background,
            ThreadPoolExecutor(workers) as self._executor,
            deferred_interrupts(self._release) as self._check_interrupt,
        ):
            try:
                for case, row in to_score:
                    self._wait_for_slot()
                    self._submit(self._score_again, case, row)
                for case in to_run:
                    self._wait_for_slot()
                    self._start(case)
                for _ in range(ahead):
                    self._wait_for_slot()
            except BaseException:
                self._stop()
                raise

    def _wait_for_slot(self) -> None:
        self._slots.get()
        self._check_interrupt()
        self._background.check()

    def _release(self) -> None:
        self._slots.put(None)

    def _submit(self, work: Callable[..., None], *args: object) -> None:
        self._background.submit(work, *args, then=self._release)

    def _start(self, case: Case) -> None:
        image, mask = self._inputs(case)
        self._writer.started(case)
        blanked = blank(image, mask)
        arguments = (case.spec, case.resolution, case.photo.name, blanked, mask, self._job.limits)
        future = self._executor.submit(infer, *arguments, run=self.name)

        def hand_over(done: Future[Outcome]) -> None:
            self._running.discard(done)
            if self._stopping:
                self._release()
            else:
                self._submit(self._finish, case, image, mask, done)

        self._running.add(future)
        future.add_done_callback(hand_over)

    def _stop(self) -> None:
        self._stopping = True
        for future in list(self._running):
            future.cancel()
        # Repeated because a case may only now be starting its process.
        while running := list(self._running):
            close_all(self.name)
            wait(running, timeout=CLOSED_S)

    def _inputs(self, case: Case) -> tuple[Image, Mask]:
        """Return reference and mask of a case, and have them written if it is the first."""
        image, mask = self._photos.inputs(case.photo, case.resolution, self._job.protocol)
        if self._writer.takes_input(case):
            self._background.submit(self._write_input, case, image, mask)
        return image, mask

    def _write_input(self, case: Case, image: Image, mask: Mask) -> None:
        self._writer.write_input(case, png_bytes(image), png_bytes(mask))

    def _finish(self, case: Case, image: Image, mask: Mask, done: Future[Outcome]) -> None:
        outcome = done.result()
        row, result = score_outcome(case, outcome, image, mask, self._job.protocol)
        self._writer.finish(case, row, result, outcome.log)

    def _score_again(self, case: Case, row: Row) -> None:
        image, mask = self._inputs(case)
        path = self._writer.folder.result_path(*case.slot)
        try:
            result = read_rgb(path)
        except ImageFileError:
            raise damaged(path) from None
        self._writer.record(case, with_scores(row, case, image, result, mask, self._job.protocol))
