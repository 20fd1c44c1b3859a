"""A run folder as merging reads it: what its tables show, with the journal's lines about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from analysis.runs import complete, run
from analysis.runs.csv_files import csv_rows
from analysis.runs.origins import Record, Slot, check_provenance
from analysis.runs.run import CASE_COLUMNS, Run
from methods.base import Resolution
from methods.errors import InputError
from methods.labels import REFERENCE
from methods.resolutions import NATIVE
from methods.shown_text import visible

SKIPPED = "skipped"
Row = dict[str, str]


@dataclass(frozen=True)
class Source:
    """One of the runs; labels of methods are those after renaming."""

    # For messages and merged.json, unique among the sources.
    name: str
    run: Run
    # Label in the run's own files -> label, where that is another one.
    renames: Mapping[str, str]
    # Rows of scores.csv as text, and of audit.csv.
    rows: dict[Slot, Row]
    audit: list[Row]
    # Lines of the journal about these rows, and about the references.
    records: dict[Slot, Record]
    # How many cases the journal has that tables do not show.
    not_shown: int

    @property
    def path(self) -> Path:
        return self.run.path

    @property
    def info(self) -> dict[str, Any]:
        return self.run.info

    @property
    def images(self) -> dict[str, dict[str, Any]]:
        """Entry of run.json of each image, by name."""
        return {image["name"]: image for image in self.info["dataset"]["images"]}

    @property
    def methods(self) -> dict[str, dict[str, Any]]:
        """Entry of run.json of each method, by label."""
        return {
            label: {**entry, "label": label}
            for entry in self.info["methods"]
            for label in [self.renames.get(entry["label"], entry["label"])]
        }

    def computed(self, label: str) -> bool:
        """Return whether a method has a case that was run, with or without success."""
        return any(slot[0] == label and is_run(row) for slot, row in self.rows.items())

    def own_label(self, label: str) -> str:
        """Return what a method is called in the run's own files."""
        return next((old for old, new in self.renames.items() if new == label), label)

    def result_path(self, slot: Slot) -> Path:
        """Return the file of a result or reference."""
        method, resolution, image = slot
        return self.run.image_path(self.own_label(method), resolution, image)


def is_run(row: Row) -> bool:
    """Return whether a row is of a case that was run; the others have no line in the journal."""
    return row["status"] != SKIPPED


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep the benchmark from changing a run folder meanwhile.

    Raises InputError if a run is using it.
    """
    lock = FileLock(path / ".lock")
    # A folder that is only to be read was made by somebody else, and nothing runs into it.
    if not (path / ".lock").exists():
        yield
        return
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise InputError(f"{path} is in use by a run: wait for it to end, or stop it") from None
    except OSError:
        pass
    try:
        yield
    finally:
        lock.release()


def read(path: Path, name: str, renames: Mapping[str, str]) -> Source:
    """Read a run folder.

    Raises InputError if it is not a run folder, a file is damaged or names a file outside of it, or
    the journal lacks a case.

    Parameters
    ----------
    renames
        Label of a method -> its label in the merged run.
    """
    loaded = run.load(path)
    check_provenance(loaded.info, path / "run.json")
    try:
        rows = {_slot(row): row for _, row in csv_rows(path / "scores.csv", CASE_COLUMNS)}
    except OSError as error:
        raise InputError(f"{error.filename}: {error.strerror}; is {path} a run folder?") from None
    _check_names(loaded, rows)
    recorded = complete.recorded(path, (slot for slot, row in rows.items() if is_run(row)))
    inputs = {(REFERENCE, size, image) for size in loaded.resolutions for image in loaded.images}
    shown = {slot: record for slot, record in recorded.items() if slot in rows or slot in inputs}
    return Source(
        name,
        loaded,
        renames,
        {_renamed(slot, renames): _with_method(row, renames) for slot, row in rows.items()},
        [_with_method(row, renames) for row in loaded.audit],
        {_renamed(slot, renames): record for slot, record in shown.items()},
        sum("row" in record for record in recorded.values()) - sum(map(is_run, rows.values())),
    )


def origin_names(sources: Sequence[Source]) -> dict[str, dict[str, str]]:
    """Return, by source, its own origins' names -> names that are unique among all of them."""
    taken: dict[str, Any] = {source.name: None for source in sources}
    names: dict[str, dict[str, str]] = {}
    for source in sources:
        own = names[source.name] = {}
        for name, about in source.run.origins.runs.items():
            unique = name if taken.setdefault(name, about) == about else f"{source.name}/{name}"
            own[name] = unique
    return names


def origins_of(source: Source) -> dict[Slot, str]:
    """Return where the cases of a run that was itself merged come from, by label as renamed."""
    of_case = source.run.origins.of_case
    return {_renamed(slot, source.renames): name for slot, name in of_case.items()}


def _slot(row: Row) -> Slot:
    size: Resolution = NATIVE if row["resolution"] == NATIVE else int(row["resolution"])
    return row["method"], size, row["image"]


def _renamed(slot: Slot, renames: Mapping[str, str]) -> Slot:
    return renames.get(slot[0], slot[0]), slot[1], slot[2]


def _with_method(row: Row, renames: Mapping[str, str]) -> Row:
    return {**row, "method": renames.get(row["method"], row["method"])}


def _check_names(loaded: Run, rows: Mapping[Slot, Row]) -> None:
    """Raise InputError for a name that would lead out of the folder, or is not in run.json."""
    for name in [*loaded.methods, *loaded.images]:
        if name in {"", ".", ".."} or any(sign in name for sign in "/\\\0"):
            raise InputError(
                f"{loaded.path}: {visible(name)!r} in run.json cannot be the name of a file"
            )
    cells = set(product(loaded.methods, loaded.resolutions, loaded.images))
    for slot in rows:
        if slot not in cells:
            raise InputError(
                f"{loaded.path}: run.json lacks {visible(', '.join(map(str, slot)))}, which "
                "scores.csv has: give the benchmark's command again, which writes both anew"
            )
