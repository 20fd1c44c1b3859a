"""The request of a user, and the checked job made from it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmark.inputs import dataset
from benchmark.inputs.dataset import Photo
from benchmark.inputs.protocol import Protocol, load, select_resolutions
from benchmark.planning import method_specs
from benchmark.planning.concurrency import local_workers, threads_per_case
from benchmark.planning.method_specs import MethodSpec
from benchmark.planning.plan import Overwrite
from benchmark.run_folder.folder import read_run_json
from methods.errors import InputError


@dataclass(frozen=True)
class Request:
    """The options of the command line, unchecked; see `run_benchmark.py --help`."""

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
class Limits:
    """Limits on the resources of one case."""

    # Including loading the method.
    seconds: float
    # Main memory in units of 2**30 bytes (Linux only); None for no limit.
    memory_gb: float | None = None


@dataclass(frozen=True)
class Job:
    """A checked request; `threads` is the number of threads per case."""

    request: Request
    protocol: Protocol
    resolutions: list[int]
    specs: list[MethodSpec]
    photos: list[Photo]
    threads: int

    @property
    def limits(self) -> Limits:
        return Limits(self.request.time_limit, self.request.memory_limit)


def check_request(request: Request, console: Console) -> Job:
    """Check a request and its dataset. Raises InputError."""
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
    known = _verified_photos(request.out, protocol, resolutions)
    photos = check_photos(request.dataset, protocol, resolutions, console, known)
    # The workers of a real cluster share no cores with this process.
    workers = local_workers(request.cluster) or 1 if request.cluster else request.workers
    return Job(request, protocol, resolutions, specs, photos, threads_per_case(workers))


def check_protocol(name: str, resolutions: str | None) -> tuple[Protocol, list[int]]:
    """Return the protocol and its selected resolutions, ascending. Raises InputError."""
    protocol = load(name)
    try:
        numbers = None if resolutions is None else [int(each) for each in resolutions.split(",")]
    except ValueError:
        raise InputError(
            f"--resolutions {resolutions!r}: write whole numbers like 1024,2048"
        ) from None
    return protocol, select_resolutions(protocol, numbers)


def check_photos(
    folder: Path,
    protocol: Protocol,
    resolutions: list[int],
    console: Console,
    known: dataset.KnownPhotos | None = None,
) -> list[Photo]:
    """Return the verified photographs of a dataset. Raises InputError."""
    photos = dataset.verify(folder, protocol, resolutions, known or {}, console)
    if (folder / "masks").is_dir() and not protocol.uses_dataset_masks():
        console.print(
            f"note: protocol {protocol.name} draws its own holes; masks/ of the dataset is not "
            "used (--protocol own-masks uses it)"
        )
    return photos


def _verified_photos(
    out: Path, protocol: Protocol, resolutions: list[int]
) -> dict[tuple[str, str | None], dict[str, Any]]:
    """Return the photographs that an earlier run into this folder has verified."""
    info = read_run_json(out)
    if info.get("protocol") != protocol.model_dump() or info.get("resolutions") != resolutions:
        return {}
    images = info["dataset"]["images"]
    return {(image["sha256"], image["mask_sha256"]): image for image in images}
