"""Methods of earlier commands in a run folder, whose finished cases stay in tables and report."""

from __future__ import annotations

import csv
import shutil
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from benchmark.inputs.description import Dataset
from benchmark.inputs.photos import Photo
from benchmark.inputs.protocol import Protocol
from benchmark.planning.method_specs import MethodSpec
from benchmark.planning.plan import Case, Plan, input_keys, score_key
from benchmark.planning.request import Job
from benchmark.run_folder.folder import RunFolder, open_run_folder, read_run_json, write_run_json
from benchmark.run_folder.rows import Slot
from methods.errors import InputError, suggestion
from methods.files import replacing
from methods.labels import REFERENCE, folder_name, share_folder

AUDIT = "audit.csv"
_REMEDY = "choose another folder with --out, or replace what is there with --overwrite all"


@dataclass(frozen=True)
class KeptMethod:
    """A method that this command does not run: its entry of run.json, and its finished cases."""

    entry: dict[str, Any]
    cases: int  # that are shown
    absent: int  # of those of the command, without a finished case on the same reference
    elsewhere: int  # at other sizes or on other photographs, which are not shown

    @property
    def label(self) -> str:
        return str(self.entry["label"])


def keep(plan: Plan, folder: RunFolder, job: Job) -> list[KeptMethod]:
    """Add the finished cases of methods that a job does not run to its plan; return these methods.

    A case is kept if it is one of the photographs and resolutions of the command, with the same
    reference and mask. Its result is scored again if the protocol's metrics have changed.
    """
    info = read_run_json(folder.path)
    known = [*info.get("not_shown", []), *info.get("methods", [])]
    entries = {entry["label"]: entry for entry in known}
    own = {spec.label for spec in job.specs}
    others = {label: entry for label, entry in entries.items() if label not in own}
    keys = input_keys(job.photos, job.resolutions, job.protocol)
    by_name = {photo.name: photo for photo in job.photos}
    counts, elsewhere = dict.fromkeys(others, 0), dict.fromkeys(others, 0)
    for slot, (key, _, row) in folder.recorded.items():
        label, resolution, image = slot
        if row is None or label not in others:
            continue
        if (resolution, image) not in keys:
            elsewhere[label] += 1
            continue
        own_input, *_ = folder.recorded.get((REFERENCE, resolution, image), ("",))
        finished = folder.finished(slot, key)
        if own_input != keys[resolution, image] or finished is None:
            continue
        counts[label] += 1
        photo = by_name[image]
        scored = score_key(key, job.protocol, photo)
        case = Case(_spec(others[label]), resolution, photo, own_input, key, scored)
        plan.add_finished(case, *finished, folder.has_input(resolution, image, own_input))
    return [
        KeptMethod(entry, counts[label], len(keys) - counts[label], elsewhere[label])
        for label, entry in others.items()
        if counts[label] or elsewhere[label]
    ]


def replaced(folder: RunFolder, job: Job) -> dict[str, list[str]]:
    """Return the images of finished cases of methods that a job does not run, by label, whose
    reference or mask is another one now: the new one replaces it, and these results go."""
    keys = input_keys(job.photos, job.resolutions, job.protocol)
    own = {spec.label for spec in job.specs} | {REFERENCE}
    found: dict[str, list[str]] = {}
    for (label, resolution, image), (_, _, row) in folder.recorded.items():
        before, *_ = folder.recorded.get((REFERENCE, resolution, image), (None,))
        is_replaced = before not in (None, keys.get((resolution, image), before))
        if is_replaced and label not in own and row is not None and row.status == "ok":
            found.setdefault(label, []).append(image)
    return found


def check_folder(job: Job, recorded: Iterable[Slot] = ()) -> bool:
    """Return whether a job's run folder is to be cleared: of another run, with --overwrite all.

    Raises InputError if it holds another run without that option, or if a method's folder is that
    of another method in it.

    Parameters
    ----------
    recorded
        What its journal has, besides the methods of its run.json.
    """
    out = job.request.out
    try:
        _check_same(out, job.protocol, job.dataset, job.photos)
    except InputError:
        if job.request.overwrite != "all":
            raise
        return True
    _check_folders(out, [spec.label for spec in job.specs], recorded)
    return False


