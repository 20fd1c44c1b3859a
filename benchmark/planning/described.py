"""What a plan must know of a method, found out where the method runs: here or in another Python."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TextIO

import cv2
import numpy as np

import methods
from benchmark.run_folder import provenance
from methods.base import Inpainter, MethodError, MissingRequirementError, Resolution
from methods.errors import InputError
from methods.files import sha256
from methods.shown_text import message_text
from methods.validation import field_names


@dataclass(frozen=True)
class Described:
    """A method with its options, as far as the plan of a run needs it."""

    # What run.json says about it.
    provenance: dict[str, Any]
    # Options that were settled, so that processes that compute cases do the same.
    settled: dict[str, Any]
    # Of each case what its result depends on, or why it cannot run.
    identities: list[dict[str, Any] | str]


def describe(
    label: str,
    method: str,
    options: dict[str, Any],
    device: str,
    resolutions: Sequence[Resolution],
    cases: Sequence[tuple[Resolution, str]],
) -> Described:
    """Return what a plan must know of a method. Raises InputError for wrong options or files.

    cases: of each, its resolution and the photograph's name.
    """
    try:
        inpainter = methods.create(method, device=device, **options)
        inpainter.check_resolutions(resolutions)
        inpainter.check()
    except MissingRequirementError as error:
        about = {"note": "", "remark": "", "weights_sha256": {}} | _source(method, options)
        return Described(about, {}, [str(error)] * len(cases))
    except (MethodError, ValueError) as error:
        text = str(error)
        raise InputError(text if label in text else f"{label}: {text}") from None
    about = {
        "note": message_text(inpainter.note),
        "remark": message_text(inpainter.remark),
        "weights_sha256": inpainter.weights_used(),
    }
    identities = [_identity(label, inpainter, *case) for case in cases]
    known = next((identity for identity in identities if isinstance(identity, dict)), {})
    about |= {"adapter_versions": dict(_versions(known))} | _source(method, options)
    return Described(about, inpainter.settled_options(), identities)


def _source(method: str, options: dict[str, Any]) -> dict[str, Any]:
    """Return the SHA-256 of the files of a "module:Class" and of such a stage one, if there are."""
    files = []
    stage_one = method.partition(":")[2] or str(options.get("stage_one", ""))
    for name in (method, stage_one):
        module, colon, _ = name.partition(":")
        if colon and module not in methods.available():
            file = getattr(sys.modules.get(module), "__file__", None)
            files += [Path(file)] if file else []
    return {"source_sha256": sha256(*files)} if files else {}


def _versions(identity: dict[str, Any], name: str = "") -> Iterator[tuple[str, int]]:
    """Yield the versions of an adapter and of the parts that it identifies on their own."""
    if isinstance(version := identity.get("version"), int):
        yield identity.get("method", name), version
    for key, part in identity.items():
        if isinstance(part, dict) and key != "options":
            yield from _versions(part, key)


def class_facts(method: str) -> dict[str, Any]:
    """Return the name and the options of a method's class. Raises InputError if there is none."""
    try:
        cls = methods.method_class(method)
    except ValueError as error:
        raise InputError(f"{error}; see: python -m methods list") from None
    return {"name": getattr(cls, "name", method), "options": field_names(cls)}


def describe_there(**arguments: Any) -> dict[str, Any]:
    """Describe a method in another Python, whose environment is part of all that it says."""
    described = asdict(describe(**arguments))
    described["provenance"]["environment"] = provenance.versions()
    decisive = {
        "python": ".".join(platform.python_version_tuple()[:2]),
        "numpy": np.__version__,
        "opencv": cv2.__version__,
    }
    described["identities"] = [
        f"{identity} (in the environment of {sys.executable})"
        if isinstance(identity, str)
        else {**identity, "environment": decisive}
        for identity in described["identities"]
    ]
    return described


QUESTIONS: dict[str, Callable[..., dict[str, Any]]] = {
    "class_facts": class_facts,
    "describe": describe_there,
}


# Of modules that methods of the suite import as soon as they are looked up.
DISTRIBUTIONS = {"PIL": "pillow", "skimage": "scikit-image"}


def serve(requests: TextIO, answers: TextIO) -> None:
    """Answer one of `QUESTIONS`; see `benchmark.planning.interpreters.ask`."""
    question, arguments = json.loads(requests.readline())
    try:
        answer: dict[str, Any] = {"answer": QUESTIONS[question](**arguments)}
    except InputError as error:
        answer = {"error": str(error)}
    except ModuleNotFoundError as error:
        answer = {"missing": [DISTRIBUTIONS.get(str(error.name), str(error.name))]}
    print(json.dumps(answer), file=answers, flush=True)


def _identity(
    label: str, inpainter: Inpainter, resolution: Resolution, image_name: str
) -> dict[str, Any] | str:
    try:
        return inpainter.identity(resolution, image_name)
    except MissingRequirementError as error:
        return str(error)
    except MethodError as error:
        raise InputError(f"{label}: {error}") from None
