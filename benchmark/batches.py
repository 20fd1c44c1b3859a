"""Batches of cases: small enough to balance workers and to lose little, large enough that a cluster
does not drown in messages."""

from __future__ import annotations

from collections.abc import Sequence

from benchmark.plan import Case
from benchmark.run_folder import Row

# What a batch is to take on its worker; a message and a task of Dask cost some milliseconds.
BATCH_S = 2.0
MOST_CASES = 64
# Of uncompressed results.
MOST_BYTES = 2**26

# Method, resolution, and whether results are only scored again.
Group = tuple[str, int, bool]


class Batches:
    """Cuts cases, in their order, into batches of one method at one resolution.

    Of a method not seen yet at a resolution single cases go out, until their time is known."""

    def __init__(self, cases: Sequence[tuple[int, tuple[Case, Row | None]]]) -> None:
        """cases: with their numbers in the run, and rows where their results stand."""
        self._cases = cases
        self._next = 0
        self._seconds: dict[Group, float] = {}

    def __len__(self) -> int:
        return len(self._cases) - self._next

    def learn(self, group: Group, seconds: float) -> None:
        """seconds: of one case of the group, everything included."""
        self._seconds[group] = seconds

    def take(self, workers: int) -> list[int]:
        """Numbers of the cases of the next batch; empty at the end. workers: how many share what
        is left."""
        if not len(self):
            return []
        first = self._next
        group = group_of(*self._cases[first][1])
        most = min(self._size(group), max(1, len(self) // (2 * max(1, workers))))
        while self._next < len(self._cases) and self._next < first + most:
            if group_of(*self._cases[self._next][1]) != group:
                break
            self._next += 1
        return [number for number, _ in self._cases[first : self._next]]

    def _size(self, group: Group) -> int:
        seconds = self._seconds.get(group)
        if seconds is None:
            return 1
        _, resolution, _ = group
        by_bytes = MOST_BYTES // (resolution**2 * 3)
        return max(1, min(MOST_CASES, by_bytes, int(BATCH_S / max(seconds, 1e-6))))


def group_of(case: Case, row: Row | None) -> Group:
    """row: of a result that stands."""
    return case.spec.label, case.resolution, row is not None