def _check_same(out: Path, protocol: Protocol, dataset: Dataset, photos: list[Photo]) -> None:
    """Raise InputError if a run folder belongs to another protocol or another dataset."""
    info = read_run_json(out)
    if not info:
        return
    try:
        earlier = Protocol.model_validate(info["protocol"])
        path, known = info["dataset"]["path"], {i["sha256"] for i in info["dataset"]["images"]}
    except (KeyError, TypeError, ValueError):
        raise InputError(f"{out / 'run.json'} is damaged: {_REMEDY}") from None
    if earlier.input_identity() != protocol.input_identity():
        name = earlier.name if earlier.name != protocol.name else f"{earlier.name}, changed since"
        raise InputError(
            f"{out} holds a run with protocol {name}, whose holes or sizes are not those of "
            f"{protocol.name}: {_REMEDY}"
        )
    if Path(path).resolve() != dataset.path.resolve() and not known & {p.sha256 for p in photos}:
        raise InputError(
            f"{out} holds a run on {path}, which has no photograph in common with {dataset.path}: "
            f"{_REMEDY}"
        )


def _check_folders(out: Path, labels: Iterable[str], recorded: Iterable[Slot]) -> None:
    """Raise InputError if a method's folder is that of another method in a run folder."""
    known = dict.fromkeys([*_labels(read_run_json(out)), *(slot[0] for slot in recorded)])
    for label in labels:
        for other in known:
            if other != label and share_folder(other, label):
                raise InputError(
                    f"{out} holds results of {other!r}, whose folder {folder_name(other)!r} "
                    f'{label!r} would share: rename the method, or --forget "{other}" first'
                )


def count_elsewhere(folder: RunFolder, job: Job) -> dict[str, int]:
    """Return method -> finished cases at other sizes or on other photographs, where there are."""
    shown = {(resolution, photo.name) for resolution in job.resolutions for photo in job.photos}
    slots = [slot for slot, (_, _, row) in folder.recorded.items() if row is not None]
    counts = Counter(slot[0] for slot in slots if slot[1:] not in shown)
    return {spec.label: counts[spec.label] for spec in job.specs if counts[spec.label]}


def _labels(info: dict[str, Any]) -> list[str]:
    return [entry["label"] for name in ("methods", "not_shown") for entry in info.get(name, [])]


def forget(out: Path, labels: list[str]) -> dict[str, int]:
    """Remove methods with their results from a run folder; return how many cases each had.

    Raises InputError if it is not a run folder, or has no such method.
    """
    info = read_run_json(out)
    known = _labels(info)
    if set(known) <= set(labels):
        raise InputError(f"--forget takes out every method: remove the folder {out} instead")
    for label in labels:
        if label not in known:
            what = "not a run folder" if not info else f"no method {label!r} in it"
            raise InputError(f"--forget {label}: {out}: {what}{suggestion(label, known)}")
        for other in set(known) - set(labels):
            if share_folder(other, label):
                raise InputError(
                    f"--forget {label}: its folder is also that of {other!r}, so that it is "
                    f'unknown whose results are there: add --forget "{other}"'
                )
    with open_run_folder(out) as folder:
        info = read_run_json(out)
        forgotten = Counter(slot[0] for slot in folder.recorded if slot[0] in labels)
        for slot in [slot for slot in folder.recorded if slot[0] in labels]:
            folder.forget(slot)
        for name in ("methods", "not_shown"):
            entries = info.get(name, [])
            info[name] = [entry for entry in entries if entry["label"] not in labels]
        write_run_json(out, info)
        for name in ("scores.csv", AUDIT):
            _remove_rows(out / name, labels)
        for label in labels:
            for part in ("outputs", "logs"):
                for results in out.glob(f"{part}/*/"):
                    shutil.rmtree(results / folder_name(label), ignore_errors=True)
    return {label: forgotten[label] for label in labels}


def _remove_rows(path: Path, labels: list[str]) -> None:
    if not path.exists():
        return
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    column = header.index("method")
    rows = [row for row in rows if row[column] not in labels]
    if not rows and path.name == AUDIT:
        path.unlink()
        return
    with replacing(path) as (part,), part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def _spec(entry: dict[str, Any]) -> MethodSpec:
    names = [field.name for field in fields(MethodSpec) if field.name in entry]
    return MethodSpec(**{name: entry[name] for name in names})
