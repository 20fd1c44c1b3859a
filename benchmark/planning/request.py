"""What was asked for, checked before anything is written."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress

from benchmark.inputs import dataset
from benchmark.inputs.dataset import Photo
from benchmark.inputs.protocol import Protocol, load, select_resolutions
from benchmark.planning import method_specs
from benchmark.planning.concurrency import local_workers, threads_wanted
from benchmark.planning.method_specs import MethodSpec
from benchmark.planning.plan import Overwrite
from methods.errors import InputError


@dataclass(frozen=True)
class Request:
    """What the command line asks for, unchecked."""

    dataset: Path
    methods: str | None
    resolutions: str | None
    protocol: str
    out: Path
    method_files: list[Path]
    external: list[str]
    options: list[str]
    weights: list[str]
    device: str
    workers: int
    cluster: str | None
    seed: int
    time_limit: float
    memory_limit: float | None
    overwrite: Overwrite
    accept_drift: bool
    command: list[str]


@dataclass(frozen=True)
class Job:
    """A checked request."""

    request: Request
    protocol: Protocol
    resolutions: list[int]
    specs: list[MethodSpec]
    photos: list[Photo]
    threads: int


def check(request: Request, console: Console) -> Job:
    """Raises InputError for anything in the request that cannot be meant or used."""
    protocol, resolutions = check_protocol(request.protocol, request.resolutions)
    specs = method_specs.collect(
        request.methods,
        request.method_files,
        request.external,
        request.options,
        request.device,
        request.seed,
        request.weights,
    )
    known = _verified_before(request.out, protocol, resolutions)
    photos = check_photos(request.dataset, protocol, resolutions, console, known)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    threads = threads_wanted() or max(1, (cores or 1) // _cases_at_a_time(request))
    return Job(request, protocol, resolutions, specs, photos, threads)


def _cases_at_a_time(request: Request) -> int:
    """On this machine."""
    return request.workers if request.cluster is None else local_workers(request.cluster) or 1


def check_protocol(name: str, resolutions: str | None) -> tuple[Protocol, list[int]]:
    """The protocol and the resolutions of it that are wanted. Raises InputError."""
    protocol = load(name)
    return protocol, select_resolutions(protocol, _numbers(resolutions))


def check_photos(
    folder: Path,
    protocol: Protocol,
    resolutions: list[int],
    console: Console,
    known: dict[tuple[str, str | None], dict[str, Any]] | None = None,
) -> list[Photo]:
    """The verified photographs of a dataset, with a progress bar. Raises InputError.

    known: records of photographs that an earlier run has verified."""
    pairs = dataset.find(folder)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("checking photographs", total=len(pairs))
        photos = dataset.verify(
            folder, protocol, resolutions, known or {}, lambda: bar.advance(task)
        )
    if dataset.has_unused_masks(folder, protocol):
        console.print(
            f"note: protocol {protocol.name} draws its own holes; masks/ of the dataset is not "
            "used (--protocol own-masks uses it)"
        )
    return photos


def _numbers(text: str | None) -> list[int] | None:
    if text is None:
        return None
    try:
        return [int(number) for number in text.split(",")]
    except ValueError:
        raise InputError(f"--resolutions {text!r}: write whole numbers like 1024,2048") from None


def _verified_before(
    out: Path, protocol: Protocol, resolutions: list[int]
) -> dict[tuple[str, str | None], dict[str, Any]]:
    """Photographs that an earlier run into the same folder has checked, by their checksums."""
    try:
        info = json.loads((out / "run.json").read_text(encoding="utf-8"))
        same = info["protocol"] == protocol.model_dump() and info["resolutions"] == resolutions
        images = info["dataset"]["images"] if same else []
        return {(image["sha256"], image["mask_sha256"]): image for image in images}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
