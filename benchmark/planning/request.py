"""The request of a user, and the checked job made from it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmark.inputs.dataset import verify
from benchmark.inputs.description import OPTIONS, Dataset, open_dataset
from benchmark.inputs.inverted import refuse_inverted
from benchmark.inputs.notes import dataset_notes, passed_over
from benchmark.inputs.photos import Photo
from benchmark.inputs.protocol import Protocol, load, select_resolutions
from benchmark.planning import method_specs
from benchmark.planning.concurrency import local_workers, threads_per_case
from benchmark.planning.method_specs import MethodSpec
from benchmark.planning.plan import Overwrite
from benchmark.planning.result_names import named_after_masks
from benchmark.run_folder.folder import read_run_json
from methods.base import Resolution
from methods.errors import InputError


@dataclass(frozen=True)
class Request:
    """The options of the command line, unchecked; see `run_benchmark.py --help`."""

    dataset: Path
    # Keys of the dataset's description that the command line gives, see dataset.toml.
    description: dict[str, Any]
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
    resolutions: list[Resolution]
    specs: list[MethodSpec]
    dataset: Dataset
    photos: list[Photo]
    # Sentences about the dataset for the console, run.json and the report.
    notes: list[str]
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
    dataset, photos, notes = check_dataset(
        request.dataset, request.description, protocol, resolutions, console, request.out
    )
    specs = [named_after_masks(spec, photos, resolutions) for spec in specs]
    # The workers of a real cluster share no cores with this process.
    workers = local_workers(request.cluster) or 1 if request.cluster else request.workers
    threads = threads_per_case(workers)
    return Job(request, protocol, resolutions, specs, dataset, photos, notes, threads)


def _refuse_unused_masks(description: dict[str, Any], protocol: Protocol) -> None:
    """Raise InputError if options describe masks that the protocol does not use."""
    for key in ("masks", "hole", "threshold"):
        if description.get(key) is not None and not protocol.uses_dataset_masks():
            raise InputError(
                f"{OPTIONS[key]}: protocol {protocol.name} draws its own holes; choose --protocol "
                "native (each photograph at its own size) or own-masks, or leave the option out"
            )


def check_protocol(name: str, resolutions: str | None) -> tuple[Protocol, list[Resolution]]:
    """Return the protocol and its selected resolutions, ascending. Raises InputError."""
    protocol = load(name)
    return protocol, select_resolutions(protocol, resolutions)


def check_dataset(
    path: Path,
    description: dict[str, Any],
    protocol: Protocol,
    resolutions: list[Resolution],
    console: Console,
    out: Path | None = None,
) -> tuple[Dataset, list[Photo], list[str]]:
    """Return a dataset, its verified photographs, and sentences that a user should read.

    Parameters
    ----------
    path, description
        As the command line gives them, see `open_dataset`.
    console
        For a progress bar, and for what does not concern the results.
    out
        A run folder: photographs that an earlier run into it has verified are not decoded again.

    Raises
    ------
    InputError
        If photographs or masks cannot be used, or the masks are certainly inverted.
    """
    dataset = open_dataset(path, description)
    _refuse_unused_masks(description, protocol)
    known = _verified_photos(out, dataset, protocol, resolutions) if out else {}
    photos = verify(dataset, protocol, resolutions, known, console)
    if left := passed_over(dataset, photos):
        console.print(left)
    has_masks = dataset.description.masks or (dataset.root / "masks").is_dir()
    if has_masks and not protocol.uses_dataset_masks():
        console.print(
            f"note: protocol {protocol.name} draws its own holes; the dataset's masks are not used "
            "(--protocol own-masks or native uses them)"
        )
    refuse_inverted(dataset, protocol, photos)
    return dataset, photos, dataset_notes(dataset, protocol, resolutions, photos)


def _verified_photos(
    out: Path, dataset: Dataset, protocol: Protocol, resolutions: list[Resolution]
) -> dict[tuple[str, str | None], dict[str, Any]]:
    """Return the photographs that an earlier run into this folder has verified."""
    info = read_run_json(out)
    if info.get("protocol") != protocol.model_dump() or info.get("resolutions") != resolutions:
        return {}
    if info["dataset"].get("description") != dataset.description.record():
        return {}
    images = info["dataset"]["images"]
    return {(image["sha256"], image["mask_sha256"]): image for image in images}
