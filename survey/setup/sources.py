"""Where a study's images come from: a run folder, and folders of results made anywhere."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

from methods.errors import InputError, suggestion
from survey.study.stimuli import REFERENCE, Source

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp"}
# What people saw in the paper (section 5.2).
PREFERRED = 1024


class Gathered(NamedTuple):
    """methods: that have images, in the order asked for, without the reference; psnr: their means
    in dB where a run tells."""

    sources: list[Source]
    methods: list[str]
    psnr: dict[str, float]
    resolution: int


def from_run(
    run: Path, resolution: int | None, methods: Sequence[str] | None, check: str | None
) -> Gathered:
    """Results and references of a run folder at one resolution. methods: None for all that have
    results; check: one more, for validation questions. Raises InputError."""
    rows = _scores(run)
    size = _resolution(run, resolution, {int(row["resolution"]) for row in rows})
    rows = [row for row in rows if int(row["resolution"]) == size and row["status"] == "ok"]
    known = sorted({row["method"] for row in rows})
    compared = list(methods) if methods is not None else known
    for method in [*compared, *([check] if check else [])]:
        if method not in known:
            raise InputError(
                f"{run}: no results of {method!r} at {size} px{suggestion(method, known)}"
            )
    psnr: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        if row.get("psnr"):
            psnr[row["method"]].append(float(row["psnr"]))
    folder = run / "outputs" / str(size)
    shown = {*compared, *([check] if check else [])}
    wanted = [(row["image"], row["method"]) for row in rows if row["method"] in shown]
    wanted += [(image, REFERENCE) for image in sorted({image for image, _ in wanted})]
    sources = [
        Source(image, method, folder / method.replace(":", "_") / f"{image}.png")
        for image, method in wanted
    ]
    means = {method: fmean(values) for method, values in psnr.items() if method in shown}
    return Gathered(sources, compared, means, size)


def _scores(run: Path) -> list[dict[str, str]]:
    try:
        json.loads((run / "run.json").read_text(encoding="utf-8"))
        with (run / "scores.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
            _ = [
                (row["method"], row["image"], row["status"], int(row["resolution"])) for row in rows
            ]
            return rows
    except OSError as error:
        raise InputError(f"{error.filename}: {error.strerror}; is {run} a run folder?") from error
    except (KeyError, ValueError) as error:
        raise InputError(f"{run} is not a run folder that can be read ({error})") from error


def _resolution(run: Path, wanted: int | None, known: set[int]) -> int:
    if wanted is not None and wanted not in known:
        sizes = ", ".join(map(str, sorted(known)))
        raise InputError(f"--resolution {wanted}: not in {run} ({sizes})")
    return wanted or (PREFERRED if PREFERRED in known else max(known))


def from_folders(folders: Sequence[str]) -> Gathered:
    """METHOD=DIR each: an image's name is that of its file. Raises InputError."""
    sources, methods = [], []
    for text in folders:
        method, equals, folder = text.partition("=")
        if not equals or not method or not folder:
            raise InputError(f"--images {text!r}: write it as METHOD=DIR")
        if method in methods:
            raise InputError(f"--images {method}=...: given twice")
        sources += _of_folder(method, Path(folder))
        methods.append(method)
    return Gathered(sources, [name for name in methods if name != REFERENCE], {}, 0)


def _of_folder(method: str, folder: Path) -> list[Source]:
    if not folder.is_dir():
        raise InputError(f"--images {method}={folder}: no such folder")
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    if not paths:
        raise InputError(
            f"--images {method}={folder}: no images in it ({', '.join(sorted(SUFFIXES))})"
        )
    stems: dict[str, Path] = {}
    for path in paths:
        if path.stem in stems:
            raise InputError(
                f"{path} and {stems[path.stem].name}: two files of one image; keep one"
            )
        stems[path.stem] = path
    return [Source(image, method, path) for image, path in stems.items()]


def joined(first: Gathered, second: Gathered) -> Gathered:
    """A run's results and others beside them. Raises InputError when both have a method."""
    names = {source.method for source in first.sources}
    twice = sorted(names & {source.method for source in second.sources})
    if REFERENCE in twice:
        raise InputError("--images reference=...: the run has its own references; leave it out")
    if twice:
        raise InputError(f"{twice[0]}: in the run and in --images; give one of them another name")
    images = {source.image for source in first.sources}
    strange = [source for source in second.sources if source.image not in images]
    if strange:
        raise InputError(f"{strange[0].path}: the run has no image {strange[0].image!r}")
    return first._replace(
        sources=first.sources + second.sources, methods=first.methods + second.methods
    )
