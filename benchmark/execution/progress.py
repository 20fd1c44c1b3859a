"""The progress bar of a run, with an estimate of the remaining time."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmark.planning.plan import Case
from benchmark.run_folder.rows import Row, Slot
from methods.base import NATIVE, Resolution, size_text


class RemainingTime:
    """Estimate of the remaining time: each method's seconds per pixel times its remaining pixels.

    Methods differ in speed by a factor of a hundred, so a mean time per case would mislead. A
    method that has not run yet is assumed to be as fast as the average so far.
    """

    def __init__(self, cases: list[Case], rows: Iterable[Row], workers: int) -> None:
        # How many cases run at a time.
        self.workers = workers
        self._left: dict[str, int] = defaultdict(int)
        self._seconds: dict[str, float] = defaultdict(float)
        self._pixels: dict[str, int] = defaultdict(int)
        for case in cases:
            self._left[case.spec.label] += _pixels(case.resolution)
        for row in rows:
            self._learn(row)

    def finished(self, row: Row) -> None:
        self._left[row.method] -= _pixels(row.resolution)
        self._learn(row)

    def text(self) -> str:
        """Return the estimate in words, with "at least" while a method has not run yet."""
        seconds = self.seconds()
        if seconds is None:
            return ""
        unseen = any(left and name not in self._pixels for name, left in self._left.items())
        return f"{'at least' if unseen else 'about'} {_clock(seconds)} left"

    def seconds(self) -> float | None:
        """Return the estimate, or None before the first case has finished."""
        if not self._pixels:
            return None
        average = sum(self._seconds.values()) / sum(self._pixels.values())
        rates = {name: self._seconds[name] / pixels for name, pixels in self._pixels.items()}
        total = sum(left * rates.get(name, average) for name, left in self._left.items())
        return total / self.workers

    def _learn(self, row: Row) -> None:
        if row.seconds is not None:
            self._seconds[row.method] += row.seconds
            self._pixels[row.method] += _pixels(row.resolution)


class ProgressBar:
    """Shows a run on a terminal; elsewhere prints a line per method and resolution."""

    def __init__(
        self, console: Console, cases: list[Case], rows: Iterable[Row], workers: int
    ) -> None:
        self._console = console
        self._lock = threading.Lock()
        self._remaining = RemainingTime(cases, rows, workers)
        self._in_flight: dict[Slot, None] = {}
        self._groups: dict[tuple[str, Resolution], int] = defaultdict(int)
        for case in cases:
            self._groups[case.slot[:2]] += 1
        self.display = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[remaining]}", markup=False),
            console=console,
            disable=not console.is_terminal,
            expand=True,
        )
        self._task = self.display.add_task("starting", total=len(cases), remaining="")

    def started(self, case: Case) -> None:
        with self._lock:
            self._in_flight[case.slot] = None
            self._show()

    def finished(self, case: Case, row: Row) -> None:
        with self._lock:
            self._in_flight.pop(case.slot, None)
            self._remaining.finished(row)
            self.display.advance(self._task)
            self._show()
            self._report_group(case)

    def set_workers(self, workers: int) -> None:
        """Set how many cases run at a time."""
        self._remaining.workers = max(1, workers)

    def _show(self) -> None:
        current = next(iter(self._in_flight), None)
        description = "{} · {} · {}".format(*current) if current else "writing"
        self.display.update(self._task, description=description, remaining=self._remaining.text())

    def _report_group(self, case: Case) -> None:
        group = case.slot[:2]
        self._groups[group] -= 1
        if self._groups[group] == 0 and not self._console.is_terminal:
            line = f"{group[0]} at {size_text(group[1])} done, {self._remaining.text()}"
            self._console.print(line.removesuffix(", "))


def _pixels(resolution: Resolution) -> int:
    # Photographs at their own sizes count alike.
    return 1 if resolution == NATIVE else resolution**2


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
