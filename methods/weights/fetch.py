"""Fetching published weights: download, verify, and only then the final name."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from filelock import FileLock

from methods.files import sha256
from methods.weights import content, registry, store
from methods.weights.content import Kind, kind_of
from methods.weights.download import Progress, SourceError, download, forget
from methods.weights.errors import WeightsError
from methods.weights.registry import PublishedFile, Registry
from methods.weights.store import Record

RETRIES = 4
# What servers send in place of the file.
NOT_A_FILE = {Kind.EMPTY, Kind.HTML, Kind.LFS}
# Called with a file's name as its download begins; gives what is told of its progress.
Begin = Callable[[str], Progress]


@dataclass(frozen=True)
class Fetched:
    """A file that is here now. new: False if it was here before."""

    path: Path
    record: Record
    new: bool


def fetch(
    name: str,
    variant: str | None = None,
    known: Registry | None = None,
    begin: Begin = lambda name: lambda done, total: None,
    retries: int = RETRIES,
) -> list[Fetched]:
    """The files of the weights `name`, fetched unless they are here, verified, in their place.

    variant: None for the default one; known: the registry, None for the shipped one; retries: of
    a transfer that breaks off. Its files are tried at one address after the other.
    Raises ValueError for an unknown name or variant, WeightsError, one line, if they cannot be
    had; then no file has a final name that is not whole and verified."""
    weights, chosen = chosen_of(name, variant, known or registry.load())
    fetched = []
    for file in weights.variants[chosen].files:
        path = store.place(name, chosen, file)
        try:
            fetched.append(_fetch_file(file, path, begin, retries))
        except SourceError as error:
            by_hand = f"or get it by hand and use --weights {name}=PATH"
            raise WeightsError(f"{file.name} was not fetched: {error}; {by_hand}") from None
        except OSError as error:
            raise WeightsError(f"{path} cannot be stored: {error.strerror or error}") from None
    return fetched


def chosen_of(name: str, variant: str | None, known: Registry) -> tuple[registry.Weights, str]:
    """The weights called `name` and the name of their variant. Raises ValueError for others."""
    if name not in known.weights:
        raise ValueError(f"unknown weights {name!r}; known: {', '.join(known.weights)}")
    weights = known.weights[name]
    chosen = variant or weights.default
    if chosen not in weights.variants:
        variants = ", ".join(weights.variants)
        raise ValueError(f"{name} has no variant {chosen!r}; it has {variants}")
    return weights, chosen


def _fetch_file(file: PublishedFile, path: Path, begin: Begin, retries: int) -> Fetched:
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_name(f".{path.name}.lock")):
        record = _here(file, path)
        if record is not None:
            return Fetched(path, record, new=False)
        problems = []
        for url in file.urls:
            try:
                fetched = _from(url, file, path, begin(file.name), retries)
            except SourceError as error:
                problems.append(f"{urlsplit(url).netloc}: {error}")
            else:
                for other in file.urls:
                    forget(_partial(path, other))
                return fetched
    raise SourceError("; ".join(problems))


def _here(file: PublishedFile, path: Path) -> Record | None:
    """What is known of `path` if it is the published file, fetched before or put there by hand."""
    if not path.is_file():
        return None
    record = store.record_of(path)
    if record is not None:
        return record if sha256(path) == record.sha256 else None
    try:
        return _verified(file, path, "")
    except SourceError:
        return None


def _from(url: str, file: PublishedFile, path: Path, progress: Progress, retries: int) -> Fetched:
    partial = _partial(path, url)
    partial.parent.mkdir(exist_ok=True)
    download(url, file.pattern or file.name, partial, progress, retries)
    try:
        record = _verified(file, partial, url)
    except SourceError:
        forget(partial)
        raise
    # First what is known, so that a file under its final name is never without.
    store.remember(path, record)
    partial.replace(path)
    return Fetched(path, record, new=True)


def _partial(path: Path, url: str) -> Path:
    # Apart for each address: what one server sent must not be continued by another.
    digest = hashlib.sha256(url.encode()).hexdigest()[:8]
    return path.parent / ".partial" / f"{digest}-{path.name}"


def _verified(file: PublishedFile, path: Path, url: str) -> Record:
    """What is found of a file that was received whole. Raises SourceError if it is another."""
    size, digest = path.stat().st_size, sha256(path)
    kind = kind_of(path)
    if kind in NOT_A_FILE:
        expected = registry.megabytes(file.size)
        raise SourceError(f"what came is {kind.value}; {file.name} was expected ({expected})")
    blob = content.git_blob(path) if file.git_blob else None
    compared = {
        "size": (file.size, size),
        "SHA-256": (file.sha256, digest),
        "git blob": (file.git_blob, blob),
    }
    for what, (published, found) in compared.items():
        if published is not None and published != found:
            raise SourceError(f"what came has {what} {found}, {published} was expected")
    checked = [what for what, (published, _) in compared.items() if published is not None]
    today = datetime.now(UTC).date().isoformat()
    return Record(url, size, digest, checked, today)
