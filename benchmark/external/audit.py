"""Audit of external results before they are scored.

Checks that files belong to the run, are stored without loss and match the reference outside the
hole.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict, dataclass, fields, replace
from itertools import chain
from pathlib import Path

import cv2
import numpy as np
from rich.console import Console
from rich.table import Table

import methods
from benchmark.external.image_files import describe
from benchmark.inputs.dataset import in_threads
from benchmark.inputs.photos import Photo, PhotoStore
from benchmark.planning.request import Job
from methods.base import BLANK, Image, Mask, MissingRequirementError, Resolution
from methods.errors import InputError
from methods.external import External, is_flat, is_image
from methods.files import comparable_name, replacing
from methods.images import ImageFileError, read_rgb
from methods.terminal import plain_console

# From worst to best. drift: known pixels differ; noted: usable, with a remark.
VERDICTS = ("drift", "unusable", "missing", "surplus", "noted", "ok")
FILE_NAME = "audit.csv"
_SYSTEM_FILES = {"thumbs.db", "desktop.ini"}


@dataclass(frozen=True)
class Finding:
    """One file of external results, or a missing one; the fields are the columns of audit.csv."""

    method: str
    resolution: Resolution | None
    image: str
    file: str
    verdict: str
    stored_as: str = ""
    # Pixels outside the hole that differ from the reference.
    known_pixels_changed: int | None = None
    share_changed: float | None = None
    # In grey levels.
    largest_change: int | None = None
    # Distance in pixels from the hole to the farthest changed pixel.
    reach: float | None = None
    remarks: str = ""


def audit(job: Job, console: Console) -> list[Finding]:
    """Examine every file of every external method of a job; the worst findings come first.

    Raises
    ------
    InputError
        If no file of a method belongs to the run.
    """
    sources: dict[str, External] = {
        spec.label: methods.create(External.name, **spec.options)  # type: ignore[misc]
        for spec in job.specs
        if spec.method == External.name
    }
    if not sources:
        return []
    photos = PhotoStore(job.dataset.root)

    def examine(photo: Photo) -> list[Finding]:
        return list(_examine_photo(job, photos, photo, sources))

    threads = job.request.workers + 1
    examined = in_threads(examine, job.photos, "auditing external results", console, threads)
    findings = list(chain.from_iterable(examined))
    for label, source in sources.items():
        surplus = list(_surplus(label, source, job))
        _refuse_wrong_folder(label, source, findings, surplus)
        findings += surplus
    return sorted(
        findings,
        key=lambda it: (VERDICTS.index(it.verdict), it.method, it.resolution or 0, it.image),
    )


def refuse_drift(findings: Iterable[Finding]) -> None:
    """Raise InputError if known pixels of any result differ from the reference."""
    drifted = [finding for finding in findings if finding.verdict == "drift"]
    if drifted:
        first = drifted[0]
        raise InputError(
            f"{first.file}: {first.known_pixels_changed} pixels outside the hole differ from the "
            f"reference ({len(drifted)} such files, see the table); export them again from the "
            "files of --export-inputs, or go on with --accept-drift: they are then scored as "
            "given and flagged"
        )


def show(findings: list[Finding], console: Console) -> None:
    """Print the number of findings of each kind, and a table of all that are not ok."""
    if not findings:
        return
    counts = Counter(finding.verdict for finding in findings)
    summary = ", ".join(f"{counts[name]} {name}" for name in reversed(VERDICTS) if counts[name])
    console.print(f"audit of external results: {summary}")
    table = Table(box=None, pad_edge=False, padding=(0, 1), header_style="", title_justify="left")
    for heading in ("method", "file", "stored as", "verdict", "remarks"):
        table.add_column(heading, overflow="fold")
    for it in findings:
        if it.verdict != "ok":
            table.add_row(it.method, it.file, it.stored_as, it.verdict, it.remarks)
    if table.row_count:
        if not console.is_terminal:
            wide = console.options.update(max_width=100_000)
            width = console.measure(table, options=wide).maximum
            console = plain_console(file=console.file, width=width)
        console.print(table, soft_wrap=False)


def write(findings: list[Finding], folder: Path, kept: Collection[str] = ()) -> None:
    """Write audit.csv into a run folder; rows of `kept` methods, by label, stay in it.

    An old one is removed if there is nothing to audit.
    """
    path = folder / FILE_NAME
    earlier = []
    if path.exists():
        with path.open(encoding="utf-8", newline="") as file:
            earlier = [row for row in csv.DictReader(file) if row["method"] in kept]
    if not findings and not earlier:
        path.unlink(missing_ok=True)
        return
    with replacing(path) as (part,), part.open("w", encoding="utf-8", newline="") as file:
        names = [field.name for field in fields(Finding)]
        writer = csv.DictWriter(file, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows([*(asdict(finding) for finding in findings), *earlier])


def _examine_photo(
    job: Job, photos: PhotoStore, photo: Photo, sources: dict[str, External]
) -> Iterator[Finding]:
    for resolution in job.resolutions:
        inputs = None
        for label, source in sources.items():
            try:
                path = source.result_file(resolution, photo.name)
            except MissingRequirementError:
                expected = source.resolution_folder(resolution) / f"{photo.name}.png"
                finding = Finding(label, resolution, photo.name, str(expected), "missing")
                yield replace(finding, remarks="no such file: the case is skipped")
                continue
            inputs = inputs or photos.inputs(photo, resolution, job.protocol)
            yield _examine(Finding(label, resolution, photo.name, str(path), "ok"), path, *inputs)


def _examine(finding: Finding, path: Path, image: Image, mask: Mask) -> Finding:
    stored_as, remarks = describe(path)
    finding = replace(finding, stored_as=stored_as)
    try:
        raw = read_rgb(path)
    except ImageFileError as error:
        reason = str(error).removeprefix(f"{path}: ")
        return replace(finding, verdict="unusable", remarks=reason)
    if raw.shape != image.shape:
        remark = f"should be {image.shape[1]}x{image.shape[0]}: the case fails"
        return replace(finding, verdict="unusable", remarks=remark)
    remarks += _hole_remarks(image, raw, mask)
    finding = replace(finding, known_pixels_changed=0, verdict="noted" if remarks else "ok")
    difference = cv2.absdiff(image, raw).max(axis=2)
    difference[mask] = 0
    if difference.any():
        finding = _with_drift(finding, difference, mask)
        remarks.insert(
            0,
            f"{finding.known_pixels_changed} known pixels differ ({finding.share_changed:.2%}), by "
            f"up to {finding.largest_change} grey levels, up to {finding.reach:.0f} px from the "
            "hole",
        )
    return replace(finding, remarks="; ".join(remarks))


def _with_drift(finding: Finding, difference: np.ndarray, mask: Mask) -> Finding:
    changed = difference > 0
    count = int(changed.sum())
    distance = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return replace(
        finding,
        verdict="drift",
        known_pixels_changed=count,
        share_changed=count / np.count_nonzero(~mask),
        largest_change=int(difference.max()),
        reach=float(distance[changed].max()),
    )


def _hole_remarks(image: Image, raw: Image, mask: Mask) -> list[str]:
    inside = raw[mask]
    if (inside == image[mask]).all():
        return ["the hole equals the reference: is this the original photograph?"]
    if (inside == BLANK).all():
        return ["the hole is still black: it was not filled"]
    return []


def _surplus(label: str, source: External, job: Job) -> Iterator[Finding]:
    """Yield the files and folders that belong to no case of the run."""
    root = Path(source.folder)
    folders = {source.resolution_folder(resolution): resolution for resolution in job.resolutions}
    names = {comparable_name(photo.name) for photo in job.photos}

    def surplus(path: Path, resolution: Resolution | None, reason: str) -> Finding:
        return Finding(label, resolution, "", str(path), "surplus", remarks=f"{reason}, ignored")

    for folder, resolution in folders.items():
        for path in _entries(folder):
            if path.is_dir() and is_flat(root):
                yield surplus(path, None, "folder")
            elif comparable_name(path.stem) not in names:
                yield surplus(path, resolution, "no photograph of this name")
            elif not is_image(path):
                suffix = path.suffix or "no suffix"
                yield surplus(path, resolution, f"{suffix}: not a supported image format")
    if not is_flat(root):
        for path in _entries(root):
            if path not in folders:
                yield surplus(path, None, f"{path.name} is not a resolution of this run")


def _entries(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(
        path
        for path in folder.iterdir()
        if not path.name.startswith(".") and path.name.lower() not in _SYSTEM_FILES
    )


def _refuse_wrong_folder(
    label: str, source: External, findings: list[Finding], surplus: list[Finding]
) -> None:
    mine = [finding for finding in findings if finding.method == label]
    if all(finding.verdict == "missing" for finding in mine):
        example = f"; there is {surplus[0].file}" if surplus else ""
        raise InputError(
            f"--external {label}: no file in {source.folder} belongs to this run, expected "
            f"{mine[0].file} and so on{example}; check folder, names and resolutions"
        )
