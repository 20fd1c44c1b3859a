"""The task that a worker gets for each case, and what it returns."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmark.cluster.machines import Machine
from benchmark.inputs.photos import Photo
from benchmark.inputs.protocol import Protocol
from benchmark.planning.plan import Case
from benchmark.planning.request import Limits
from benchmark.run_folder.rows import Row
from methods.errors import InputError
from methods.files import sha256

# In the events of a run: the slot of a case with which a worker has begun.
STARTED = "started"


class PhotographMissingError(Exception):
    """The worker does not see the photograph, or a file with another checksum is there."""


@dataclass(frozen=True)
class CaseMessage:
    """One case, as it is sent to a worker."""

    run: str  # its identifier on the cluster
    case: Case
    protocol: Protocol
    limits: Limits
    dataset: str  # a folder that the worker may see
    files: dict[str, bytes] | None  # the photograph's by name, for workers that do not see it
    wants_inputs: bool  # whether reference and mask are returned
    stored: tuple[Row, Path, bytes] | None  # row, path here and PNG of a result to score again


@dataclass(frozen=True)
class CaseResult:
    """What a worker returns for one case; the first three fields are of `machines.describe`."""

    address: str
    worker: str
    machine: Machine
    row: Row
    memory_gb: float | None = None  # that the worker grants a case, in 2**30 bytes
    image: bytes | None = None  # PNG of the result
    log: str = ""
    inputs: tuple[bytes, bytes] | None = None  # PNGs of reference and mask


def has_files(dataset: Path, photo: Photo) -> bool:
    """Return whether a folder has a photograph and its mask, with their checksums."""
    checksums = {photo.file: photo.sha256, photo.mask_file: photo.mask_sha256}
    try:
        return all(sha256(dataset / name) == known for name, known in checksums.items() if name)
    except OSError:
        return False


def read_files(dataset: Path, photo: Photo) -> dict[str, bytes]:
    """Return the content of a photograph's files. Raises InputError if they have changed."""
    if not has_files(dataset, photo):
        raise InputError(f"{dataset / photo.file}: the file or its mask has changed during the run")
    names = filter(None, (photo.file, photo.mask_file))
    return {name: (dataset / name).read_bytes() for name in names}
