"""The run folder: what is on disk, append-safe and resumable.

`cases.jsonl` is the journal: one line for every input written and every case finished, in the
order in which it happened. The last line about a slot (a case's place in the folder) tells what
lies there. Everything else (scores.csv, tables) is made from it.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from benchmark.errors import InputError
from methods.images import write_atomically

REFERENCE = "reference"

Slot = tuple[str, int, str]


@dataclass(frozen=True)
class Row:
    """One case as it stands in scores.csv. status: ok, skipped, failed, timeout or
    out_of_memory; seconds of the method alone; memory in MB (2**20 bytes)."""

    method: str
    resolution: int
    image: str
    status: str
    scores: dict[str, float] = field(default_factory=dict)
    known_pixels_changed: int | None = None
    seconds: float | None = None
    peak_memory_mb: float | None = None
    peak_cuda_memory_mb: float | None = None
    error: str = ""
    # Whether changed known pixels were left as they came (results made elsewhere).
    scored_as_given: bool = False

    @property
    def slot(self) -> Slot:
        return self.method, self.resolution, self.image


def key_of(identity: Any) -> str:
    """A short fingerprint of anything JSON can hold."""
    canonical = json.dumps(identity, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:32]


def folder_name(method: str) -> str:
    """A method's name as a folder name."""
    return method.replace(":", "_")


class RunFolder:
    """Paths and journal of `results/<run>`. One process at a time holds it (see `opened`)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._journal = path / "cases.jsonl"
        self._lock = threading.Lock()
        self._latest: dict[Slot, dict[str, Any]] = {}

    def result_path(self, method: str, resolution: int, image: str) -> Path:
        return self.path / "outputs" / str(resolution) / folder_name(method) / f"{image}.png"

    def mask_path(self, resolution: int, image: str) -> Path:
        return self.path / "masks" / str(resolution) / f"{image}.png"

    def log_path(self, method: str, resolution: int, image: str) -> Path:
        return self.path / "logs" / str(resolution) / folder_name(method) / f"{image}.txt"

    def has_input(self, resolution: int, image: str, key: str) -> bool:
        """Whether reference and mask made from just these inputs are on disk."""
        record = self._latest.get((REFERENCE, resolution, image))
        return (
            record is not None
            and record["key"] == key
            and self.result_path(REFERENCE, resolution, image).exists()
            and self.mask_path(resolution, image).exists()
        )

    def finished(self, slot: Slot, key: str) -> tuple[Row, str] | None:
        """The row of a case that was finished under this key, and the key of its scores."""
        record = self._latest.get(slot)
        if record is None or record["key"] != key:
            return None
        row = Row(**record["row"])
        if row.status == "ok" and not self.result_path(*slot).exists():
            return None
        return row, record["score_key"]

    def record_input(self, resolution: int, image: str, key: str) -> None:
        self._append((REFERENCE, resolution, image), {"key": key})

    def record_case(self, row: Row, key: str, score_key: str) -> None:
        content = {name.name: getattr(row, name.name) for name in fields(row)}
        self._append(row.slot, {"key": key, "score_key": score_key, "row": content})

    def forget(self, slot: Slot) -> None:
        """Say that what lies in a slot is about to be replaced, so that a kill between the file
        and its line cannot pass the new file off as the old case."""
        if self._latest.get(slot, {}).get("key"):
            self._append(slot, {"key": None})

    def read_journal(self) -> None:
        """Load what is finished; a line cut short by a kill is dropped from the file."""
        if not self._journal.exists():
            return
        content = self._journal.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) < len(content):
            os.truncate(self._journal, len(whole))
        for number, line in enumerate(whole.splitlines(), 1):
            try:
                record = json.loads(line)
                self._latest[tuple(record.pop("slot"))] = record
            except (ValueError, KeyError, AttributeError):
                raise InputError(
                    f"{self._journal} line {number} is damaged: remove that line (its case is "
                    "run again) or choose another --out"
                ) from None

    def _append(self, slot: Slot, record: dict[str, Any]) -> None:
        line = json.dumps({"slot": slot, **record}) + "\n"
        with self._lock, self._journal.open("ab") as file:
            size = file.tell()
            try:
                file.write(line.encode())
                file.flush()
                os.fsync(file.fileno())
            except OSError:
                # A disk that fills up in mid-line must not leave half a line for the next one.
                os.truncate(self._journal, size)
                raise
            self._latest[slot] = record


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


def scores_csv(rows: Iterable[Row], metrics: list[str]) -> str:
    """The text of scores.csv: a row per case, sorted by method, resolution and image.

    metrics: columns after l1, psnr and ssim. Empty = not measured; floats are the shortest text
    that reads back to the same number."""
    extra = [name for name in metrics if name not in {"l1", "psnr", "ssim"}]
    text = io.StringIO()
    writer: csv.DictWriter[str] = csv.DictWriter(
        text, [*_BEFORE, "l1", "psnr", "ssim", *extra, *_AFTER], restval="", lineterminator="\n"
    )
    writer.writeheader()
    for row in sorted(rows, key=lambda row: row.slot):
        measured = {
            "known_pixels_changed": _text(row.known_pixels_changed),
            "scored_as_given": _text(int(row.scored_as_given)) if row.status == "ok" else "",
            "peak_cuda_memory_mb": _text(row.peak_cuda_memory_mb, 1),
            "seconds": _text(row.seconds, 3),
            "peak_memory_mb": _text(row.peak_memory_mb, 1),
        }
        scores = {name: _text(value) for name, value in row.scores.items()}
        case = {name: getattr(row, name) for name in (*_BEFORE, "error")}
        writer.writerow(case | scores | measured)
    return text.getvalue()


_BEFORE = ("method", "resolution", "image", "status")
_AFTER = (
    "known_pixels_changed",
    "scored_as_given",
    "peak_cuda_memory_mb",
    "seconds",
    "peak_memory_mb",
    "error",
)


def _text(value: float | None, decimals: int | None = None) -> str:
    if value is None:
        return ""
    return repr(value) if decimals is None else f"{value:.{decimals}f}"
