"""The one hand that writes into a run folder, whoever has done the work."""

from __future__ import annotations

import threading
from typing import Protocol as Interface

from benchmark.planning.plan import Case, Plan
from benchmark.run_folder.folder import REFERENCE, Row, RunFolder, Slot
from methods.files import write_atomically


class Watcher(Interface):
    """Who wants to know how the run goes on (a progress bar)."""

    def started(self, case: Case) -> None: ...

    def finished(self, case: Case, row: Row) -> None: ...

    def shared_by(self, workers: int) -> None:
        """From now on that many cases run at a time."""


class Writer:
    """Files first, then the line in the journal, then the row in `plan.rows`: a case counts as
    finished when all of it is on disk. Methods may be called from several threads at a time; all
    raise OSError when the folder cannot be written."""

    def __init__(self, plan: Plan, folder: RunFolder, watcher: Watcher) -> None:
        self.folder = folder
        self._plan = plan
        self._watcher = watcher
        self._lock = threading.Lock()
        self._inputs_taken: set[tuple[int, str]] = set()

    def takes_input(self, case: Case) -> bool:
        """Whether whoever asks, and nobody else, is to hand in the case's reference and mask."""
        place = (case.resolution, case.photo.name)
        with self._lock:
            first = place not in self._inputs_taken
            self._inputs_taken.add(place)
        return first and not self.folder.has_input(*place, case.input_key)

    def write_input(self, case: Case, reference: bytes, mask: bytes) -> None:
        """Reference and mask of a case, as PNG."""
        place = (case.resolution, case.photo.name)
        self.folder.forget((REFERENCE, *place))
        write_atomically(self.folder.result_path(REFERENCE, *place), reference)
        write_atomically(self.folder.mask_path(*place), mask)
        self.folder.record_input(*place, case.input_key)

    def started(self, case: Case) -> None:
        self._watcher.started(case)

    def shared_by(self, workers: int) -> None:
        self._watcher.shared_by(workers)

    def finish(self, case: Case, row: Row, result: bytes | None, log: str) -> None:
        """A case that was run. result: PNG, None where there is none; log: what was printed."""
        path = self.folder.result_path(*case.slot)
        self.folder.forget(case.slot)
        self._write_log(case.slot, log)
        if result is None:
            path.unlink(missing_ok=True)
        else:
            write_atomically(path, result)
        self.record(case, row)

    def record(self, case: Case, row: Row) -> None:
        """The row of a case whose files stand."""
        # What is not installed now may be tomorrow: skipped is never final.
        if row.status != "skipped":
            self.folder.record_case(row, case.key, case.score_key)
        self._plan.rows[case.slot] = row
        self._watcher.finished(case, row)

    def _write_log(self, slot: Slot, log: str) -> None:
        path = self.folder.log_path(*slot)
        if log.strip():
            write_atomically(path, log.encode())
        else:
            path.unlink(missing_ok=True)
