"""Where the cases of a merged run folder were computed: merged.json, and the journal's lines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from methods.base import Resolution
from methods.errors import InputError

FILE_NAME = "merged.json"
JOURNAL = "cases.jsonl"
# Name in a journal's line of the run that its case comes from.
FIELD = "run"

# What pages and tables say about where a run was computed.
_PROVENANCE = ("suite", "command", "written", "machine", "workers", "threads")

# Method label, resolution, image name.
Slot = tuple[str, Resolution, str]
Record = dict[str, Any]


@dataclass(frozen=True)
class Origins:
    """The runs that were merged, by name, and the name of each case's run.

    Cases that were run in the merged folder afterwards have none.
    """

    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    of_case: dict[Slot, str] = field(default_factory=dict)


def read(folder: Path) -> Origins:
    """Read a run folder's origins; empty if it was not merged.

    Raises
    ------
    InputError
        If merged.json or the journal is damaged.
    OSError
        If one cannot be read.
    """
    path = folder / FILE_NAME
    if not path.exists():
        return Origins()
    try:
        runs = dict(json.loads(path.read_text(encoding="utf-8"))["runs"])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} is damaged ({error}): merge the runs again") from None
    for about in runs.values():
        check_provenance(about, path)
    return Origins(runs, _of_cases(folder / JOURNAL))


def check_provenance(about: Record, path: Path) -> None:
    """Raise InputError if a run's entries, which `path` has, do not say how it was computed."""
    lacking = [name for name in _PROVENANCE if name not in about]
    if lacking or "processor" not in about["machine"]:
        raise InputError(
            f"{path} lacks {', '.join(lacking) or 'the processor'}: give the command that wrote it "
            "again, which writes it anew"
        )


def _of_cases(path: Path) -> dict[Slot, str]:
    """Return the run of each case that has not been run again since."""
    found: dict[Slot, str] = {}
    keys: dict[Slot, str | None] = {}
    for slot, record in journal(path):
        if FIELD in record:
            found[slot] = record[FIELD]
        elif record["key"] != keys.get(slot):
            # The line of a result that is only scored again has the key of before.
            found.pop(slot, None)
        keys[slot] = record["key"]
    return found


def journal(path: Path) -> Iterator[tuple[Slot, Record]]:
    """Yield slot and content of each line of a journal; a last line that a kill cut short is none.

    Raises
    ------
    InputError
        If a line is damaged.
    OSError
        If the file cannot be read.
    """
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.endswith(b"\n"):
                return
            try:
                record = json.loads(line)
                method, resolution, image = record["slot"]
                slot = str(method), resolution, str(image)
                _ = record["key"], hash(slot)
            except (ValueError, KeyError, TypeError):
                raise InputError(
                    f"{path} line {number} is damaged: remove that line (its case is run again)"
                ) from None
            yield slot, record
