"""Checksums of files."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path

CHUNK = 1 << 20


def sha256(paths: Sequence[Path]) -> str:
    """SHA-256 of the bytes of one file, or of several one after the other, in hexadecimal.

    Computed once in a process for files that keep path, size and time of change."""
    return _sha256(tuple(_state(path) for path in paths))


def git_blob(path: Path) -> str:
    """The name git gives to a file's content: `git hash-object FILE`."""
    digest = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _state(path: Path) -> tuple[str, int, int]:
    state = path.stat()
    return str(path.resolve()), state.st_size, state.st_mtime_ns


@cache
def _sha256(states: tuple[tuple[str, int, int], ...]) -> str:
    digest = hashlib.sha256()
    for path, _, _ in states:
        with Path(path).open("rb") as file:
            while chunk := file.read(CHUNK):
                digest.update(chunk)
    return digest.hexdigest()
