"""Run the cases of a plan: prepare -> infer -> score and write, overlapped.

While a method computes in its own process, this process prepares the next cases and scores and
writes the finished ones. Finished cases are on disk and in the journal before they count.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future, wait
from dataclasses import replace

from benchmark.execution.background import Background
from benchmark.execution.inference import CLOSED_S, Limits, Outcome, close_all, infer
from benchmark.execution.scoring import judge, scores
from benchmark.execution.writer import Writer
from benchmark.inputs.dataset import PhotoStore, inputs
from benchmark.inputs.protocol import Protocol
from benchmark.planning.plan import Case
from benchmark.run_folder.folder import Row, damaged
from methods.base import Image, Mask, blank
from methods.images import ImageFileError, png_bytes, read_rgb


class Runner:
    """One run over one folder. `executor` runs `infer`; it may be any Executor."""

    def __init__(
        self, writer: Writer, protocol: Protocol, photos: PhotoStore, limits: Limits
    ) -> None:
        self._writer = writer
        self._protocol = protocol
        self._photos = photos
        self._limits = limits
        self._stopping = False
        self._futures: set[Future[Outcome]] = set()

    def run(
        self,
        to_run: list[Case],
        to_score: list[tuple[Case, Row]],
        executor: Executor,
        workers: int,
    ) -> None:
        """Run these cases, and score again those whose results stand.

        workers: how many cases `executor` runs at a time. Raises InputError when results cannot
        be written; what was finished by then is kept. On KeyboardInterrupt cases in flight are
        given up.
        """
        # One case waits behind each running one, and one is being scored.
        ahead = workers + 2
        slots = threading.BoundedSemaphore(ahead)
        with Background(min(workers + 1, 4), self._writer.folder.path) as self._background:
            try:
                for case, row in to_score:
                    self._background.check()
                    self._submit(slots, self._score_again, case, row)
                for case in to_run:
                    self._start(case, executor, slots)
                for _ in range(ahead):
                    slots.acquire()
            except BaseException:
                self._stopping = True
                for future in list(self._futures):
                    future.cancel()
                # One of them may only now be starting its process.
                while running := list(self._futures):
                    close_all()
                    wait(running, timeout=CLOSED_S)
                raise

    def _start(self, case: Case, executor: Executor, slots: threading.Semaphore) -> None:
        slots.acquire()
        self._background.check()
        image, mask = self._inputs(case)
        self._writer.started(case)
        future = executor.submit(
            infer,
            case.spec,
            case.resolution,
            case.photo.name,
            blank(image, mask),
            mask,
            self._limits,
        )

        def hand_over(done: Future[Outcome]) -> None:
            self._futures.discard(done)
            if self._stopping:
                slots.release()
            else:
                self._background.submit(self._finish, case, image, mask, done, then=slots.release)

        self._futures.add(future)
        future.add_done_callback(hand_over)

    def _submit(self, slots: threading.Semaphore, work: Callable[..., None], *args: object) -> None:
        slots.acquire()
        self._background.submit(work, *args, then=slots.release)

    def _inputs(self, case: Case) -> tuple[Image, Mask]:
        """Reference and mask of a case; written to the run folder once."""
        image, mask = inputs(case.photo, self._photos, case.resolution, self._protocol)
        if self._writer.takes_input(case):

            def write() -> None:
                self._writer.write_input(case, png_bytes(image), png_bytes(mask))

            # A slot of its own: inputs must be on disk before the run is over, not before the case.
            self._submit(threading.Semaphore(1), write)
        return image, mask

    def _finish(self, case: Case, image: Image, mask: Mask, done: Future[Outcome]) -> None:
        outcome = done.result()
        row, result = judge(case.slot, case.spec.method, outcome, image, mask, self._protocol)
        encoded = None if result is None else png_bytes(result)
        self._writer.finish(case, row, encoded, outcome.log)

    def _score_again(self, case: Case, row: Row) -> None:
        """New scores for a result that stands: only metrics or their options changed."""
        image, mask = self._inputs(case)
        path = self._writer.folder.result_path(*case.slot)
        try:
            result = read_rgb(path)
        except ImageFileError:
            raise damaged(path) from None
        self._writer.record(case, replace(row, scores=scores(image, result, mask, self._protocol)))
