"""What goes to a worker with a case, and what stands for a case that no worker has finished."""

from __future__ import annotations

import hashlib
from pathlib import Path

from benchmark.cluster_worker import Files, Finished, Item
from benchmark.dataset import Photo
from benchmark.errors import InputError
from benchmark.run_folder import Row, Slot, damaged


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
