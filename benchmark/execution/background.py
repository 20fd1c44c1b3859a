"""Helper threads of a run, whose first error stops it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import CancelledError, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType

from methods.errors import InputError


class Background:
    """Prepares, scores and writes beside the main thread. Leaving the context waits for all."""

    def __init__(self, threads: int, folder: Path) -> None:
        self._pool = ThreadPoolExecutor(threads)
        self._folder = folder
        self._failure: BaseException | None = None

    def __enter__(self) -> Background:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._pool.shutdown()
        if kind is None:
            self.check()

    def submit(self, work: Callable[..., None], *args: object, then: Callable[[], None]) -> None:
        """Run `work` and, whatever became of it, `then`."""
        self._pool.submit(self._guarded, work, args, then)

    def _guarded(
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

    def check(self) -> None:
        """Raise what went wrong in a helper thread; InputError where it was a file."""
        if isinstance(self._failure, OSError):
            name = self._failure.filename or self._folder
            raise InputError(
                f"{name} cannot be written or read ({self._failure.strerror}): free space or "
                "permissions are needed; finished cases are kept, the same command goes on"
            ) from None
        if self._failure is not None:
            raise self._failure
