"""What run.json says about each method of a run folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from benchmark.planning.kept import KeptMethod
from benchmark.planning.method_specs import MethodSpec
from benchmark.planning.request import Request

# Options of a command that hold for each of its methods.
CONDITIONS = ("seed", "time_limit_s", "memory_limit_gb", "accept_drift")


def entries(
    request: Request,
    specs: Sequence[MethodSpec],
    provenance: Mapping[str, dict[str, Any]],
    others: Sequence[KeptMethod],
    earlier: dict[str, Any],
) -> list[dict[str, Any]]:
    """Return the entries of all methods, those of earlier commands first.

    Parameters
    ----------
    specs, provenance
        The methods of the command.
    others
        Those of earlier commands; without a case that is shown they are left out.
    earlier
        run.json before the command, for the order.
    """
    conditions = _conditions(request)
    own = [_spec_entry(spec) | provenance[spec.label] | conditions for spec in specs]
    kept = [other.entry for other in others if other.cases]
    if not kept:
        return own
    by_label = {entry["label"]: entry for entry in [*kept, *own]}
    order = [entry["label"] for entry in earlier.get("methods", []) if entry["label"] in by_label]
    return [by_label[label] for label in dict.fromkeys([*order, *by_label])]


def shared(methods: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return each option that all methods have been run with; None where they differ.

    An earlier version of the suite did not record them for each method, which is None too.
    """
    own = {name: [method.get(name) for method in methods] for name in (*CONDITIONS, "device")}
    return {
        name: values[0] if all(value == values[0] for value in values) else None
        for name, values in own.items()
    }


def _spec_entry(spec: MethodSpec) -> dict[str, Any]:
    entry = asdict(spec)
    if spec.python is None:
        del entry["python"]
    return entry


def _conditions(request: Request) -> dict[str, Any]:
    values = request.seed, request.time_limit, request.memory_limit, request.accept_drift
    return dict(zip(CONDITIONS, values, strict=True))
