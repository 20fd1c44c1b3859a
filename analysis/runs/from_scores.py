"""A run from its table of scores."""

from __future__ import annotations

from numbers import Real
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.runs.run import CASE_COLUMNS, Case, Run, checked_info
from methods.base import Resolution
from methods.errors import InputError
from methods.resolutions import NATIVE


def run_of(scores: pd.DataFrame) -> Run:
    """Return the run of a table that `benchmark.read_scores` has returned, or of a part of it.

    The run has the methods, resolutions and images of the table's rows only, and no pictures.

    Raises InputError if the table does not know its run, or columns or rows are not those of one.
    """
    info = scores.attrs.get("run")
    if not info:
        raise InputError(
            "scores: the table does not know its run, as after pandas.concat of several; read it "
            "with benchmark.read_scores(RUN), or give the run folder. Results made elsewhere stand "
            "beside others in a run: benchmark.run(..., external={NAME: FOLDER})"
        )
    measured = list(info.get("protocol", {}).get("metrics", []))
    if missing := [name for name in (*CASE_COLUMNS, *measured) if name not in scores]:
        raise InputError(f"scores: no column {missing[0]!r}; keep the columns of scores.csv")
    if scores.empty:
        raise InputError("scores: no rows, so that there is nothing to compute from")
    for name in measured:
        if not pd.api.types.is_numeric_dtype(scores[name]):
            raise InputError(f"scores: column {name!r} is not of numbers ({scores[name].dtype})")
    cases = [_case(row) for row in scores.to_dict("records")]
    if len({(case.method, case.resolution, case.image) for case in cases}) < len(cases):
        raise InputError("scores: two rows for one method, resolution and image; keep one")
    try:
        run = Run(Path("scores"), _restricted(checked_info(info), cases), cases)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"scores: attrs['run'] is not the content of run.json: {error}") from None
    known: set[object] = {*run.methods, *run.resolutions, *run.images}
    for value in (value for case in cases for value in (case.method, case.resolution, case.image)):
        if value not in known:
            raise InputError(f"scores: {value!r} is not in the run that the table came from")
    return run


def _case(row: dict[str, Any]) -> Case:
    method, resolution, image, status, error = map(row.pop, CASE_COLUMNS)
    for name, text in (("method", method), ("image", image), ("status", status)):
        if not isinstance(text, str):
            raise InputError(f"scores: {name} {text!r} is no text")
    values = {
        name: float(value)
        for name, value in row.items()
        if not pd.isna(value) and not isinstance(value, str)
    }
    return Case(method, _size(resolution), image, status, values, error)


def _size(resolution: Any) -> Resolution:
    if resolution == NATIVE:
        return NATIVE
    if not isinstance(resolution, Real) or not float(resolution).is_integer():
        raise InputError(f"scores: resolution {resolution!r} is no whole number of pixels")
    return int(float(resolution))


def _restricted(info: dict[str, Any], cases: list[Case]) -> dict[str, Any]:
    """Return run.json with the methods, resolutions and images of some cases."""
    methods = {case.method for case in cases}
    sizes = {case.resolution for case in cases}
    images = {case.image for case in cases}
    dataset = info["dataset"]
    kept = [image for image in dataset["images"] if image["name"] in images]
    notes = dataset.get("notes", [])
    if len(kept) < len(dataset["images"]):
        notes = [*notes, f"A selection: {len(kept)} of {len(dataset['images'])} images of the run."]
    return {
        **info,
        "methods": [method for method in info["methods"] if method["label"] in methods],
        "resolutions": [size for size in info["resolutions"] if size in sizes],
        "dataset": {**dataset, "images": kept, "notes": notes},
    }
