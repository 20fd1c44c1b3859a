"""The request of a user, and the checked job made from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field
from rich.console import Console

from benchmark.inputs.dataset import verify
from benchmark.inputs.description import OPTIONS, Dataset, open_dataset
from benchmark.inputs.inverted import refuse_inverted
from benchmark.inputs.notes import dataset_notes, passed_over
from benchmark.inputs.photos import Photo
from benchmark.inputs.protocol import Protocol, load, select_resolutions
from benchmark.planning.concurrency import local_workers, threads_per_case
from benchmark.planning.method_specs import MethodSpec
from benchmark.planning.plan import Overwrite
from benchmark.planning.result_names import named_after_masks
from benchmark.run_folder.folder import read_run_json
from methods.base import Resolution
from methods.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a user asks for, unchecked; see `run_benchmark.py --help`."""

    dataset: Path
    out: Path
    specs: list[MethodSpec]
    # Keys of the dataset's description that replace those of its file, see dataset.toml.
    description: dict[str, Any] = field(default_factory=dict)
    resolutions: str | None = None
    protocol: str = "moskalenko2020"
    workers: Annotated[int, Field(ge=1)] = 1
    cluster: str | None = None
    seed: Annotated[int, Field(ge=0)] = 0
    # Of one case, in seconds and in units of 2**30 bytes.
    time_limit: Annotated[float, Field(ge=1)] = 3600
    memory_limit: Annotated[float, Field(ge=0.1)] | None = None
    overwrite: Overwrite = "never"
    accept_drift: bool = False
    # For the record.
    command: list[str] = field(default_factory=list)


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
    for spec in request.specs:
        if request.cluster and spec.python is not None:
            raise InputError(
                f"{spec.label}: --cluster runs methods in its workers' own Python; leave out "
                "--python, or run this method without --cluster into the same folder"
            )
    protocol = load(request.protocol)
    resolutions = select_resolutions(protocol, request.resolutions)
    dataset, photos, notes = check_dataset(
        request.dataset, request.description, protocol, resolutions, console, request.out
    )
    specs = [named_after_masks(spec, photos, resolutions) for spec in request.specs]
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
