"""Metrics of pyiqa (IQA-PyTorch), if that is installed: any of them by its name, and DISTS."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import cache
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as distribution_version
from typing import Any

from benchmark.metrics.feature_distance import hole_box, unit_tensor
from benchmark.metrics.metric import ImagePair, Metric, Scores
from methods.base import Image
from methods.errors import closest
from methods.libraries import extra_installation
from methods.shown_text import message_text

PREFIX = "pyiqa:"
INSTALL = extra_installation("pyiqa")
# They compare two sets of images, not two images.
_OF_SETS = {"fid", "sfid", "fid_dinov2", "inception_score"}


def pyiqa_metric(name: str) -> Metric:
    """Return the metric "pyiqa:NAME", with the direction and range that pyiqa declares.

    If it cannot be loaded here, its direction is unknown and `missing` says what to do. Raises
    ValueError for a name that pyiqa does not know.
    """
    own_name = name.removeprefix(PREFIX)
    if own_name in _OF_SETS:
        raise ValueError(
            f"metric {name!r} compares sets of images, not pairs: python -m analysis set-metrics"
        )
    model, problem = _load(own_name)

    def function(pair: ImagePair) -> Scores:
        whole = _value(model, pair.reference, pair.result)
        if pair.mask is None:
            return Scores(whole, None)
        box = hole_box(pair)
        return Scores(whole, _value(model, pair.reference[box], pair.result[box]))

    is_alone = model is not None and model.metric_mode == "NR"
    described = "" if model is None else f", range by pyiqa {model.score_range or 'unknown'}"
    return Metric(
        name=name,
        label=f"{own_name} (pyiqa)",
        better="" if model is None else "lower" if model.lower_better else "higher",
        definition=f"{own_name} of pyiqa {_version()}{described}; over the whole image, and over "
        "the hole: over the box of the hole and a quarter of its size around it; at full resolution"
        f"{', needs no reference' * is_alone}",
        across_resolutions=False,
        needs_reference=not is_alone,
        function=function,
        missing=lambda: problem,
        version=f"pyiqa {_version()}",
    )


def _value(model: Callable[..., Any], reference: Image, result: Image) -> float:
    import torch

    # pyiqa ignores the reference where a metric needs none.
    with torch.inference_mode():
        return float(model(unit_tensor(result), unit_tensor(reference)))


@cache
def _load(name: str) -> tuple[Any, str]:
    """Return a model of pyiqa, or None and what to do. Raises ValueError for an unknown name."""
    try:
        pyiqa = importlib.import_module("pyiqa")
        known = pyiqa.list_models()
    # It imports a dozen packages, each of which may fail in its own way.
    except Exception as error:
        lacking = getattr(error, "name", None)
        problem = f"the package {lacking} is missing" if lacking else _one_line(error)
        return None, f"{problem}: {INSTALL}"
    if name not in known:
        match = closest(name, known)
        hint = f"did you mean '{PREFIX}{match}'? " if match else ""
        raise ValueError(
            f"unknown metric '{PREFIX}{name}': {hint}pyiqa {_version()} has {len(known)}, listed "
            'by python -c "import pyiqa; print(pyiqa.list_models())"'
        )
    try:
        return pyiqa.create_metric(name, device="cpu"), ""
    except ImportError as error:
        return None, f"pyiqa cannot load {name} ({_one_line(error)}): install that module"
    except Exception as error:
        return None, (
            f"pyiqa cannot load {name} ({_one_line(error)}): its first use downloads weights, for "
            "which a connection is needed once"
        )


def _one_line(error: Exception) -> str:
    return message_text(f"{type(error).__name__}: {error}")[:300]


def _version() -> str:
    try:
        return distribution_version("pyiqa")
    except PackageNotFoundError:
        return "(not installed)"


def _dists(pair: ImagePair) -> Scores:
    """Return DISTS of the box around the hole, which has no map whose mean over the hole it is."""
    model, _ = _load("dists")
    box = hole_box(pair)
    return Scores(_value(model, pair.reference[box], pair.result[box]), None)


DISTS = Metric(
    name="dists",
    label="DISTS",
    better="lower",
    definition="Ding et al. 2020 as in pyiqa, 0 = identical, of the hole and a quarter of its size "
    "around it, at full resolution",
    function=_dists,
    missing=lambda: _load("dists")[1],
    across_resolutions=False,
)
