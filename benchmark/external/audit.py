"""Audit of results made elsewhere, before anything is scored: are these the files that were asked
for, stored as they were made, and untouched outside the hole?"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, replace
from pathlib import Path

import cv2
import numpy as np
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

import methods
from benchmark.external.image_facts import image_facts
from benchmark.inputs.dataset import Photo, PhotoStore
from benchmark.inputs.protocol import hole_mask, reference
from benchmark.planning.request import Job
from methods.base import BLANK, Image, Mask, MissingRequirementError
from methods.errors import InputError
from methods.external import External, flat, is_image, plain
from methods.files import write_atomically
from methods.images import ImageFileError, read_rgb

# Verdicts, worst first. drift: known pixels differ; noted: usable, with something to know.
VERDICTS = ("drift", "unusable", "missing", "surplus", "noted", "ok")
FILE_NAME = "audit.csv"
_SYSTEM_FILES = {"thumbs.db", "desktop.ini"}


@dataclass(frozen=True)
class Finding:
    """One file of results made elsewhere, or one that is not there.

    stored_as: "1024x1024 RGB 8-bit PNG"; known_pixels_changed: pixels outside the hole that
    differ from the reference; largest_change: in grey levels; reach: distance in pixels from the
    hole to the farthest of them."""

    method: str
    resolution: int | None
    image: str
    file: str
    verdict: str
    stored_as: str = ""
    known_pixels_changed: int | None = None
    share_changed: float | None = None
    largest_change: int | None = None
    reach: float | None = None
    remarks: str = ""


def audit(job: Job, console: Console) -> list[Finding]:
    """Look at every file of every external method of a run; the worst findings come first.

    Raises InputError when no file of a method matches any photograph."""
    sources = _sources(job)
    if not sources:
        return []
    store = PhotoStore(job.request.dataset)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("auditing external results", total=len(job.photos))

        def one(photo: Photo) -> list[Finding]:
            found = list(_of_photo(job, store, photo, sources))
            bar.advance(task)
            return found

        with ThreadPoolExecutor(job.request.workers + 1) as pool:
            findings = [finding for found in pool.map(one, job.photos) for finding in found]
    for label, source in sources.items():
        surplus = list(_surplus(label, source, job))
        _refuse_strangers(label, source, findings, surplus, job)
        findings += surplus
    order = {verdict: place for place, verdict in enumerate(VERDICTS)}
    return sorted(
        findings, key=lambda it: (order[it.verdict], it.method, it.resolution or 0, it.image)
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
    """Print a line per file that is not as it should be, and how many are."""
    if not findings:
        return
    table = Table(box=None, pad_edge=False, padding=(0, 1), header_style="", title_justify="left")
    for heading in ("method", "file", "stored as", "verdict", "remarks"):
        table.add_column(heading, overflow="fold")
    for finding in findings:
        if finding.verdict != "ok":
            cells = (finding.method, finding.file, finding.stored_as, finding.verdict)
            table.add_row(*cells, finding.remarks)
    counts = {
        verdict: sum(finding.verdict == verdict for finding in findings)
        for verdict in reversed(VERDICTS)
    }
    summary = ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count)
    console.print(f"audit of external results: {summary}", markup=False)
    if table.row_count:
        if not console.is_terminal:
            wide = console.options.update(max_width=100_000)
            console = Console(file=console.file, width=console.measure(table, options=wide).maximum)
        console.print(table, markup=False, soft_wrap=False)


def write(findings: list[Finding], folder: Path) -> None:
    """Write audit.csv, a row per file; remove an old one if there is nothing to audit."""
    path = folder / FILE_NAME
    if not findings:
        path.unlink(missing_ok=True)
        return
    text = io.StringIO()
    names = [field.name for field in fields(Finding)]
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    for finding in findings:
        values = [getattr(finding, name) for name in names]
        writer.writerow("" if value is None else value for value in values)
    write_atomically(path, text.getvalue().encode())


def _sources(job: Job) -> dict[str, External]:
    return {
        spec.label: methods.create(External.name, **spec.options)  # type: ignore[misc]
        for spec in job.specs
        if spec.method == External.name
    }


def _of_photo(
    job: Job, store: PhotoStore, photo: Photo, sources: dict[str, External]
) -> Iterator[Finding]:
    for resolution in job.resolutions:
        paths = {label: _found(source, resolution, photo) for label, source in sources.items()}
        if any(isinstance(path, Path) for path in paths.values()):
            pixels, own_mask = store.get(photo)
            image = reference(pixels, resolution, job.protocol)
            mask = hole_mask(photo.name, own_mask, resolution, job.protocol)
        for label, path in paths.items():
            if isinstance(path, Path):
                finding = Finding(label, resolution, photo.name, str(path), "ok")
                yield _examined(finding, path, image, mask)
            else:
                expected = sources[label].case_folder(resolution) / f"{photo.name}.png"
                yield Finding(label, resolution, photo.name, str(expected), "missing", remarks=path)


def _found(source: External, resolution: int, photo: Photo) -> Path | str:
    try:
        return source.find(resolution, photo.name)
    except MissingRequirementError:
        return "no such file: the case is skipped"


def _examined(finding: Finding, path: Path, image: Image, mask: Mask) -> Finding:
    facts = image_facts(path)
    if facts:
        stored_as = f"{facts.size} {facts.mode} {facts.bit_depth}-bit {facts.format}"
        finding = replace(finding, stored_as=stored_as)
    try:
        raw = read_rgb(path)
    except ImageFileError as error:
        reason = str(error).removeprefix(f"{path}: ")
        return replace(finding, verdict="unusable", remarks=reason)
    if raw.shape != image.shape:
        remark = f"should be {image.shape[1]}x{image.shape[0]}: the case fails"
        return replace(finding, verdict="unusable", remarks=remark)
    remarks = [*(facts.remarks() if facts else []), *_hole_remarks(image, raw, mask)]
    finding = replace(finding, known_pixels_changed=0)
    drift = _drift(image, raw, mask)
    if drift:
        count, largest, reach = drift
        share = count / np.count_nonzero(~mask)
        remarks.insert(
            0,
            f"{count} known pixels differ ({share:.2%}), by up to {largest} grey levels, up to "
            f"{reach:.0f} px from the hole",
        )
        finding = replace(
            finding,
            known_pixels_changed=count,
            share_changed=share,
            largest_change=largest,
            reach=reach,
        )
    verdict = "drift" if drift else "noted" if remarks else "ok"
    return replace(finding, verdict=verdict, remarks="; ".join(remarks))


def _drift(image: Image, raw: Image, mask: Mask) -> tuple[int, int, float] | None:
    """Number of known pixels that differ, the largest difference in grey levels and the distance
    in pixels of the farthest one from the hole; None if all are equal."""
    difference = cv2.absdiff(image, raw).max(axis=2)
    difference[mask] = 0
    changed = difference > 0
    if not changed.any():
        return None
    distance = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return int(changed.sum()), int(difference.max()), float(distance[changed].max())


def _hole_remarks(image: Image, raw: Image, mask: Mask) -> list[str]:
    inside = raw[mask]
    if (inside == image[mask]).all():
        return ["the hole equals the reference: is this the original photograph?"]
    if (inside == BLANK).all():
        return ["the hole is still black: it was not filled"]
    return []


def _surplus(label: str, source: External, job: Job) -> Iterator[Finding]:
    """What lies in the folder and belongs to no case of the run."""
    root = Path(source.folder)
    folders = {source.case_folder(resolution): resolution for resolution in job.resolutions}
    names = {plain(photo.name) for photo in job.photos}
    for folder, resolution in folders.items():
        for path in _entries(folder):
            if path.is_dir() and flat(root):
                yield Finding(label, None, "", str(path), "surplus", remarks="folder, ignored")
            elif not (is_image(path) and plain(path.stem) in names):
                remark = _why(path, names)
                yield Finding(label, resolution, "", str(path), "surplus", remarks=remark)
    if not flat(root):
        for path in _entries(root):
            if path not in folders:
                remark = f"{path.name} is not a resolution of this run, ignored"
                yield Finding(label, None, "", str(path), "surplus", remarks=remark)


def _entries(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(
        path
        for path in folder.iterdir()
        if not path.name.startswith(".") and path.name.lower() not in _SYSTEM_FILES
    )


def _why(path: Path, names: set[str]) -> str:
    if plain(path.stem) in names:
        return f"{path.suffix or 'no suffix'}: not an image format that is read, ignored"
    return "no photograph of this name, ignored"


def _refuse_strangers(
    label: str, source: External, findings: list[Finding], surplus: list[Finding], job: Job
) -> None:
    """Raise InputError if not one file of a method belongs to the run: a wrong folder."""
    mine = [finding for finding in findings if finding.method == label]
    if all(finding.verdict == "missing" for finding in mine):
        there = f"; there is {surplus[0].file}" if surplus else ""
        raise InputError(
            f"--external {label}: no file in {source.folder} belongs to this run, expected "
            f"{mine[0].file} and so on{there}; check folder, names and resolutions"
        )
