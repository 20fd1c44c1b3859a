"""Batches of cases: small enough to balance workers and to lose little, large enough that a cluster
does not drown in messages."""

from __future__ import annotations

from collections.abc import Sequence

from benchmark.plan import Case

# What a batch is to take on its worker; a message and a task of Dask cost some milliseconds.
BATCH_S = 2.0
MOST_CASES = 64
# Of uncompressed results.
MOST_BYTES = 2**26

Group = tuple[str, int]


class Batches:
    """Cuts cases, in their order, into batches of one method at one resolution.

    Of a method not seen yet at a resolution single cases go out, until their time is known."""

    def __init__(self, cases: Sequence[tuple[int, Case]]) -> None:
        """cases: with their numbers in the run."""
        self._cases = cases
        self._next = 0
        self._seconds: dict[Group, float] = {}

    def __len__(self) -> int:
        return len(self._cases) - self._next

    def learn(self, group: Group, seconds: float) -> None:
        """group: method and resolution; seconds: of one of its cases, everything included."""
        self._seconds[group] = seconds

    def take(self, workers: int) -> list[int]:
        """Numbers of the cases of the next batch; empty at the end. workers: how many share what
        is left."""
        if not len(self):
            return []
        first = self._next
        _, case = self._cases[first]
        most = min(self._size(case), max(1, len(self) // (2 * max(1, workers))))
        while self._next < len(self._cases) and self._next < first + most:
            if group_of(self._cases[self._next][1]) != group_of(case):
                break
            self._next += 1
        return [number for number, _ in self._cases[first : self._next]]

    def _size(self, case: Case) -> int:
        seconds = self._seconds.get(group_of(case))
        if seconds is None:
            return 1
        by_bytes = MOST_BYTES // (case.resolution**2 * 3)
        return max(1, min(MOST_CASES, by_bytes, int(BATCH_S / max(seconds, 1e-6))))


def group_of(case: Case) -> Group:
    return case.spec.label, case.resolution
