"""What comes back from a cluster's workers, on its way into the run folder."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from distributed import Future

from benchmark.cluster.messages import BatchResult, Finished, stored_bytes
from benchmark.cluster.queues import Entry
from benchmark.execution.background import Background
from benchmark.execution.writer import Writer
from benchmark.inputs.dataset import PhotoStore, inputs
from benchmark.inputs.protocol import Protocol
from benchmark.planning.plan import Case
from methods.images import png_bytes

# Several at a time hide the way there and back.
FETCHERS = 8
PATIENCE_S = 60.0
MOST_TRIES = 6
# A result, what its batch raised, or None where it got lost with its worker and is computed again.
Fetched = BatchResult | BaseException | None


class Store:
    """Writes finished cases with the threads of `background`. Methods are called by one thread."""

    def __init__(
        self,
        writer: Writer,
        background: Background,
        cases: Sequence[Entry],
        photos: PhotoStore,
        protocol: Protocol,
        then: Callable[[int], None],
    ) -> None:
        """then: called in a helper thread with bytes that wait no longer; they go to `written`."""
        self._writer = writer
        self._background = background
        self._cases = cases
        self._photos = photos
        self._protocol = protocol
        self._then = then
        # Cases whose reference and mask are to come back with them.
        self._owed: set[int] = set()
        self.waiting_bytes = 0
        self._batches = 0

    def __bool__(self) -> bool:
        """Whether anything waits to be written."""
        return self._batches > 0

    def expect(self, number: int) -> None:
        """A case is handed out for the first time."""
        case, _ = self._cases[number]
        self._writer.started(case)
        if self._writer.takes_input(case):
            self._owed.add(number)

    def wants_input(self, number: int) -> bool:
        return number in self._owed

    def result_path(self, number: int) -> Path:
        case, _ = self._cases[number]
        return self._writer.folder.result_path(*case.slot)

    def put(self, finished: list[Finished]) -> None:
        size = sum(map(stored_bytes, finished))
        self.waiting_bytes += size
        self._batches += 1
        self._background.submit(self._write, finished, then=lambda: self._then(size))

    def written(self, size: int) -> None:
        self.waiting_bytes -= size
        self._batches -= 1

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
            pixels, hole = inputs(case.photo, self._photos, case.resolution, self._protocol)
            reference, mask = png_bytes(pixels), png_bytes(hole)
        self._writer.write_input(case, reference, mask)


@contextmanager
def fetching(then: Callable[[str, Fetched], None]) -> Iterator[Callable[[Future], object]]:
    """A function that lets a helper thread bring the result of a future that is done. Leaving the
    context waits for none.

    then: called in a helper thread with the key of the future and what came of it."""
    pool = ThreadPoolExecutor(FETCHERS)

    def bring(future: Future) -> None:
        fetched: Fetched
        try:
            fetched = _fetched(future)
        except BaseException as error:
            fetched = error
        then(str(future.key), fetched)

    try:
        yield lambda future: pool.submit(bring, future)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _fetched(future: Future) -> BatchResult | None:
    """None where it got lost with its worker. Raises what the batch raised, or OSError when its
    result does not get through."""
    for attempt in range(MOST_TRIES):
        try:
            # Slow lines have time, twice as much each time.
            return future.result(timeout=PATIENCE_S * 2**attempt)
        except OSError as error:
            if future.status == "pending":
                return None
            if future.status != "finished" or attempt + 1 == MOST_TRIES:
                raise
            if not isinstance(error, TimeoutError):
                time.sleep(2**attempt / 4)
    raise AssertionError("unreachable")
