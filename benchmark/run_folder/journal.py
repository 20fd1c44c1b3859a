"""An append-only file of JSON records, one per line, that survives a kill at any moment."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from methods.errors import InputError


class Journal:
    """The records of one file; `append` may be called from several threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def read(self, take: Callable[[dict[str, Any]], None]) -> None:
        """Pass every record to `take`; remove a last line that a kill has cut short.

        Raises InputError if a line is not JSON, or `take` cannot use it.
        """
        if not self._path.exists():
            return
        complete_bytes = 0
        with self._path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if not line.endswith(b"\n"):
                    os.truncate(self._path, complete_bytes)
                    return
                complete_bytes += len(line)
                try:
                    take(json.loads(line))
                except (ValueError, KeyError, TypeError, AttributeError):
                    raise InputError(
                        f"{self._path} line {number} is damaged: remove that line (its case is "
                        "run again) or choose another --out"
                    ) from None

    def clear(self) -> None:
        """Remove all records. Raises OSError."""
        self._path.unlink(missing_ok=True)

    def append(self, record: dict[str, Any]) -> None:
        """Write a record and return when it is on disk.

        Raises OSError if it cannot be written; the file is unchanged then.
        """
        line = (json.dumps(record) + "\n").encode()
        try:
            with self._lock:
                self._write(line)
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self._path)) from None

    def _write(self, line: bytes) -> None:
        # Unbuffered: a buffer would write its remainder on closing, after the truncation.
        with self._path.open("ab", buffering=0) as file:
            size = file.tell()
            try:
                rest = memoryview(line)
                while rest:
                    rest = rest[file.write(rest) :]
                os.fsync(file.fileno())
            except BaseException:
                # A disk that fills up within a line must not leave half of it.
                os.truncate(self._path, size)
                raise
