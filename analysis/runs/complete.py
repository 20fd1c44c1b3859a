"""Whether a run folder has what its scores.csv promises: lines of the journal, and pictures."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from analysis.runs.origins import JOURNAL, Record, Slot, journal
from analysis.runs.run import Run
from methods.base import Resolution
from methods.errors import InputError
from methods.labels import REFERENCE
from methods.shown_text import counted

_AGAIN = "the benchmark's command of that run makes it again"
# How many names of what is left out are told.
_MOST_NAMED = 5


def recorded(folder: Path, cases: Iterable[Slot]) -> dict[Slot, Record]:
    """Return the journal's last line about each case and input.

    Raises InputError if it lacks one of the cases, which were all run, is damaged or not there.
    """
    try:
        latest = dict(journal(folder / JOURNAL))
    except OSError as error:
        raise InputError(f"{error.filename}: {error.strerror}; is {folder} a run folder?") from None
    found = {slot: record for slot, record in latest.items() if record["key"] is not None}
    for slot in cases:
        if "row" not in found.get(slot, {}):
            raise lacks(folder, slot)
    return found


def lacks(folder: Path, slot: Slot) -> InputError:
    """Return the error for a case or input that the journal does not have."""
    return InputError(
        f"{folder}: its journal {JOURNAL} lacks {slot[0]}, {slot[1]}, {slot[2]}, which scores.csv "
        "has: give the benchmark's command again, which goes on with it"
    )


def check_pictures(run: Run, resolution: Resolution) -> None:
    """Raise InputError if a result at a size, or its reference or mask, is not there."""
    for case in run.cases:
        if case.status == "ok" and case.resolution == resolution:
            for path in (
                run.image_path(case.method, resolution, case.image),
                run.image_path(REFERENCE, resolution, case.image),
                run.mask_path(resolution, case.image),
            ):
                if not path.exists():
                    raise lost(path)


def without_pictures(run: Run, resolution: Resolution) -> list[str]:
    """Return sentences on what figures and pages leave out, because its files are not there."""
    done = [case for case in run.cases if case.status == "ok" and case.resolution == resolution]
    images = list(dict.fromkeys(case.image for case in done))
    without_inputs = [
        image
        for image in images
        if not run.image_path(REFERENCE, resolution, image).exists()
        or not run.mask_path(resolution, image).exists()
    ]
    shown = set(images).difference(without_inputs)
    results = [
        f"{case.method} on {case.image}"
        for case in done
        if case.image in shown and not run.image_path(case.method, resolution, case.image).exists()
    ]
    told = []
    if without_inputs:
        told.append(
            f"{len(without_inputs)} of {counted(len(images), 'photograph')} "
            f"({_some(without_inputs)}): no file in outputs/{resolution}/{REFERENCE} or "
            f"masks/{resolution}"
        )
    if results:
        told.append(
            f"{len(results)} of {counted(len(done), 'result')} ({_some(results)}): no file in "
            f"outputs/{resolution}"
        )
    return [f"Figures and gallery leave out {what}; {_AGAIN}" for what in told]


def _some(names: list[str]) -> str:
    return ", ".join(names[:_MOST_NAMED]) + (", ..." if len(names) > _MOST_NAMED else "")


def lost(path: Path) -> InputError:
    """Return the error for a picture of a finished case that is not there."""
    return InputError(f"{path}: no such file, though scores.csv has its case: {_AGAIN}")
