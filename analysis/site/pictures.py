"""The pictures of a run, small enough for a site: a file for each image and method."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2

from analysis.figures import case_images
from analysis.figures.case_images import CaseImages
from analysis.figures.gallery import reduced_size, webp
from analysis.figures.strips import MASKED
from analysis.runs.run import Case, Run
from analysis.site.entry import Entry
from methods.base import Image

# Longer side of a picture in pixels, about two columns of a phone at its full density.
SIDE = 360
_QUALITY = 76

Progress = Callable[[int, int], None]


def write(entry: Entry, out: Path, full: bool, progress: Progress) -> list[dict[str, Any]]:
    """Write the pictures of a run below `out`; return what the page shows, an entry per image.

    Parameters
    ----------
    full
        Whether to copy the PNG files that were scored, too.
    progress
        Called with the number of images done and their total.

    Raises
    ------
    InputError
        If a picture cannot be read.
    OSError
        If one cannot be written.
    """
    run, size = entry.run, entry.resolution
    cases = {(case.method, case.image): case for case in run.cases if case.resolution == size}
    photos = []
    for number, name in enumerate(run.images, 1):
        progress(number, len(run.images))
        images = case_images.load(run, name, size, run.methods)
        if images is None:
            continue
        folder = f"{entry.folder}/{number:04d}"
        (out / folder).mkdir(parents=True)
        width, height = reduced_size(images.reference, SIDE)
        pictures = list(_pictures(images, run, cases, folder, out))
        if full:
            _copy(pictures, entry, name, out)
        photos.append({"name": name, "width": width, "height": height, "pictures": pictures})
    return photos


def _pictures(
    images: CaseImages, run: Run, cases: dict[tuple[str, str], Case], folder: str, out: Path
) -> Iterator[dict[str, Any]]:
    """Write the pictures of one photograph; yield what the page says about each."""
    known = {"reference": images.reference, "masked": images.masked}
    labels = {"reference": images.reference_name, "masked": MASKED}
    for key, pixels in known.items():
        file = f"{folder}/{key}.webp"
        _write(out / file, pixels)
        yield {"label": labels[key], "number": 0, "file": file, "full": "", "scores": ""}
    for number, method in enumerate(run.methods, 1):
        case = cases.get((method, images.image))
        file = f"{folder}/m{number:02d}.webp" if method in images.results else ""
        if file:
            _write(out / file, images.results[method])
        scores = _scores(run, case) if case else ""
        shown = {"label": method, "number": number, "file": file, "full": "", "scores": scores}
        yield {**shown, "status": _status(case)}


def _copy(pictures: list[dict[str, Any]], entry: Entry, image: str, out: Path) -> None:
    """Copy the files that were scored beside the pictures."""
    for picture in pictures:
        if not picture["file"] or picture["label"] == MASKED:
            continue
        method = picture["label"] if picture["number"] else "reference"
        picture["full"] = picture["file"].removesuffix(".webp") + ".png"
        origin = entry.run.image_path(method, entry.resolution, image)
        shutil.copyfile(origin, out / picture["full"])


def _scores(run: Run, case: Case) -> str:
    values = [(metric, case.values.get(metric.key)) for metric in run.metrics]
    return ", ".join(
        f"{metric.label} {value:.{metric.decimals}f}"
        for metric, value in values
        if value is not None
    )


def _status(case: Case | None) -> str:
    if case is None:
        return "not run"
    return f"{case.status}: {case.error}" if case.error else "no picture"


def _write(path: Path, pixels: Image) -> None:
    small = cv2.resize(pixels, reduced_size(pixels, SIDE), interpolation=cv2.INTER_AREA)
    path.write_bytes(webp(small, _QUALITY))
