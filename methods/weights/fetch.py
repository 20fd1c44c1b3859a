"""Fetch published weights: download, verify, then give the file its final name."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from filelock import FileLock

from methods.errors import InputError, suggestion
from methods.files import sha256
from methods.weights import WeightsError, content, registry, store
from methods.weights.content import Kind, kind_of
from methods.weights.download import Progress, SourceError, download, forget
from methods.weights.registry import PublishedFile, Registry
from methods.weights.store import Record

RETRIES = 4
# What servers send instead of the file.
NOT_A_FILE = {Kind.EMPTY, Kind.HTML, Kind.LFS}
# Called with the name of a file, the bytes received so far and its size, None if unknown.
FileProgress = Callable[[str, int, int | None], None]


@dataclass(frozen=True)
class Fetched:
    """A file that is stored now; `new` is False if it was stored before."""

    path: Path
    record: Record
    new: bool


def fetch(
    name: str,
    variant: str | None = None,
    known: Registry | None = None,
    progress: FileProgress = lambda name, done, total: None,
    retries: int = RETRIES,
) -> list[Fetched]:
    """Fetch and verify the files of a variant unless they are stored.

    Only complete, verified files get their final name.

    Parameters
    ----------
    variant
        Name of the variant, None for the default one.
    known
        The registry, None for the bundled one.
    retries
        Number of attempts to resume a transfer before the next address is tried.

    Raises
    ------
    InputError
        If the name or the variant is unknown.
    WeightsError
        If a file cannot be fetched or stored.
    """
    weights, chosen = select_variant(name, variant, known or registry.load())
    fetched = []
    for file in weights.variants[chosen].files:
        path = store.place(name, chosen, file)
        try:
            fetched.append(_fetch_file(file, path, partial(progress, file.name), retries))
        except SourceError as error:
            by_hand = f"or download it by hand and use --weights {name}=PATH"
            raise WeightsError(f"{file.name} was not fetched: {error}; {by_hand}") from None
        except OSError as error:
            raise WeightsError(f"{path} cannot be stored: {error.strerror or error}") from None
    return fetched


def select_variant(name: str, variant: str | None, known: Registry) -> tuple[registry.Weights, str]:
    """Return the weights with a name, and a variant's name or the default. Raises InputError."""
    if name not in known.weights:
        raise InputError(f"unknown weights {name!r}{suggestion(name, known.weights)}")
    weights = known.weights[name]
    chosen = variant or weights.default
    if chosen not in weights.variants:
        raise InputError(f"{name} has no variant {chosen!r}{suggestion(chosen, weights.variants)}")
    return weights, chosen


def _fetch_file(file: PublishedFile, path: Path, progress: Progress, retries: int) -> Fetched:
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_name(f".{path.name}.lock")):
        record = _stored_record(file, path)
        if record is not None:
            return Fetched(path, record, new=False)
        problems = []
        for url in file.urls:
            try:
                record = _fetch_from(url, file, path, progress, retries)
            except SourceError as error:
                problems.append(f"{urlsplit(url).netloc}: {error}")
                continue
            for other in file.urls:
                forget(_incomplete(path, other))
            return Fetched(path, record, new=True)
    raise SourceError("; ".join(problems))


def _stored_record(file: PublishedFile, path: Path) -> Record | None:
    """Return the record of `path` if it is the published file, fetched or put there by hand."""
    if not path.is_file():
        return None
    if record := store.record_of(path):
        return record if sha256(path) == record.sha256 else None
    with contextlib.suppress(SourceError):
        return _verified(file, path, "")
    return None


def _fetch_from(
    url: str, file: PublishedFile, path: Path, progress: Progress, retries: int
) -> Record:
    incomplete = _incomplete(path, url)
    incomplete.parent.mkdir(exist_ok=True)
    download(url, file.pattern or file.name, incomplete, progress, retries)
    try:
        record = _verified(file, incomplete, url)
    except SourceError:
        forget(incomplete)
        raise
    # The record first: a file with its final name always has one.
    store.remember(path, record)
    incomplete.replace(path)
    return record


def _incomplete(path: Path, url: str) -> Path:
    # One for each address: a transfer must not be resumed from another server.
    digest = hashlib.sha256(url.encode()).hexdigest()[:8]
    return path.parent / ".partial" / f"{digest}-{path.name}"


def _verified(file: PublishedFile, path: Path, url: str) -> Record:
    """Return the record of a complete file. Raises SourceError if it is not the published one."""
    if (kind := kind_of(path)) in NOT_A_FILE:
        expected = registry.readable_size(file.size)
        raise SourceError(f"what came is {kind.value}; {file.name} was expected ({expected})")
    published = {
        "size": (file.size, lambda path: path.stat().st_size),
        "SHA-256": (file.sha256, sha256),
        "git blob": (file.git_blob, content.git_blob),
        "MD5": (file.md5, content.md5),
    }
    checked = {name: pair for name, pair in published.items() if pair[0] is not None}
    for quantity, (right, of) in checked.items():
        if (came := of(path)) != right:
            raise SourceError(f"what came has {quantity} {came}, {right} was expected")
    today = datetime.now(UTC).date().isoformat()
    return Record(url, path.stat().st_size, sha256(path), list(checked), today)
