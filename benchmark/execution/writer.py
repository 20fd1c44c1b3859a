"""Writing the inputs, results and rows of a run into its folder."""

from __future__ import annotations

import threading
from pathlib import Path

from benchmark.execution.metrics_check import MetricsCheck, MetricsDisagreeError
from benchmark.execution.progress import ProgressBar
from benchmark.planning.plan import Case, Plan
from benchmark.run_folder.folder import RunFolder
from benchmark.run_folder.rows import Row
from methods.base import Resolution
from methods.files import write_atomically
from methods.labels import REFERENCE

# The key of scores that are computed again by the next command.
WRONG = ""


class Writer:
    """Writes a case's files, then its journal record, then its row in the plan.

    Methods may be called from several threads and raise OSError if the folder cannot be written.
    """

    def __init__(
        self, plan: Plan, folder: RunFolder, progress: ProgressBar, check: MetricsCheck
    ) -> None:
        self.folder = folder
        self._plan = plan
        self._check = check
        self._progress = progress
        self._lock = threading.Lock()
        self._keys = {case.key for case in plan.cases}
        self._inputs_taken: set[tuple[Resolution, str]] = set()
        # Cases recorded before the check of the metrics has passed.
        self._unchecked: list[tuple[Case, Row]] = []
        self._are_wrong = False
        self._recording = threading.Lock()
        self.started = progress.started
        self.set_workers = progress.set_workers

    def takes_input(self, case: Case) -> bool:
        """Return whether the caller must pass the case's reference and mask to `write_input`.

        Of several callers, with cases of the same input, only the first gets True.
        """
        image = (case.resolution, case.photo.name)
        with self._lock:
            first = image not in self._inputs_taken
            self._inputs_taken.add(image)
        return first and not self.folder.has_input(*image, case.input_key)

    def write_input(self, case: Case, reference: bytes, mask: bytes) -> None:
        """Write a case's reference and mask, given as PNG."""
        image = (case.resolution, case.photo.name)
        self.folder.forget_image(*image, case.input_key, self._keys)
        write_atomically(self.folder.result_path(REFERENCE, *image), reference)
        write_atomically(self.folder.mask_path(*image), mask)
        self.folder.record_input(*image, case.input_key)
        self._check_metrics()

    def finish(self, case: Case, row: Row, result: bytes | None, log: str) -> None:
        """Write a case that was run: result (PNG), printed output and row."""
        self.folder.forget(case.slot)
        _replace(self.folder.log_path(*case.slot), log if log.strip() else None)
        _replace(self.folder.result_path(*case.slot), result)
        self.record(case, row)

    def record(self, case: Case, row: Row) -> None:
        """Write the row of a case whose files are on disk."""
        # Skipped is never final: what is missing may be installed before the next run.
        if row.status != "skipped":
            self._record(case, row)
        self._plan.rows[case.slot] = row
        self._progress.finished(case, row)
        self._check.offer(case, row)
        self._check_metrics()

    def _record(self, case: Case, row: Row) -> None:
        with self._recording:
            self.folder.record_case(row, case.key, WRONG if self._are_wrong else case.score_key)
            if not self._check.passed:
                self._unchecked.append((case, row))

    def _check_metrics(self) -> None:
        """Check the scores of the first case. Raises MetricsDisagreeError."""
        try:
            self._check.attempt()
        except MetricsDisagreeError:
            with self._recording:
                self._are_wrong = True
                for case, row in self._unchecked:
                    self.folder.record_case(row, case.key, WRONG)
            raise


def _replace(path: Path, content: bytes | str | None) -> None:
    if content is None:
        path.unlink(missing_ok=True)
    else:
        write_atomically(path, content)
