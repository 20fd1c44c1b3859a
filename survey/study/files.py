"""Files of a study: written in one step, and those with secrets for the owner's eyes only."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

PRIVATE = 0o600


def write_private(path: Path, content: str | bytes) -> None:
    """Replace a file in one step; only the owner of the process can read it. Text is UTF-8. Raises
    OSError."""
    with replacing([path]) as (part,):
        part.write_bytes(content.encode() if isinstance(content, str) else content)


@contextmanager
def replacing(paths: Sequence[Path]) -> Iterator[list[Path]]:
    """Empty files to write instead, which only the owner of the process can read. They take the
    names at the end, when all are on the disk; none does where anything failed. Raises OSError."""
    parts = [path.with_name(f".{path.name}.part") for path in paths]
    try:
        for part, path in zip(parts, paths, strict=True):
            with _named(path):
                part.unlink(missing_ok=True)
                os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE))
        yield parts
        for part in parts:
            _to_disk(part)
        for part, path in zip(parts, paths, strict=True):
            with _named(path):
                part.replace(path)
    finally:
        for part in parts:
            if part.is_file():
                part.unlink()


def _to_disk(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """What fails names the file that was asked for."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
