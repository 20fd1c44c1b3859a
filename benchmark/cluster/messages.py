"""What goes to a worker with a case, and what stands for a case that no worker has finished."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from benchmark.cluster.machines import Machine
from benchmark.execution.inference import Limits
from benchmark.inputs.dataset import Photo
from benchmark.inputs.protocol import Protocol
from benchmark.planning.method_specs import MethodSpec
from benchmark.run_folder.folder import Row, Slot, damaged
from methods.errors import InputError


def item(
    number: int,
    photo: Photo,
    wants_input: bool,
    folder: Path | None,
    standing: tuple[Row, bytes] | None,
) -> Item:
    """A case as it travels. folder: the dataset's, where the photograph is to travel too.
    Raises InputError when the photograph is not what it was."""
    files = None if folder is None else _files(folder, photo)
    return Item(number, photo, wants_input, files, standing)


def read_result(path: Path) -> bytes:
    """A result that is to be scored again. Raises InputError."""
    try:
        return path.read_bytes()
    except OSError:
        raise damaged(path) from None


def failed(number: int, slot: Slot, reason: str) -> Finished:
    """A case that is given up for something that was not its method's fault."""
    row = Row(*slot, status="failed", error=f"{reason}; --overwrite failed tries it again")
    return Finished(number, row)


def stored_bytes(finished: Finished) -> int:
    """What a finished case holds in memory until it is written."""
    return sum(map(len, filter(None, (finished.result, finished.reference, finished.mask))))


def _files(folder: Path, photo: Photo) -> Files:
    image = _read(folder / photo.file, photo.sha256)
    mask = _read(folder / photo.mask_file, photo.mask_sha256) if photo.mask_file else None
    return Files(image, mask)


def _read(path: Path, digest: str | None) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; the file has changed during the run") from None
    if hashlib.sha256(content).hexdigest() != digest:
        raise InputError(f"{path}: the file has changed during the run")
    return content


@dataclass(frozen=True)
class Files:
    """A photograph's file, and its mask's, as they travel with a task."""

    image: bytes
    mask: bytes | None


@dataclass(frozen=True)
class Item:
    """One case of a batch. number: of the case in the run; wants_input: whether reference and mask
    are to come back; files: None where workers read the dataset's folder themselves; standing: row
    and PNG of a result that is only to be scored again."""

    number: int
    photo: Photo
    wants_input: bool
    files: Files | None = None
    standing: tuple[Row, bytes] | None = None


@dataclass(frozen=True)
class Batch:
    """Cases of one method at one resolution. `run` and `name` are where the scheduler keeps which
    case is under way; losses: number of a case -> workers that were lost while it ran."""

    run: str
    name: str
    spec: MethodSpec
    resolution: int
    protocol: Protocol
    limits: Limits
    dataset: str
    items: tuple[Item, ...]
    losses: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Finished:
    """What came of one case. result, reference, mask: PNG; row: None where the photograph's file
    was not found on the worker, or where `damaged`, the result that was to be scored again;
    memory_gb: what the worker grants a case, None for no limit."""

    number: int
    row: Row | None
    result: bytes | None = None
    log: str = ""
    reference: bytes | None = None
    mask: bytes | None = None
    memory_gb: float | None = None
    damaged: bool = False


@dataclass(frozen=True)
class BatchResult:
    """seconds: of the whole batch; losses: as the batch's, those of earlier tries included;
    address: of the worker at Dask's; worker, machine: see cluster_machines."""

    finished: list[Finished]
    seconds: float
    losses: dict[int, int]
    address: str
    worker: str
    machine: Machine
