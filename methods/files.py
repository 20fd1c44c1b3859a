"""Files on disk: replace them atomically, compute their checksums, compare their names."""

from __future__ import annotations

import hashlib
import os
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

PRIVATE = 0o600
PUBLIC = 0o666


@contextmanager
def replacing(*paths: Path, private: bool = False) -> Iterator[list[Path]]:
    """Give empty files to write to, which replace `paths` together when the context is left.

    Every file is flushed to disk before the first is renamed, so a kill or a power cut leaves
    each name with its old or its new content. After an exception nothing is replaced.

    Parameters
    ----------
    *paths
        The files to replace; missing folders are created.
    private
        Whether only the owner of the process may read the new files.

    Yields
    ------
    list of Path
        The files to write instead, one for each of `paths`.

    Raises
    ------
    OSError
        If a file cannot be written; `filename` is the path to replace.
    """
    parts = [path.with_name(f".{path.name}.part") for path in paths]
    try:
        for part, path in zip(parts, paths, strict=True):
            with _named(path):
                path.parent.mkdir(parents=True, exist_ok=True)
                part.unlink(missing_ok=True)
                mode = PRIVATE if private else PUBLIC
                os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode))
        yield parts
        for part in parts:
            with part.open("rb+") as file:
                os.fsync(file.fileno())
        for part, path in zip(parts, paths, strict=True):
            with _named(path):
                part.replace(path)
    finally:
        for part in parts:
            if part.is_file():
                part.unlink()


def write_atomically(path: Path, content: bytes | str, private: bool = False) -> None:
    """Replace a file in one step; text is written as UTF-8.

    What stands in paths for bytes that are no UTF-8 becomes escapes, which JSON reads back.

    Raises
    ------
    OSError
        If it cannot be written; then the old file is unchanged.
    """
    with replacing(path, private=private) as (part,):
        if isinstance(content, str):
            content = content.encode(errors="backslashreplace")
        part.write_bytes(content)


def composed(name: str) -> str:
    """Return a name in Unicode form NFC: macOS stores accents as characters of their own."""
    return unicodedata.normalize("NFC", name)


def comparable_name(name: str) -> str:
    """Return a file name in a form that is equal for names which some file system identifies.

    macOS stores accents as separate characters; Windows ignores case.
    """
    return composed(name).casefold()


def sha256(*paths: Path) -> str:
    """Return the SHA-256 of the content of one file, or of several one after the other, in hex.

    Within a process a file is read again only after its size or modification time has changed.

    Raises
    ------
    OSError
        If a file cannot be read.
    """
    return _sha256(tuple(_state(path) for path in paths))


def folder_sha256(folder: Path, most: int) -> str:
    """Return a SHA-256 of names and contents of all files in a folder and the folders in it.

    Hidden files and what Python compiles are left out. "" if there are more files than `most`, or
    if one cannot be read.
    """
    found: list[Path] = []
    for root, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not _is_passed_over(name)]
        found += [Path(root, name) for name in names if not _is_passed_over(name)]
        if len(found) > most:
            return ""
    try:
        return listing_sha256(folder, sorted(path for path in found if path.is_file()))
    except OSError:
        return ""


def listing_sha256(
    folder: Path, paths: Iterable[Path], content: Callable[[Path], str] = sha256
) -> str:
    """Return a SHA-256 of names and contents of files in a folder: that of what `sha256sum` prints.

    content: returns the SHA-256 of a file.
    """
    lines = [f"{content(path)}  {path.relative_to(folder).as_posix()}\n" for path in paths]
    return hashlib.sha256("".join(lines).encode(errors="surrogateescape")).hexdigest()


def _is_passed_over(name: str) -> bool:
    return name.startswith(".") or name == "__pycache__"


def shortest_names(paths: Iterable[Path]) -> dict[Path, str]:
    """Return the name of each path, with as many of its folders as tell it from the others."""
    names = {path: path.name for path in paths}
    depth = 1
    while len(set(names.values())) < len(names):
        depth += 1
        often = Counter(names.values())
        for path, name in names.items():
            if often[name] > 1:
                names[path] = Path(*path.parts[-depth:]).as_posix()
    return names


def _state(path: Path) -> tuple[str, int, int]:
    state = path.stat()
    return str(path.resolve()), state.st_size, state.st_mtime_ns


@cache
def _sha256(states: tuple[tuple[str, int, int], ...]) -> str:
    digest = hashlib.sha256()
    for path, _, _ in states:
        with Path(path).open("rb") as file:
            hashlib.file_digest(file, lambda: digest)
    return digest.hexdigest()


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Let an OSError name the file to replace, not its temporary file."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
