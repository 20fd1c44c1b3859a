"""Audit of external results before they are scored.

Checks that files belong to the run, are stored without loss and match the reference outside the
hole.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path

import cv2
import numpy as np
from rich.console import Console

from benchmark.external.findings import INVERTED, VERDICTS, Finding
from benchmark.external.image_files import describe
from benchmark.inputs.dataset import in_threads
from benchmark.inputs.inverted import is_filled_outside
from benchmark.inputs.photos import Photo, PhotoStore
from benchmark.planning.request import Job
from methods.base import Image, Mask, MissingRequirementError, Resolution
from methods.errors import InputError
from methods.external import (
    External,
    is_dangling,
    is_flat,
    is_image,
    is_misnamed,
    lost_link,
    near_name,
)
from methods.files import comparable_name
from methods.images import ImageFileError, read_rgb
from methods.known_pixels import BLANK

_SYSTEM_FILES = {"thumbs.db", "desktop.ini"}


def audit(job: Job, console: Console) -> list[Finding]:
    """Examine every file of every external method of a job; the worst findings come first.

    Raises
    ------
    InputError
        If no file of a method belongs to the run.
    """
    sources = {
        spec.label: External(**spec.options) for spec in job.specs if spec.method == External.name
    }
    if not sources:
        return []
    photos = PhotoStore(job.dataset.root)

    unclaimed: dict[Path, list[str]] = {}

    def examine(photo: Photo) -> list[Finding]:
        return list(_examine_photo(job, photos, photo, sources, unclaimed))

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


def _examine_photo(
    job: Job,
    photos: PhotoStore,
    photo: Photo,
    sources: dict[str, External],
    unclaimed: dict[Path, list[str]],
) -> Iterator[Finding]:
    for resolution in job.resolutions:
        inputs = None
        for label, source in sources.items():
            try:
                path = source.result_file(resolution, photo.name)
            except MissingRequirementError:
                folder = source.resolution_folder(resolution)
                expected = folder / f"{photo.name}.png"
                link = lost_link(folder, source.names.get(photo.name, photo.name))
                near = link or _near(folder, photo, unclaimed, job)
                remarks = f"no such file: the case is skipped{near}"
                missing = label, resolution, photo.name, str(expected), "missing"
                yield Finding(*missing, remarks=remarks)
                continue
            inputs = inputs or photos.inputs(photo, resolution, job.protocol)
            yield _examine(Finding(label, resolution, photo.name, str(path), "ok"), path, *inputs)


def _near(folder: Path, photo: Photo, unclaimed: dict[Path, list[str]], job: Job) -> str:
    """Return the question whether another file was meant, if its name is no photograph's."""
    if folder not in unclaimed:
        names = {comparable_name(each.name) for each in job.photos}
        files = (path for path in _entries(folder) if comparable_name(path.stem) not in names)
        unclaimed[folder] = [path.name for path in files]
    near = near_name(photo.name, unclaimed[folder])
    return f"; did you mean {near}?" if near else ""


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
        if is_filled_outside(image, raw, mask):
            remarks.insert(0, INVERTED)
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
    names = {comparable_name(source.names.get(it.name, it.name)) for it in job.photos}

    def surplus(path: Path, resolution: Resolution | None, reason: str) -> Finding:
        return Finding(label, resolution, "", str(path), "surplus", remarks=f"{reason}, ignored")

    for folder, resolution in folders.items():
        for path in _entries(folder):
            if path.is_dir() and is_flat(root):
                yield surplus(path, None, "folder")
            elif comparable_name(path.stem) not in names:
                yield surplus(path, resolution, "no photograph of this name")
            elif is_dangling(path):
                yield surplus(path, resolution, "symbolic link to nothing")
            elif not is_image(path):
                suffix = path.suffix or "no suffix"
                yield surplus(path, resolution, f"{suffix}: not a supported image format")
    if not is_flat(root):
        for path in _entries(root):
            if path not in folders:
                reason = f"{path.name} is not a resolution of this run"
                meant = [str(each) for each in job.resolutions if is_misnamed(path, each)]
                yield surplus(path, None, reason + (f", did you mean {meant[0]}?" if meant else ""))


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
        _, _, question = mine[0].remarks.partition("; ")
        example = f"; there is {surplus[0].file}" if surplus else ""
        example += f", {question}" if question else ""
        raise InputError(
            f"--external {label}: no file in {source.folder} belongs to this run, expected "
            f"{mine[0].file} and so on{example}; check folder, names and resolutions"
        )
