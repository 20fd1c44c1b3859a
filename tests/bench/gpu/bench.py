"""The bench itself: rows in their order, while there is time."""

from __future__ import annotations

import sys
import time
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from tests.bench.gpu import measure, networks, plan, rest
from tests.bench.gpu.plan import Planned
from tests.bench.gpu.process import MeasurementError, Measurer
from tests.bench.gpu.table import Row, Table

# How often its estimate, and how many seconds on top, a row may take before it counts as hanging.
PATIENCE, PATIENCE_S = 4.0, 60.0
# Fills of each process in a row of several at a time.
FILLS = 4


def run_bench(
    out: Path,
    scratch: str,
    device: str,
    sizes: Sequence[int],
    minutes: float,
    processes: int,
    cases: int,
    parts: Collection[str] = plan.PARTS,
) -> int:
    """Measure all rows for which there is time; return 1 if one failed, 2 if it cannot begin."""
    started = time.monotonic()
    bench = _Bench(started + 60 * minutes)
    planned = plan.rows(
        list(networks.NETWORKS), rest.step_names(), scratch, device, sizes, processes, cases
    )
    wanted = [row for row in planned if row.part in parts]
    left_out = []
    try:
        table = Table(out, bench.describe(device))
        if wanted and bench.has_time(wanted[0]):
            bench.write_weights(scratch)
        for row in wanted:
            if bench.has_time(row):
                table.add(bench.row(row))
            else:
                left_out.append(row)
    except MeasurementError as error:
        print(f"error: --device {device}: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"error: --out {out}: {error.strerror}", file=sys.stderr)
        return 2
    finally:
        bench.close()
    seconds = time.monotonic() - started
    names = [f"{row.part} {row.what} {row.precision} {row.px or ''}".strip() for row in left_out]
    table.save(seconds=seconds, left_out=names)
    print(f"{seconds:.0f} s; rows in {out}/rows.csv and {out}/bench.json")
    if names:
        print(f"left out, as --minutes {minutes:g} would not suffice: {'; '.join(names)}")
    bad = [row for row in table.rows if row.status in ("FAIL", "failed", "timed out")]
    return 1 if bad else 0


class _Bench:
    """The processes of the bench, of which one group at a time is there."""

    def __init__(self, end: float) -> None:
        self._end = end
        self._group = ""
        self._measurers: list[Measurer] = []

    def describe(self, device: str) -> dict[str, Any]:
        """Return what the bench runs on, from the process of the first rows."""
        self._open(plan.FIRST_GROUP, 1)
        return self._measurers[0].call(f"{measure.__name__}:describe", [device], self._limit())

    def write_weights(self, scratch: str) -> None:
        """Write the random weights of the networks that have some."""
        files = sorted({file for _, files in networks.NETWORKS.values() for file in files.values()})
        function = f"{networks.__name__}:write_weights"
        self._measurers[0].call(function, [scratch, files], self._limit())

    def _limit(self) -> float:
        return max(60.0, self._end - time.monotonic())

    def has_time(self, row: Planned) -> bool:
        expected = row.estimate_s + (0 if row.group == self._group else plan.START_S)
        return time.monotonic() + expected <= self._end

    def row(self, row: Planned) -> Row:
        """Measure a row; what goes wrong is what the row says."""
        common: dict[str, Any] = {
            "part": row.part, "what": row.what, "precision": row.precision, "px": row.px,
            "at_a_time": row.processes if row.px else None,
        }  # fmt: skip
        try:
            self._open(row.group, row.processes)
            limit = PATIENCE * row.estimate_s + PATIENCE_S
            several = row.processes > 1 or row.part == "several"
            measured = self._several(row, limit) if several else self._one(row, limit)
        except MeasurementError as error:
            return Row(**common, status=error.status, note=str(error))
        return Row(**common, **measured)

    def _one(self, row: Planned, limit: float) -> dict[str, Any]:
        return self._measurers[0].call(row.function, row.arguments, limit)

    def _several(self, row: Planned, limit: float) -> dict[str, Any]:
        """Fill in all processes at the same time, once all of them are warm."""
        for measurer in self._measurers:
            measurer.begin(f"{measure.__name__}:warm_up", row.arguments)
        self._results(limit)
        for measurer in self._measurers:
            measurer.begin(row.function, [*row.arguments, FILLS])
        found = self._results(limit)
        wall = max(one["ended"] for one in found) - min(one["begun"] for one in found)
        fills = FILLS * len(found)
        memory = [one["memory_mb"] for one in found]
        return {
            "warm_s": wall / fills,
            "cases_per_s": fills / wall,
            "memory_mb": None if None in memory else sum(memory),
            "note": "memory of all processes",
        }

    def _results(self, limit: float) -> list[dict[str, Any]]:
        """Return the results of all processes; if one has none, end them all."""
        try:
            return [measurer.result(limit) for measurer in self._measurers]
        except MeasurementError:
            self.close()
            raise

    def _open(self, group: str, processes: int) -> None:
        alive = all(measurer.is_alive for measurer in self._measurers)
        if group == self._group and alive and len(self._measurers) == processes:
            return
        self.close()
        self._group = group
        self._measurers = [Measurer() for _ in range(processes)]

    def close(self) -> None:
        for measurer in self._measurers:
            measurer.close()
        self._measurers = []
