"""The run folder: what is on disk, append-safe and resumable.

`cases.jsonl` is the journal: one line for every input written and every case finished, in the
order in which it happened. The last line about a slot (a case's place in the folder) tells what
lies there. Everything else (scores.csv, tables) is made from it.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from functools import lru_cache
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from benchmark.run_folder.journal import Journal
from benchmark.run_folder.rows import PackedSlots, Row, Slot, content_of
from methods.errors import InputError
from methods.files import write_atomically

REFERENCE = "reference"


def key_of(identity: Any) -> str:
    """A short fingerprint of anything JSON can hold."""
    canonical = json.dumps(identity, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:32]


def folder_name(method: str) -> str:
    """A method's name as a folder name."""
    return method.replace(":", "_")


def damaged(result: Path) -> InputError:
    """Of a result in a run folder that cannot be read."""
    return InputError(f"{result} is damaged: delete it, and the same command runs its case again")


class RunFolder:
    """Paths and journal of `results/<run>`. One process at a time holds it (see `opened`)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._journal = Journal(path / "cases.jsonl")
        # What lies in a slot: key, and for cases the scores' key and the rest of the row.
        self._latest = PackedSlots()

    def result_path(self, method: str, resolution: int, image: str) -> Path:
        return self.path / f"outputs/{resolution}/{folder_name(method)}/{image}.png"

    def mask_path(self, resolution: int, image: str) -> Path:
        return self.path / f"masks/{resolution}/{image}.png"

    def log_path(self, method: str, resolution: int, image: str) -> Path:
        return self.path / f"logs/{resolution}/{folder_name(method)}/{image}.txt"

    def has_input(self, resolution: int, image: str, key: str) -> bool:
        """Whether reference and mask made from just these inputs are on disk."""
        record = self._latest.get((REFERENCE, resolution, image))
        return (
            record is not None
            and record[0] == key
            and self.result_path(REFERENCE, resolution, image).exists()
            and self.mask_path(resolution, image).exists()
        )

    def finished(
        self, slot: Slot, key: str, exists: Callable[[Path], bool] = Path.exists
    ) -> tuple[Row, str] | None:
        """The row of a case that was finished under this key, and the key of its scores.

        exists: whether a result is there, for those who ask about many (see `Listings`)."""
        record = self._latest.get(slot)
        if record is None or record[0] != key:
            return None
        _, score_key, content = record
        row = Row(*slot, *content)
        if row.status == "ok" and not exists(self.result_path(*slot)):
            return None
        return row, score_key

    def record_input(self, resolution: int, image: str, key: str) -> None:
        slot = (REFERENCE, resolution, image)
        self._journal.append({"slot": slot, "key": key})
        self._latest[slot] = (key,)

    def record_case(self, row: Row, key: str, score_key: str) -> None:
        content = {item.name: getattr(row, item.name) for item in fields(row)}
        record = {"slot": row.slot, "key": key, "score_key": score_key, "row": content}
        self._journal.append(record)
        self._latest[row.slot] = (key, score_key, content_of(row))

    def forget(self, slot: Slot) -> None:
        """Say that what lies in a slot is about to be replaced, so that a kill between the file
        and its line cannot pass the new file off as the old case."""
        if slot in self._latest:
            self._journal.append({"slot": slot, "key": None})
            del self._latest[slot]

    def read_journal(self) -> None:
        """Load what is finished; a line cut short by a kill is dropped from the file."""
        self._journal.read(self._take)

    def _take(self, record: dict[str, Any]) -> None:
        method, resolution, image = record["slot"]
        # Names are in very many lines and kept once.
        slot = sys.intern(method), resolution, sys.intern(image)
        if record["key"] is None:
            self._latest.pop(slot, None)
        elif "row" in record:
            row = Row(**record["row"])
            self._latest[slot] = record["key"], record["score_key"], content_of(row)
        else:
            self._latest[slot] = (record["key"],)


class Listings:
    """Whether files exist, by reading each folder once: on a network file system asking for a
    hundred thousand files one by one takes minutes. For questions in the order of folders, while
    nobody writes there."""

    def __init__(self) -> None:
        self._names = lru_cache(maxsize=2)(_files)

    def __call__(self, path: Path) -> bool:
        folder, name = os.path.split(path)
        # Some file systems list a name in another spelling (of accents, say) than it was given.
        return name in self._names(folder) or path.exists()


def _files(folder: str) -> set[str]:
    try:
        with os.scandir(folder) as entries:
            return {entry.name for entry in entries if entry.is_file()}
    except FileNotFoundError:
        return set()


@contextmanager
def opened(path: Path) -> Iterator[RunFolder]:
    """Create or reopen a run folder and hold it. Raises InputError when it is something else,
    cannot be written, or another process holds it."""
    if path.exists() and not path.is_dir():
        raise InputError(f"{path} is a file; choose another folder with --out")
    ours = any((path / name).exists() for name in (".lock", "run.json", "cases.jsonl"))
    if path.is_dir() and any(path.iterdir()) and not ours:
        raise InputError(f"{path} is not empty and not a run folder; choose another with --out")
    lock = FileLock(path / ".lock")
    try:
        path.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
        write_atomically(path / ".writable", b"")
        (path / ".writable").unlink()
    except Timeout:
        raise InputError(
            f"{path} is in use by another run; wait for it to end or choose another --out"
        ) from None
    except OSError as error:
        raise InputError(
            f"{path} cannot be written ({error.strerror}); choose another folder with --out"
        ) from None
    try:
        folder = RunFolder(path)
        folder.read_journal()
        yield folder
    finally:
        lock.release()
