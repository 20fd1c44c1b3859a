"""Results on their way from a worker to this process."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from distributed import Future

from benchmark.cluster_worker import BatchResult

# Several at a time hide the way there and back.
FETCHERS = 8
PATIENCE_S = 60.0
MOST_TRIES = 6

# A result, what its batch raised, or None where it got lost with its worker and is computed again.
Fetched = BatchResult | BaseException | None


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
