"""The journal: a JSON record a line, on disk before `append` returns, read back after any kill."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from methods.errors import InputError


@dataclass
class _Group:
    """Lines that go to disk together."""

    lines: list[bytes] = field(default_factory=list)
    written: bool = False
    error: OSError | None = None


class Journal:
    """Records of one file. `append` may be called from several threads; what comes while the
    disk is busy is written together, so that a slow disk does not slow the run."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._gate = threading.Lock()
        self._disk = threading.Lock()
        self._waiting = _Group()

    def read(self, take: Callable[[dict[str, Any]], None]) -> None:
        """Hand every record to `take`; a line cut short by a kill is dropped from the file.

        Raises InputError that names a line which is no record or which `take` refuses with
        ValueError, KeyError, TypeError or AttributeError."""
        if not self._path.exists():
            return
        whole = 0
        with self._path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if not line.endswith(b"\n"):
                    os.truncate(self._path, whole)
                    return
                whole += len(line)
                try:
                    take(json.loads(line))
                except (ValueError, KeyError, TypeError, AttributeError):
                    raise InputError(
                        f"{self._path} line {number} is damaged: remove that line (its case is "
                        "run again) or choose another --out"
                    ) from None

    def append(self, record: dict[str, Any]) -> None:
        """Return when the record is on disk. Raises OSError; nothing of it is in the file then."""
        line = (json.dumps(record) + "\n").encode()
        with self._gate:
            group = self._waiting
            group.lines.append(line)
        with self._disk:
            # Whoever came first has written for all who were waiting.
            if not group.written:
                self._write(group)
        if group.error:
            # A copy: an exception belongs to the thread that raises it.
            raise OSError(group.error.errno, group.error.strerror, str(self._path))

    def _write(self, group: _Group) -> None:
        with self._gate:
            self._waiting = _Group()
        try:
            _append(self._path, b"".join(group.lines))
        except OSError as error:
            group.error = error
        group.written = True


def _append(path: Path, content: bytes) -> None:
    """All of `content` or nothing. Unbuffered, as a buffer would write its rest on closing."""
    with path.open("ab", buffering=0) as file:
        size = file.tell()
        try:
            rest = memoryview(content)
            while rest:
                rest = rest[file.write(rest) :]
            os.fsync(file.fileno())
        except BaseException:
            # A disk that fills up in mid-line must not leave half a line for the next one.
            os.truncate(path, size)
            raise
