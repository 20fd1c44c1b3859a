"""The check of a run's own scores: scikit-image and numpy score its first case again."""

from __future__ import annotations

import math
import threading
from collections.abc import Container
from typing import Any

from benchmark.inputs.protocol import Protocol
from benchmark.metrics import witness
from benchmark.planning.plan import Case
from benchmark.run_folder.folder import RunFolder, damaged
from benchmark.run_folder.rows import Row, Slot
from methods.errors import InputError
from methods.images import ImageFileError, read_mask, read_rgb
from methods.labels import REFERENCE
from methods.resolutions import size_text

# Of a score's own size, where that is above 1: decibels and grey levels.
TOLERANCE = 1e-6


class MetricsDisagreeError(InputError):
    """The suite's scores are not those of scikit-image and numpy."""


class MetricsCheck:
    """Checks the first case with a result and a reference, from the files in the run folder.

    Methods may be called from several threads.
    """

    def __init__(self, folder: RunFolder, protocol: Protocol) -> None:
        self._folder = folder
        self._protocol = protocol
        self._lock = threading.Lock()
        self._first: tuple[Case, Row] | None = None
        self._is_begun = False
        # Its entry in run.json, once it is made.
        self.record: dict[str, Any] = {}
        self.passed = False

    def offer(self, case: Case, row: Row) -> None:
        """Take a case whose result and row are written, if it is the first to be checked."""
        with self._lock:
            if self._first is None and row.status == "ok" and case.photo.is_reference:
                self._first = case, row

    def attempt(self) -> None:
        """Check the case, once, as soon as its reference and mask are written, too.

        Raises
        ------
        MetricsDisagreeError
            If scores differ by more than `TOLERANCE`.
        """
        with self._lock:
            if self._first is None or self._is_begun:
                return
            case, row = self._first
            if not self._folder.has_input(case.resolution, case.photo.name, case.input_key):
                return
            self._is_begun = True
        self.record = self._compare(case, row)
        self._refuse_difference(case)
        self.passed = True

    def _compare(self, case: Case, row: Row) -> dict[str, Any]:
        path = self._folder.result_path(*case.slot)
        reference = self._folder.result_path(REFERENCE, case.resolution, case.photo.name)
        mask = self._folder.mask_path(case.resolution, case.photo.name)
        try:
            images = read_rgb(reference), read_rgb(path), read_mask(mask)
        except ImageFileError:
            raise damaged(path) from None
        names = self._protocol.recorded_metrics()
        there = witness.witness_scores(*images, names, self._protocol.metric_options)
        scores = {name: _compared(row.scores[name], value) for name, value in there.items()}
        differences = [float(score["difference"]) for score in scores.values()]
        return {
            "method": case.spec.label,
            "resolution": case.resolution,
            "image": case.photo.name,
            "versions": witness.versions(),
            "tolerance": TOLERANCE,
            "largest_difference": _number(max(differences, default=0.0)),
            "scores": scores,
        }

    def _refuse_difference(self, case: Case) -> None:
        wrong = [
            (name, score)
            for name, score in self.record["scores"].items()
            if not _is_close(float(score["difference"]), float(score["witness"]))
        ]
        if not wrong:
            return
        name, score = wrong[0]
        more = f", as are {len(wrong) - 1} more" if len(wrong) > 1 else ""
        raise MetricsDisagreeError(
            f"{name} of {case.spec.label}, {size_text(case.resolution)}, {case.photo.name} is "
            f"{score['value']} here and {score['witness']} by scikit-image "
            f"{self.record['versions']['scikit-image']} and numpy{more}: install the versions of "
            "requirements.lock; results are kept, the same command scores them again"
        )


def kept_record(earlier: dict[str, Any], rows: Container[Slot]) -> dict[str, Any]:
    """Return what run.json says where a command has checked nothing.

    Parameters
    ----------
    earlier
        run.json before the command; its check holds while the case is still there.
    rows
        The cases of the run that are finished.
    """
    record = earlier.get("metrics_checked", {})
    if "scores" in record and (record["method"], record["resolution"], record["image"]) in rows:
        return record
    return {"remark": "no case with a result and a reference was scored"}


def _compared(value: float, other: float) -> dict[str, Any]:
    difference = 0.0 if value == other else abs(value - other)
    return {"value": _number(value), "witness": _number(other), "difference": _number(difference)}


def _is_close(difference: float, witness: float) -> bool:
    # Not so for NaN. Against infinity only infinity is right, whose difference is 0.
    return difference == 0 or difference <= TOLERANCE * max(1, abs(witness)) < math.inf


def _number(value: float) -> float | str:
    """Return a score for JSON, which has no infinity: as in scores.csv."""
    return value if math.isfinite(value) else str(value)
