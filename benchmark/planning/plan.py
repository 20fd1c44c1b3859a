"""The plan of a run: every case with the keys that decide whether it is finished already."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

import methods
from benchmark.inputs.dataset import Photo
from benchmark.inputs.protocol import Protocol
from benchmark.planning.method_specs import MethodSpec
from benchmark.run_folder.folder import Listings, RunFolder, key_of
from benchmark.run_folder.rows import Row, Rows, Slot
from methods.base import Inpainter, MethodError, MissingRequirementError
from methods.errors import InputError

# Raise these when a change of the benchmark's own code changes inputs or scores.
INPUT_VERSION = 1
SCORE_VERSION = 1

Overwrite = Literal["never", "failed", "all"]


@dataclass(frozen=True, slots=True)
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
    """What is to be done and what is known already. `rows` grows into scores.csv; those of
    `to_score` are without their old scores."""

    cases: list[Case]
    to_run: list[Case]
    to_score: list[tuple[Case, Row]]
    rows: Rows
    notes: dict[str, str]
    remarks: dict[str, str]
    weights: dict[str, dict[str, str]]


def list_cases(
    specs: list[MethodSpec], photos: list[Photo], resolutions: list[int], protocol: Protocol
) -> Plan:
    """All cases that are wanted, before anything is compared or run.

    A method that cannot run here gives rows with status skipped and the reason.
    Raises InputError for options that a method refuses."""
    plan = Plan([], [], [], Rows(), {}, {}, {})
    keys = _Keys(protocol)
    for spec in specs:
        inpainter = _created(spec, resolutions)
        ready = inpainter if isinstance(inpainter, Inpainter) else None
        plan.notes[spec.label] = ready.note if ready else ""
        plan.remarks[spec.label] = ready.remark if ready else ""
        plan.weights[spec.label] = ready.weights_used() if ready else {}
        for resolution in resolutions:
            for photo in photos:
                _add(plan, spec, inpainter, resolution, photo, keys)
    return plan


def compare(plan: Plan, folder: RunFolder, overwrite: Overwrite) -> None:
    """Sort the cases into finished, to be run and to be scored again, by what the run folder
    holds."""
    exists = Listings()
    # All methods share the input of a photograph and resolution.
    has_input = cache(folder.has_input)
    for case in plan.cases:
        finished = None if overwrite == "all" else folder.finished(case.slot, case.key, exists)
        if finished is None or (overwrite == "failed" and finished[0].status != "ok"):
            plan.to_run.append(case)
            continue
        row, score_key = finished
        inputs_there = has_input(case.resolution, case.photo.name, case.input_key)
        if row.status == "ok" and (score_key != case.score_key or not inputs_there):
            plan.to_score.append((case, replace(row, scores={})))
        else:
            plan.rows[case.slot] = row


class _Keys:
    """Fingerprints of what cases depend on, each part of them computed once."""

    def __init__(self, protocol: Protocol) -> None:
        self._input_identity = protocol.input_identity()
        self._score_identity = protocol.score_identity()
        self._of_inputs: dict[tuple[int, str], str] = {}

    def of_input(self, photo: Photo, resolution: int) -> str:
        place = (resolution, photo.name)
        if place not in self._of_inputs:
            self._of_inputs[place] = key_of(
                {
                    "version": INPUT_VERSION,
                    "photo": [photo.sha256, photo.mask_sha256],
                    # Free-form holes are drawn for the image's name.
                    "name": photo.name,
                    "protocol": self._input_identity,
                    "resolution": resolution,
                }
            )
        return self._of_inputs[place]

    def of_scores(self, key: str) -> str:
        return key_of([SCORE_VERSION, key, self._score_identity])


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
    keys: _Keys,
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
    input_key = keys.of_input(photo, resolution)
    key = key_of([input_key, identity])
    plan.cases.append(Case(spec, resolution, photo, input_key, key, keys.of_scores(key)))
