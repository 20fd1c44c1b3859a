"""Comparing what our code computes with the golden arrays of one folder."""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Arrays = dict[str, NDArray[Any]]


@dataclass
class Checks:
    """One run over a folder. Every array of every .npz in it must be declared an input or be
    compared; `finish` fails those that were forgotten. A golden array that the folder does not
    have is passed over: folders may hold a part of what can be compared."""

    folder: Path
    compared: int = 0
    noted: int = 0
    failed: int = 0
    _arrays: dict[str, Arrays] = field(default_factory=dict)
    _settled: set[tuple[str, str]] = field(default_factory=set)

    def json(self, file: str) -> Any:
        """A JSON file of the folder, or an empty dict where there is none."""
        path = self.folder / file
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}

    def files(self, pattern: str) -> list[str]:
        """Names of the folder's .npz files that match, sorted."""
        return sorted(path.name for path in self.folder.glob(pattern))

    def arrays(self, file: str) -> Arrays:
        if file not in self._arrays:
            with np.load(self.folder / file, allow_pickle=False) as content:
                self._arrays[file] = {name: content[name] for name in content.files}
        return self._arrays[file]

    def inputs(self, file: str, *names: str) -> None:
        """Declare arrays that are given, not computed. Absent ones are passed over."""
        self._settled.update((file, name) for name in names)

    @contextmanager
    def case(self, file: str) -> Iterator[Arrays]:
        """The arrays of one file. An error inside fails what was not compared yet, and the other
        files go on."""
        try:
            yield self.arrays(file)
        except Exception:
            print(f"{file}: stopped by an error", file=sys.stderr)
            traceback.print_exc()

    def within(
        self, file: str, name: str, ours: ArrayLike, tolerance: float, *, relative: bool = False
    ) -> None:
        """Compare with a golden array: largest absolute difference, divided by the largest golden
        value if `relative`."""
        golden = self.arrays(file).get(name)
        if golden is None:
            return
        difference = largest_difference(golden, np.asarray(ours))
        if relative:
            difference /= max(float(np.abs(golden).max(initial=0)), np.finfo(np.float32).tiny)
        self._report(file, name, difference, tolerance, difference <= tolerance)

    def steps_within(
        self, file: str, name: str, ours: ArrayLike, tolerance: int, share: float
    ) -> None:
        """Compare bytes: none further off than `tolerance`, and no more than this share of them
        off at all (truncation turns the last bit of a float into a step of a byte)."""
        golden, mine = self.arrays(file).get(name), np.asarray(ours)
        if golden is None:
            return
        difference = largest_difference(golden, mine)
        good = difference <= tolerance and np.count_nonzero(golden != mine) <= share * golden.size
        self._report(file, name, difference, tolerance, good)

    def exact(self, file: str, name: str, ours: ArrayLike) -> None:
        self.within(file, name, ours, 0)

    def measured(self, file: str, name: str, difference: float, tolerance: float) -> None:
        """Report a golden array by a difference of another kind than the largest absolute one."""
        self._report(file, name, difference, tolerance, difference <= tolerance)

    def value(
        self, file: str, name: str, ours: float, golden: float, tolerance: float, relative: bool
    ) -> None:
        """A single number that stands in a JSON file. Stdout is for arrays: what differs goes to
        stderr, where `finish` also counts them."""
        difference = abs(ours - golden) / (max(abs(golden), 1e-30) if relative else 1)
        self._note(file, name, difference, tolerance, difference <= tolerance)

    def equal(self, file: str, name: str, ours: object, golden: object) -> None:
        """Something in a JSON file that must be the same (a checksum, a size)."""
        self._note(file, name, float(ours != golden), 0, ours == golden)

    def finish(self) -> bool:
        """Fail every array that was neither given nor compared. True if all is well."""
        for path in sorted(self.folder.glob("*.npz")):
            try:
                names = list(self.arrays(path.name))
            except (OSError, ValueError) as error:
                print(f"{path.name}: {error}", file=sys.stderr)
                names = ["-"]
            for name in names:
                if (path.name, name) not in self._settled:
                    self._report(path.name, name, float("inf"), 0, False)
        print(
            f"{self.compared} arrays and {self.noted} single values compared, {self.failed} differ",
            file=sys.stderr,
        )
        return self.failed == 0 and self.compared > 0

    def _report(
        self, file: str, name: str, difference: float, tolerance: float, good: bool
    ) -> None:
        self._settled.add((file, name))
        self.compared += 1
        self.failed += not good
        print(_line(file, name, difference, tolerance, good), flush=True)

    def _note(self, file: str, name: str, difference: float, tolerance: float, good: bool) -> None:
        self.noted += 1
        self.failed += not good
        if not good:
            print(_line(file, name, difference, tolerance, good), file=sys.stderr)


def largest_difference(golden: NDArray[Any], ours: NDArray[Any]) -> float:
    """Largest absolute difference; infinite for another shape, another kind of number or NaN."""
    if golden.shape != ours.shape or golden.dtype.kind != ours.dtype.kind:
        return float("inf")
    if golden.size == 0:
        return 0.0
    difference = np.abs(golden.astype(np.float64) - ours.astype(np.float64)).max()
    return float(difference) if np.isfinite(difference) else float("inf")


def _line(file: str, name: str, difference: float, tolerance: float, good: bool) -> str:
    return f"{file}\t{name}\t{difference:.3g}\t{tolerance:g}\t{'pass' if good else 'FAIL'}"
