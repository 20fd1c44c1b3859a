"""The progress bar of a run, with an estimate of the remaining time."""

from __future__ import annotations

import statistics
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
)
from rich.progress_bar import ProgressBar as Bar
from rich.text import Text

import methods
from benchmark.planning.plan import Case
from benchmark.run_folder.rows import Row, Slot
from methods.base import Resolution
from methods.resolutions import NATIVE, size_text

# Called with the number of finished cases and of all cases, from any thread.
Report = Callable[[int, int], None]
# A case that takes longer than expected is shown as nearly done.
_MOST_DONE = 0.95


class RemainingTime:
    """Estimate of the remaining time: each method's seconds per pixel times its remaining pixels.

    Methods differ in speed by a factor of a hundred, so a mean time per case would mislead. A
    method that has not run yet is assumed to be as slow as it says, on a machine as fast as the
    other methods have shown; one that says nothing, to be as fast as the average so far.

    Parameters
    ----------
    rows
        Cases that are finished already.
    workers
        How many cases run at a time.
    typical
        Method label -> seconds per megapixel that the method states.
    """

    def __init__(
        self,
        cases: list[Case],
        rows: Iterable[Row],
        workers: int,
        typical: Mapping[str, float] | None = None,
    ) -> None:
        self.workers = workers
        self._typical = {label: seconds / 1e6 for label, seconds in (typical or {}).items()}
        self._left: dict[str, int] = defaultdict(int)
        self._seconds: dict[str, float] = defaultdict(float)
        self._pixels: dict[str, int] = defaultdict(int)
        # When the cases under way were started, oldest first, with their pixels.
        self.under_way: dict[Slot, tuple[float, int]] = {}
        self._case_pixels = {case.slot: case.pixels for case in cases}
        for case in cases:
            self._left[case.spec.label] += case.pixels
        for row in rows:
            self._learn(row)

    def started(self, slot: Slot, now: float) -> None:
        self.under_way[slot] = (now, self._case_pixels[slot])

    def finished(self, row: Row) -> None:
        self.under_way.pop(row.slot, None)
        self._left[row.method] -= self._case_pixels[row.slot]
        self._learn(row)

    def text(self, now: float) -> str:
        """Return the estimate in words, with "at least" while a method's speed is unknown."""
        seconds = self.seconds(now)
        if seconds is None:
            return ""
        known = {*self._pixels, *self._typical}
        unseen = any(left and name not in known for name, left in self._left.items())
        return f"{'at least' if unseen else 'about'} {_clock(seconds)} left"

    def seconds(self, now: float) -> float | None:
        """Return the estimate, or None while nothing is known about any method."""
        rates = self._rates()
        if rates is None:
            return None
        total = sum(left * rates[name] for name, left in self._left.items())
        spent = sum(
            share * pixels * rates[name] for name, pixels, share in self._shares(now, rates)
        )
        return (total - spent) / self.workers

    def cases_under_way(self, now: float) -> float:
        """Return how many cases the time spent on those under way is worth."""
        rates = self._rates()
        return sum(share for *_, share in self._shares(now, rates)) if rates else 0.0

    def _shares(self, now: float, rates: Mapping[str, float]) -> Iterator[tuple[str, int, float]]:
        """Yield method, pixels and the share that is probably done of each case under way."""
        for (method, *_), (start, pixels) in self.under_way.items():
            expected = rates[method] * pixels
            yield method, pixels, min(_MOST_DONE, (now - start) / expected) if expected else 0.0

    def _rates(self) -> dict[str, float] | None:
        """Return seconds per pixel of every method with cases left, None if nothing is known."""
        rates = {name: self._seconds[name] / pixels for name, pixels in self._pixels.items()}
        ratios = [rate / self._typical[name] for name, rate in rates.items() if self._says(name)]
        # Small images take longer a pixel: what they show of the machine is limited.
        speed = min(4.0, max(0.25, statistics.median(ratios))) if ratios else 1.0
        stated = {name: speed * seconds for name, seconds in self._typical.items()}
        known = stated | rates
        if not any(name in known for name in self._left):
            return None
        pixels = sum(self._pixels.values())
        average = sum(self._seconds.values()) / pixels if pixels else max(known.values())
        return {name: known.get(name, average) for name in self._left}

    def _says(self, name: str) -> bool:
        return self._typical.get(name, 0) > 0

    def _learn(self, row: Row) -> None:
        pixels = self._case_pixels.get(row.slot)
        if row.seconds is not None and pixels is None and row.resolution != NATIVE:
            pixels = row.resolution**2
        if row.seconds is not None and pixels:
            self._seconds[row.method] += row.seconds
            self._pixels[row.method] += pixels


