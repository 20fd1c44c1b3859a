"""A thread pool whose first error stops the run."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import CancelledError, ThreadPoolExecutor
from pathlib import Path

from benchmark.run_folder.folder import unusable


class Background:
    """Threads that prepare, score and write; leaving the context waits for them."""

    def __init__(self, threads: int, folder: Path) -> None:
        self._pool = ThreadPoolExecutor(threads)
        # Named in the error message if an OSError does not name its file.
        self._folder = folder
        self._failure: BaseException | None = None

    def __enter__(self) -> Background:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._pool.shutdown()
        if kind is None:
            self.check()

    def submit(
        self, work: Callable[..., None], *args: object, then: Callable[[], None] = lambda: None
    ) -> None:
        """Run `work` in a thread, and then `then` even if it failed."""
        self._pool.submit(self._run, work, args, then)

    def check(self) -> None:
        """Raise the first error of a thread, an OSError as InputError."""
        if isinstance(self._failure, OSError):
            raise unusable(self._failure, self._folder) from None
        if self._failure is not None:
            raise self._failure

    def _run(
        self, work: Callable[..., None], args: tuple[object, ...], then: Callable[[], None]
    ) -> None:
        try:
            work(*args)
        except CancelledError:
            pass
        except BaseException as error:
            self._failure = self._failure or error
        finally:
            then()
