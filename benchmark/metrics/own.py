"""Metrics of your own: "module:NAME", an instance of `Metric` that a module defines."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import numpy as np

from benchmark.metrics.metric import Metric, checked_pair
from methods.files import sha256
from methods.libraries import imported_module
from methods.validation import build

# Side in pixels of the pair on which a metric is tried before a run.
_SIDE = 256


def imported(name: str, place: str) -> Metric:
    """Return the metric at a "module:NAME", under the name that a protocol has for it.

    Its version includes the checksum of the module's file, so that results are scored again when
    that has changed.

    Raises
    ------
    ValueError
        If it cannot be imported, its declaration cannot be used, or it returns no `Scores`.
    """
    module_name, _, attribute = place.partition(":")
    try:
        module = imported_module(module_name)
        found = getattr(module, attribute)
    # A module of the user's may fail in any way.
    except Exception as error:
        # Of `imported_module`, which says what has failed.
        reason = str(error) if type(error) is ImportError else f"{type(error).__name__}: {error}"
        raise ValueError(f"metric {name!r}: {reason}") from None
    if not isinstance(found, Metric):
        raise ValueError(
            f"metric {name!r}: {attribute} is no benchmark.metrics.Metric, but of type "
            f"{type(found).__name__}"
        )
    checked = _checked(name, found)
    path = getattr(module, "__file__", None)
    version = f"{found.version}, {sha256(Path(path))}" if path else found.version
    metric = replace(checked, name=name, version=version)
    _try(metric)
    return metric


def _checked(name: str, metric: Metric) -> Metric:
    """Return a metric whose fields have the declared types. Raises ValueError."""
    declared = {item.name: getattr(metric, item.name) for item in fields(Metric)}
    metric = build(Metric, declared, f"metric {name!r}")
    if not metric.better:
        raise ValueError(f"metric {name!r}: better must be 'higher' or 'lower'")
    try:
        metric.definition.format(**metric.options)
    except (KeyError, IndexError, ValueError):
        raise ValueError(
            f"metric {name!r}: its definition has {{}} around what is no option of it; "
            "write {{ and }} for braces"
        ) from None
    return metric


def _try(metric: Metric) -> None:
    """Raise ValueError if a metric returns no `Scores`; what else fails, fails with its case."""
    if metric.missing():
        return
    reference = np.random.default_rng(0).integers(0, 256, (_SIDE, _SIDE, 3), np.uint8)
    result, mask = reference.copy(), np.zeros((_SIDE, _SIDE), bool)
    mask[_SIDE // 3 : 2 * _SIDE // 3, _SIDE // 3 : 2 * _SIDE // 3] = True
    result[mask] = 128
    try:
        found = metric.function(checked_pair(reference, result, mask))
    except Exception:
        return
    try:
        replace(metric, function=lambda pair: found).compute(checked_pair(reference, result))
    except TypeError as error:
        raise ValueError(str(error)) from None