class _MovingBar(BarColumn):
    """A bar that moves within a case, by the time that it is expected to take."""

    def __init__(self, under_way: Callable[[], float]) -> None:
        super().__init__(bar_width=None)
        self._under_way = under_way

    def render(self, task: Task) -> Bar:
        done = task.completed + self._under_way()
        return Bar(total=task.total, completed=done, animation_time=task.get_time())


class _TimeLeft(ProgressColumn):
    """The remaining time, which also falls within a case."""

    def __init__(self, text: Callable[[], str]) -> None:
        super().__init__()
        self._text = text

    def render(self, task: Task) -> Text:
        return Text(self._text())


class ProgressBar:
    """Shows a run on a terminal; elsewhere prints a line per method and resolution."""

    def __init__(
        self,
        console: Console,
        cases: list[Case],
        rows: Iterable[Row],
        workers: int,
        report: Report | None,
    ) -> None:
        self._console = console
        self._report = report
        self._finished, self._total = 0, len(cases)
        # The bar is drawn by a thread of its own.
        self._lock = threading.RLock()
        self._remaining = RemainingTime(cases, rows, workers, _typical_seconds(cases))
        self._groups: dict[tuple[str, Resolution], int] = defaultdict(int)
        for case in cases:
            self._groups[case.slot[:2]] += 1
        self.display = Progress(
            TextColumn("{task.description}", markup=False),
            _MovingBar(self._cases_under_way),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            _TimeLeft(self._time_left),
            console=console,
            disable=not console.is_terminal,
            expand=True,
        )
        self._task = self.display.add_task("starting", total=len(cases))

    def started(self, case: Case) -> None:
        with self._lock:
            self._remaining.started(case.slot, time.monotonic())
            self._show()

    def finished(self, case: Case, row: Row) -> None:
        with self._lock:
            self._remaining.finished(row)
            self.display.advance(self._task)
            self._show()
            self._report_group(case)
            self._finished += 1
            if self._report:
                self._report(self._finished, self._total)

    def set_workers(self, workers: int) -> None:
        """Set how many cases run at a time."""
        self._remaining.workers = max(1, workers)

    def _show(self) -> None:
        current = next(iter(self._remaining.under_way), None)
        description = "{} · {} · {}".format(*current) if current else "writing"
        self.display.update(self._task, description=description)

    def _time_left(self) -> str:
        with self._lock:
            return self._remaining.text(time.monotonic())

    def _cases_under_way(self) -> float:
        with self._lock:
            return self._remaining.cases_under_way(time.monotonic())

    def _report_group(self, case: Case) -> None:
        group = case.slot[:2]
        self._groups[group] -= 1
        if self._groups[group] == 0 and not self._console.is_terminal:
            line = f"{group[0]} at {size_text(group[1])} done, {self._time_left()}"
            self._console.print(line.removesuffix(", "))


def _typical_seconds(cases: Iterable[Case]) -> dict[str, float]:
    """Return method label -> seconds per megapixel, of the methods that state it here."""
    specs = {case.spec.label: case.spec for case in cases if case.spec.python is None}
    stated = {
        label: methods.method_class(spec.method).typical_seconds for label, spec in specs.items()
    }
    return {label: seconds for label, seconds in stated.items() if seconds is not None}


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
