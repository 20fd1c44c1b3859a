"""The plan of a run: every case with the keys that decide whether it is finished already."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import methods
from benchmark.dataset import Photo
from benchmark.errors import InputError
from benchmark.inference import MethodSpec
from benchmark.protocol import Protocol
from benchmark.run_folder import Row, RunFolder, Slot, key_of
from methods.base import Inpainter, MethodError, MissingRequirementError

# Raise these when a change of the benchmark's own code changes inputs or scores.
INPUT_VERSION = 1
SCORE_VERSION = 1

Overwrite = Literal["never", "failed", "all"]


@dataclass(frozen=True)
class Case:
    """One method on one photograph at one resolution."""

    spec: MethodSpec
    resolution: int
    photo: Photo
    input_key: str
    key: str
    score_key: str

    @property
    def slot(self) -> Slot:
        return self.spec.label, self.resolution, self.photo.name


@dataclass
class Plan:
    """What is to be done and what is known already. `rows` grows into scores.csv."""

    cases: list[Case]
    to_run: list[Case]
    to_score: list[tuple[Case, Row]]
    rows: dict[Slot, Row]
    notes: dict[str, str]
    remarks: dict[str, str]
    weights: dict[str, dict[str, str]]


def list_cases(
    specs: list[MethodSpec], photos: list[Photo], resolutions: list[int], protocol: Protocol
) -> Plan:
    """All cases that are wanted, before anything is compared or run.

    A method that cannot run here gives rows with status skipped and the reason.
    Raises InputError for options that a method refuses."""
    plan = Plan([], [], [], {}, {}, {}, {})
    for spec in specs:
        inpainter = _created(spec, resolutions)
        ready = inpainter if isinstance(inpainter, Inpainter) else None
        plan.notes[spec.label] = ready.note if ready else ""
        plan.remarks[spec.label] = ready.remark if ready else ""
        plan.weights[spec.label] = ready.weights_used() if ready else {}
        for resolution in resolutions:
            for photo in photos:
                _add(plan, spec, inpainter, resolution, photo, protocol)
    return plan


def compare(plan: Plan, folder: RunFolder, overwrite: Overwrite) -> None:
    """Sort the cases into finished, to be run and to be scored again, by what the run folder
    holds."""
    for case in plan.cases:
        _classify(plan, case, folder, overwrite)


def _created(spec: MethodSpec, resolutions: list[int]) -> Inpainter | MissingRequirementError:
    try:
        inpainter = methods.create(spec.method, device=spec.device, **spec.options)
        inpainter.check_resolutions(resolutions)
        inpainter.check()
        return inpainter
    except MissingRequirementError as error:
        return error
    except (MethodError, ValueError) as error:
        text = str(error)
        raise InputError(text if spec.label in text else f"{spec.label}: {text}") from None


def _add(
    plan: Plan,
    spec: MethodSpec,
    inpainter: Inpainter | MissingRequirementError,
    resolution: int,
    photo: Photo,
    protocol: Protocol,
) -> None:
    slot = (spec.label, resolution, photo.name)
    try:
        if isinstance(inpainter, MissingRequirementError):
            raise inpainter
        identity = inpainter.identity(resolution, photo.name)
    except MissingRequirementError as error:
        plan.rows[slot] = Row(*slot, status="skipped", error=str(error))
        return
    except MethodError as error:
        raise InputError(f"{spec.label}: {error}") from None
    input_key = key_of(
        {
            "version": INPUT_VERSION,
            "photo": [photo.sha256, photo.mask_sha256],
            # Free-form holes are drawn for the image's name.
            "name": photo.name,
            "protocol": protocol.input_identity(),
            "resolution": resolution,
        }
    )
    key = key_of([input_key, identity])
    score_key = key_of([SCORE_VERSION, key, protocol.score_identity()])
    plan.cases.append(Case(spec, resolution, photo, input_key, key, score_key))


def _classify(plan: Plan, case: Case, folder: RunFolder, overwrite: Overwrite) -> None:
    finished = None if overwrite == "all" else folder.finished(case.slot, case.key)
    if finished is None or (overwrite == "failed" and finished[0].status != "ok"):
        plan.to_run.append(case)
        return
    row, score_key = finished
    inputs_there = folder.has_input(case.resolution, case.photo.name, case.input_key)
    if row.status == "ok" and (score_key != case.score_key or not inputs_there):
        plan.to_score.append((case, row))
    else:
        plan.rows[case.slot] = row
