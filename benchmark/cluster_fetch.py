"""Results on their way from a worker to this process."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType

from distributed import Future

from benchmark.cluster_worker import BatchResult

# Several at a time hide the way there and back.
FETCHERS = 8
PATIENCE_S = 60.0
MOST_TRIES = 6

# A result, what its batch raised, or None where it got lost with its worker and is computed again.
Fetched = BatchResult | BaseException | None


class Fetchers:
    """Helper threads that bring results. Leaving the context waits for none of them."""

    def __init__(self, then: Callable[[str, Fetched], None]) -> None:
        """then: called in a helper thread with the key of a future and what came of it."""
        self._pool = ThreadPoolExecutor(FETCHERS)
        self._then = then

    def __enter__(self) -> Fetchers:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def submit(self, future: Future) -> None:
        self._pool.submit(self._bring, future)

    def _bring(self, future: Future) -> None:
        fetched: Fetched
        try:
            fetched = _fetched(future)
        except BaseException as error:
            fetched = error
        self._then(str(future.key), fetched)


def _fetched(future: Future) -> BatchResult | None:
    """Raises what the batch raised, or OSError when its result does not get through."""
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
