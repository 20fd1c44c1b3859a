"""Run the cases of a plan: prepare -> infer -> score and write, overlapped.

While a method computes in its own process, this process prepares the next cases and scores and
writes the finished ones. Finished cases are on disk and in the journal before they count.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Executor, Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Protocol as Interface

from benchmark.dataset import PhotoStore
from benchmark.errors import InputError
from benchmark.inference import Limits, Outcome, close_all, infer
from benchmark.metrics import score
from benchmark.plan import Case, Plan
from benchmark.protocol import Protocol, hole_mask, reference
from benchmark.run_folder import REFERENCE, Row, RunFolder, Slot
from methods.base import Image, Mask, blank, composite, known_pixels_changed
from methods.external import External
from methods.images import read_rgb, write_atomically, write_png


class Watcher(Interface):
    """Who wants to know how the run goes on (a progress bar)."""

    def started(self, case: Case) -> None: ...

    def finished(self, case: Case, row: Row) -> None: ...


class Runner:
    """One run over one folder. `executor` runs `infer`; it may be any Executor."""

    def __init__(
        self,
        plan: Plan,
        folder: RunFolder,
        protocol: Protocol,
        photos: PhotoStore,
        watcher: Watcher,
        limits: Limits,
    ) -> None:
        self._plan = plan
        self._folder = folder
        self._protocol = protocol
        self._photos = photos
        self._watcher = watcher
        self._limits = limits
        self._failure: BaseException | None = None
        self._stopping = False
        self._futures: set[Future[Outcome]] = set()
        # Cases are prepared in the main thread, results scored again in helper threads.
        self._inputs_lock = threading.Lock()
        self._inputs_taken: set[tuple[int, str]] = set()

    def run(self, executor: Executor, workers: int) -> None:
        """Do everything in the plan; rows appear in `plan.rows`.

        workers: how many cases `executor` runs at a time. Raises InputError when results cannot
        be written; what was finished by then is kept. On KeyboardInterrupt cases in flight are
        given up.
        """
        # One case waits behind each running one, and one is being scored.
        ahead = workers + 2
        slots = threading.BoundedSemaphore(ahead)
        with ThreadPoolExecutor(max_workers=min(workers + 1, 4)) as helpers:
            self._helpers = helpers
            try:
                for case, row in self._plan.to_score:
                    self._check_failure()
                    self._submit(slots, self._score_again, case, row)
                for case in self._plan.to_run:
                    self._start(case, executor, slots)
                for _ in range(ahead):
                    slots.acquire()
            except BaseException:
                self._stopping = True
                for future in list(self._futures):
                    future.cancel()
                close_all()
                raise
        self._check_failure()

    def _start(self, case: Case, executor: Executor, slots: threading.Semaphore) -> None:
        slots.acquire()
        self._check_failure()
        image, mask = self._inputs(case)
        self._watcher.started(case)
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
                self._helpers.submit(self._guarded, slots, self._finish, case, image, mask, done)

        self._futures.add(future)
        future.add_done_callback(hand_over)

    def _submit(self, slots: threading.Semaphore, work: Callable[..., None], *args: object) -> None:
        slots.acquire()
        self._helpers.submit(self._guarded, slots, work, *args)

    def _guarded(
        self, slots: threading.Semaphore, work: Callable[..., None], *args: object
    ) -> None:
        """Run `work` in a helper thread; its error stops the run in the main thread."""
        try:
            work(*args)
        except CancelledError:
            pass
        except BaseException as error:
            self._failure = self._failure or error
        finally:
            slots.release()

    def _check_failure(self) -> None:
        if isinstance(self._failure, OSError):
            name = self._failure.filename or self._folder.path
            raise InputError(
                f"{name} cannot be written or read ({self._failure.strerror}): free space or "
                "permissions are needed; finished cases are kept, the same command goes on"
            ) from None
        if self._failure is not None:
            raise self._failure

    def _inputs(self, case: Case) -> tuple[Image, Mask]:
        """Reference and mask of a case; written to the run folder once."""
        photo = case.photo
        try:
            pixels, own_mask = self._photos.get(photo)
        except (OSError, ValueError) as error:
            raise InputError(f"{error}; the file has changed during the run") from None
        image = reference(pixels, case.resolution, self._protocol)
        mask = hole_mask(photo.name, own_mask, case.resolution, self._protocol)
        place = (case.resolution, photo.name)
        with self._inputs_lock:
            first = place not in self._inputs_taken
            self._inputs_taken.add(place)
        if first and not self._folder.has_input(*place, case.input_key):
            self._write_inputs(case, image, mask)
        return image, mask

    def _write_inputs(self, case: Case, image: Image, mask: Mask) -> None:
        place = (case.resolution, case.photo.name)

        def write() -> None:
            self._folder.forget((REFERENCE, *place))
            write_png(self._folder.result_path(REFERENCE, *place), image)
            write_png(self._folder.mask_path(*place), mask)
            self._folder.record_input(*place, case.input_key)

        # A slot of its own: inputs must be on disk before the run is over, not before the case.
        self._submit(threading.Semaphore(1), write)

    def _finish(self, case: Case, image: Image, mask: Mask, done: Future[Outcome]) -> None:
        outcome = done.result()
        row = Row(
            *case.slot,
            status=outcome.status,
            seconds=outcome.seconds,
            peak_memory_mb=outcome.peak_memory_mb,
            peak_cuda_memory_mb=outcome.peak_cuda_memory_mb,
            error=outcome.error,
        )
        path = self._folder.result_path(*case.slot)
        self._folder.forget(case.slot)
        self._write_log(case.slot, outcome.log)
        if outcome.raw is None:
            path.unlink(missing_ok=True)
        else:
            changed = known_pixels_changed(image, outcome.raw, mask)
            # What was made elsewhere is judged as it came: the audit has asked the user first.
            as_given = changed > 0 and case.spec.method == External.name
            result = outcome.raw if as_given else composite(image, outcome.raw, mask)
            write_png(path, result)
            row = replace(
                row,
                scores=self._scores(image, result, mask),
                known_pixels_changed=changed,
                scored_as_given=as_given,
            )
        self._done(case, row)

    def _score_again(self, case: Case, row: Row) -> None:
        """New scores for a result that stands: only metrics or their options changed."""
        image, mask = self._inputs(case)
        result = read_rgb(self._folder.result_path(*case.slot))
        self._done(case, replace(row, scores=self._scores(image, result, mask)))

    def _scores(self, image: Image, result: Image, mask: Mask) -> dict[str, float]:
        protocol = self._protocol
        return score(image, result, mask, protocol.recorded_metrics(), protocol.metric_options)

    def _done(self, case: Case, row: Row) -> None:
        # What is not installed now may be tomorrow: skipped is never final.
        if row.status != "skipped":
            self._folder.record_case(row, case.key, case.score_key)
        self._plan.rows[case.slot] = row
        self._watcher.finished(case, row)

    def _write_log(self, slot: Slot, log: str) -> None:
        path = self._folder.log_path(*slot)
        if log.strip():
            write_atomically(path, log.encode())
        else:
            path.unlink(missing_ok=True)
