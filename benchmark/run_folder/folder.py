"""The run folder on disk: its paths, its lock and what its journal says about finished cases.

The journal `cases.jsonl` has one line for every input written and every case finished. The last
line about a slot says what is on disk; scores.csv and the tables are derived from it.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import sys
import threading
from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from benchmark.run_folder.journal import Journal
from benchmark.run_folder.rows import Row, Slot
from methods.base import Resolution
from methods.errors import InputError
from methods.files import write_atomically
from methods.labels import REFERENCE, folder_name


def key_of(identity: Any) -> str:
    """Return a fingerprint of a JSON-serialisable value, 32 hexadecimal digits."""
    canonical = json.dumps(identity, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:32]


def read_run_json(folder: Path) -> dict[str, Any]:
    """Return the content of a folder's run.json, empty if there is none that can be read."""
    try:
        info = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return info if isinstance(info, dict) else {}


def write_run_json(folder: Path, info: dict[str, Any]) -> None:
    """Write a folder's run.json. Raises OSError."""
    text = json.dumps(info, indent=2, ensure_ascii=False) + "\n"
    write_atomically(folder / "run.json", text)


def damaged(result: Path) -> InputError:
    """Return the error for a stored result that cannot be read."""
    return InputError(f"{result} is damaged: delete it, and the same command runs its case again")


class RunFolder:
    """Paths and journal of a run folder, see `open_run_folder`.

    Raises InputError if the journal is damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._journal = Journal(path / "cases.jsonl")
        # Cases are recorded and forgotten by several threads.
        self._lock = threading.RLock()
        self._latest: dict[Slot, tuple[str, str, Row | None]] = {}
        self._journal.read(self._take)

    @property
    def recorded(self) -> Mapping[Slot, tuple[str, str, Row | None]]:
        """Key, key of the scores and row of each finished case; inputs have a key only."""
        return self._latest

    def result_path(self, method: str, resolution: Resolution, image: str) -> Path:
        return self.path / f"outputs/{resolution}/{folder_name(method)}/{image}.png"

    def mask_path(self, resolution: Resolution, image: str) -> Path:
        return self.path / f"masks/{resolution}/{image}.png"

    def log_path(self, method: str, resolution: Resolution, image: str) -> Path:
        return self.path / f"logs/{resolution}/{folder_name(method)}/{image}.txt"

    def has_input(self, resolution: Resolution, image: str, key: str) -> bool:
        """Return whether reference and mask with this input key are on disk."""
        slot = (REFERENCE, resolution, image)
        recorded_key, *_ = self._latest.get(slot, ("", "", None))
        files = (self.result_path(*slot), self.mask_path(resolution, image))
        return recorded_key == key and all(path.exists() for path in files)

    def finished(
        self, slot: Slot, key: str, exists: Callable[[Path], bool] = Path.exists
    ) -> tuple[Row, str] | None:
        """Return row and score key of a case that was finished under this key, or None."""
        recorded_key, score_key, row = self._latest.get(slot, ("", "", None))
        if row is None or recorded_key != key:
            return None
        if row.status == "ok" and not exists(self.result_path(*slot)):
            return None
        return row, score_key

    def record_input(self, resolution: Resolution, image: str, key: str) -> None:
        """Record that reference and mask are on disk. Raises OSError."""
        slot = (REFERENCE, resolution, image)
        with self._lock:
            self._journal.append({"slot": slot, "key": key})
            self._latest[slot] = (key, "", None)

    def record_case(self, row: Row, key: str, score_key: str) -> None:
        """Record that a case is finished and its files are on disk. Raises OSError."""
        record = {"slot": row.slot, "key": key, "score_key": score_key, "row": asdict(row)}
        with self._lock:
            self._journal.append(record)
            self._latest[row.slot] = (key, score_key, row)

    def forget(self, slot: Slot) -> None:
        """Record that the files of a slot are about to be replaced. Raises OSError.

        Otherwise a kill between the new file and its record would leave it under the old key.
        """
        with self._lock:
            if slot in self._latest:
                self._journal.append({"slot": slot, "key": None})
                del self._latest[slot]

    def forget_image(
        self, resolution: Resolution, image: str, input_key: str, current: Container[str]
    ) -> None:
        """Record that reference and mask are about to be written. Raises OSError.

        Where they are others than before, results that were computed from these are removed: all
        whose keys are not `current`.
        """
        reference = (REFERENCE, resolution, image)
        with self._lock:
            recorded_key, *_ = self._latest.get(reference, (None,))
            if recorded_key not in (None, input_key):
                for method in {slot[0] for slot in self._latest} - {REFERENCE}:
                    slot = (method, resolution, image)
                    if slot in self._latest and self._latest[slot][0] not in current:
                        self.remove(slot)
            self.forget(reference)

    def remove(self, slot: Slot) -> None:
        """Forget a case and remove its files. Raises OSError."""
        self.forget(slot)
        for path in (self.result_path(*slot), self.log_path(*slot)):
            path.unlink(missing_ok=True)

    def clear(self) -> None:
        """Remove all inputs, results and records. Raises OSError."""
        with self._lock:
            for name in ("outputs", "masks", "logs"):
                shutil.rmtree(self.path / name, ignore_errors=True)
            self._journal.clear()
            self._latest.clear()

    def _take(self, record: dict[str, Any]) -> None:
        method, resolution, image = record["slot"]
        # Names occur in very many lines: store each once.
        slot = sys.intern(method), resolution, sys.intern(image)
        if record["key"] is None:
            self._latest.pop(slot, None)
        elif "row" in record:
            row = Row(**{**record["row"], "method": slot[0], "image": slot[2]})
            self._latest[slot] = (record["key"], record["score_key"], row)
        else:
            self._latest[slot] = (record["key"], "", None)


class Listings:
    """Checks whether files exist by listing each folder once.

    On a network file system, checking 100,000 files one by one takes minutes. Use it for files in
    the order of their folders, while nothing is written there.
    """

    def __init__(self) -> None:
        self._names = lru_cache(maxsize=2)(_files)

    def __call__(self, path: Path) -> bool:
        folder, name = os.path.split(path)
        # Some file systems list a name in another Unicode normalisation than it was created with.
        return name in self._names(folder) or path.exists()


def _files(folder: str) -> set[str]:
    try:
        with os.scandir(folder) as entries:
            return {entry.name for entry in entries}
    except FileNotFoundError:
        return set()


@contextmanager
def open_run_folder(path: Path) -> Iterator[RunFolder]:
    """Create or reopen a run folder and lock it.

    Raises
    ------
    InputError
        If the path is something else, is not writable, is locked by another process, or its
        journal is damaged; or for an OSError of what is done with it.
    """
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
        yield RunFolder(path)
    except OSError as error:
        raise unusable(error, path) from error
    finally:
        lock.release()


def unusable(error: OSError, folder: Path) -> InputError:
    """Return what to tell about a file of a run that cannot be written or read.

    Parameters
    ----------
    folder
        The run folder, for an error that does not name its file.
    """
    needed = "free space or permissions are needed"
    if error.errno == errno.EINVAL:
        # Disks of Windows know no names with ? or <, and none that end in a point.
        needed = "the disk refuses the name: rename the method, or choose another disk"
    return InputError(
        f"{error.filename or folder} cannot be written or read ({error.strerror or error}): "
        f"{needed}; finished cases are kept, the same command goes on"
    )
