"""The plan of a run: every case, with the keys that decide whether it is finished already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from itertools import product
from typing import Any, Literal

import numpy as np

from benchmark.inputs.masks import MaskRule
from benchmark.inputs.photos import Photo
from benchmark.inputs.protocol import Protocol
from benchmark.planning.described import Described, describe
from benchmark.planning.interpreters import ask
from benchmark.planning.method_specs import MethodSpec
from benchmark.run_folder.folder import Listings, RunFolder, key_of
from benchmark.run_folder.rows import Row, Slot
from methods.base import Resolution
from methods.resolutions import NATIVE

# Increase these when a change of the benchmark's own code changes inputs or scores.
INPUT_VERSION = 1
SCORE_VERSION = 1

Overwrite = Literal["never", "failed", "all"]


@dataclass(frozen=True, slots=True)
class Case:
    """One method on one photograph at one resolution, with the keys of what it depends on."""

    spec: MethodSpec
    resolution: Resolution
    photo: Photo
    input_key: str
    key: str
    score_key: str

    @property
    def slot(self) -> Slot:
        return self.spec.label, self.resolution, self.photo.name

    @property
    def pixels(self) -> int:
        height, width = self.photo.case_size(self.resolution)
        return height * width


@dataclass
class Plan:
    """The cases of a run, sorted by what is left to do, and the rows known so far."""

    cases: list[Case] = field(default_factory=list)
    to_run: list[Case] = field(default_factory=list)
    # With their rows without scores: their results are kept.
    to_score: list[tuple[Case, Row]] = field(default_factory=list)
    # Finished and skipped cases; complete at the end of the run.
    rows: dict[Slot, Row] = field(default_factory=dict)
    # What run.json says about each method (by label): note, remark, weights, and the SHA-256 of a
    # file of the user's.
    provenance: dict[str, dict[str, Any]] = field(default_factory=dict)
    # What run.json says about the check of the metrics; empty before cases are scored.
    metrics_checked: dict[str, Any] = field(default_factory=dict)

    def add_finished(self, case: Case, row: Row, scored: str, has_input: bool) -> None:
        """Keep the row of a finished case, or have its result scored again: if its scores are of
        the key `scored` and that is another one now, or reference and mask are not on disk."""
        if row.status == "ok" and (scored != case.score_key or not has_input):
            self.to_score.append((case, replace(row, scores={})))
        else:
            self.rows[case.slot] = row


def list_cases(
    specs: list[MethodSpec],
    photos: list[Photo],
    resolutions: Sequence[Resolution],
    protocol: Protocol,
) -> Plan:
    """Return a plan that lists all cases; a method that cannot run here gives skipped rows.

    Raises InputError if a method refuses its options or files.
    """
    plan = Plan()
    keys = input_keys(photos, resolutions, protocol)
    pairs = list(product(resolutions, photos))
    for spec in specs:
        described = _describe(spec, resolutions, [(size, photo.name) for size, photo in pairs])
        plan.provenance[spec.label] = described.provenance
        if described.settled:
            spec = replace(spec, options={**spec.options, **described.settled})
        for (resolution, photo), identity in zip(pairs, described.identities, strict=True):
            if isinstance(identity, str):
                slot = (spec.label, resolution, photo.name)
                plan.rows[slot] = Row(*slot, status="skipped", error=identity)
                continue
            input_key = keys[resolution, photo.name]
            key = key_of([input_key, identity])
            scored = score_key(key, protocol, photo)
            plan.cases.append(Case(spec, resolution, photo, input_key, key, scored))
    return plan


def select_cases(plan: Plan, folder: RunFolder, overwrite: Overwrite) -> None:
    """Sort the cases into finished, to run and to score again, by what the run folder contains."""
    exists = Listings()
    # All methods share the input of a photograph and resolution.
    has_input = cache(folder.has_input)
    for case in plan.cases:
        finished = None if overwrite == "all" else folder.finished(case.slot, case.key, exists)
        if finished is None or (overwrite == "failed" and finished[0].status != "ok"):
            plan.to_run.append(case)
        else:
            input_exists = has_input(case.resolution, case.photo.name, case.input_key)
            plan.add_finished(case, *finished, input_exists)


def score_key(key: str, protocol: Protocol, photo: Photo) -> str:
    """Return the key of the scores of a case's result."""
    identity = protocol.score_identity()
    if not photo.is_reference:
        identity["reference"] = False
    return key_of([SCORE_VERSION, key, identity])


def input_keys(
    photos: list[Photo], resolutions: Sequence[Resolution], protocol: Protocol
) -> dict[tuple[Resolution, str], str]:
    """Return resolution and photograph's name -> key of reference and mask."""
    identity = protocol.input_identity()
    return {
        (resolution, photo.name): key_of(
            {
                "version": INPUT_VERSION + _sampled_anew(photo, resolution, protocol),
                "photo": [photo.sha256, photo.mask_sha256, *_reading(photo)],
                # Free-form holes are drawn for the image's name.
                "name": photo.name,
                "protocol": identity,
                "resolution": resolution,
            }
        )
        for resolution, photo in product(resolutions, photos)
    }


def _reading(photo: Photo) -> list[dict[str, Any]]:
    """Return how a mask is read, where it is not by the default rule."""
    rule = photo.mask_rule
    return [asdict(rule)] if photo.mask_sha256 and rule != MaskRule() else []


@cache
def _differs(source: int, target: int) -> bool:
    targets = np.arange(target)
    return bool((targets * source // target != np.floor(targets * (1 / (target / source)))).any())


def _sampled_anew(photo: Photo, resolution: Resolution, protocol: Protocol) -> bool:
    """Return whether version 1 sampled other pixels: its nearest neighbour was not OpenCV's."""
    if resolution == NATIVE:
        return False
    is_nearest = protocol.resampling == "nearest" or protocol.uses_dataset_masks()
    side = min(photo.width, photo.height)
    return is_nearest and side > 0 and _differs(side, resolution)


def _describe(
    spec: MethodSpec, resolutions: Sequence[Resolution], cases: list[tuple[Resolution, str]]
) -> Described:
    """Return what the plan must know of a method, from the Python that runs it."""
    arguments: dict[str, Any] = {
        "label": spec.label,
        "method": spec.method,
        "options": spec.options,
        "device": spec.device,
        "resolutions": resolutions,
        "cases": cases,
    }
    if spec.python is None:
        return describe(**arguments)
    return Described(**ask(spec.label, spec.python, "describe", arguments))
