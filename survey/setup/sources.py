"""Find the images of a new study: in a run folder, and in folders of results made elsewhere."""

from __future__ import annotations

import csv
import json
import math
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

from methods.base import Resolution
from methods.errors import InputError, suggestion
from methods.files import composed
from methods.labels import REFERENCE, folder_name
from methods.resolutions import NATIVE, size_text
from methods.shown_text import visible
from survey.study.stimuli import Source

_SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp"}
# What people saw in the paper (section 5.2).
_DEFAULT_RESOLUTION = 1024


class Images(NamedTuple):
    """Images for a study: the methods to compare are without the reference, their mean PSNR is in
    dB, the resolution is 0 without a run, and hidden files are passed over. Names are in Unicode
    form NFC: systems differ in how they store those of files. `shows_object`: the run's originals
    show the object that is to be removed, so that they are no references and not among these."""

    sources: list[Source]
    methods: list[str]
    psnr: dict[str, float]
    resolution: Resolution
    passed_over: list[Path]
    shows_object: bool = False


def from_run(
    run: Path, resolution: str | None, methods: Sequence[str] | None, check: str | None
) -> Images:
    """Find results and references of a run folder at one resolution.

    The default is the resolution of the paper, or else the largest, and all methods with results;
    `check` is a further method, for validation questions.
    """
    rows, shows_object = _read_run(run)
    size = _choose_resolution(run, resolution, {row["resolution"] for row in rows})
    rows = [row for row in rows if row["resolution"] == str(size) and row["status"] == "ok"]
    known = sorted({row["method"] for row in rows})
    compared = list(methods) if methods is not None else known
    shown = [*compared, *([check] if check else [])]
    for method in shown:
        if method not in known:
            raise InputError(
                f"{run}: no results of {method!r} at {size_text(size)}{suggestion(method, known)}"
            )
    in_run = {row["image"] for row in rows}
    rows = [row for row in rows if row["method"] in shown]
    scored = [row for row in rows if row.get("psnr")]
    # As in the run's tables: a result that equals the original has an infinite PSNR.
    exact = {row["image"] for row in scored if not math.isfinite(float(row["psnr"]))}
    psnr: dict[str, list[float]] = defaultdict(list)
    for row in scored:
        if row["image"] not in exact:
            psnr[row["method"]].append(float(row["psnr"]))
    folder = run / "outputs" / str(size)
    results = [(row["image"], row["method"]) for row in rows]
    # Where all methods are from folders, only the originals are from the run.
    images = [] if shows_object else sorted({row["image"] for row in rows} or in_run)
    references = [(image, REFERENCE) for image in images]
    sources = [
        Source(composed(image), method, folder / folder_name(method) / f"{image}.png")
        for image, method in results + references
    ]
    means = {method: fmean(values) for method, values in psnr.items()}
    return Images(sources, compared, means, size, [], shows_object)


def _read_run(run: Path) -> tuple[list[dict[str, str]], bool]:
    """Return the rows of scores.csv, and whether the originals show the object to be removed."""
    try:
        dataset = json.loads((run / "run.json").read_text(encoding="utf-8"))["dataset"]
        shows_object = not dataset.get("description", {}).get("reference", True)
        with (run / "scores.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        for row in rows:
            _ = row["method"], row["image"], row["status"], _as_resolution(row["resolution"])
    except OSError as error:
        raise InputError(f"{error.filename}: {error.strerror}; is {run} a run folder?") from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{run} is not a run folder that can be read ({error})") from error
    return rows, shows_object


def _choose_resolution(run: Path, requested: str | None, known: set[str]) -> Resolution:
    if requested in known:
        return _as_resolution(requested)
    pixels = sorted(int(size) for size in known if size != NATIVE)
    if requested is not None:
        listed = ", ".join(map(str, pixels)) or NATIVE
        raise InputError(f"--resolution {requested}: not in {run} ({listed})")
    return _DEFAULT_RESOLUTION if _DEFAULT_RESOLUTION in pixels else max(pixels, default=NATIVE)


def _as_resolution(text: str) -> Resolution:
    return NATIVE if text == NATIVE else int(text)


def from_folders(folders: Sequence[str]) -> Images:
    """Find the images of folders given as METHOD=DIR; raise InputError if there are none."""
    sources: list[Source] = []
    methods: list[str] = []
    hidden: list[Path] = []
    for option in folders:
        method, _, folder = option.partition("=")
        # As files of votes are read: blanks around are no part of a name.
        method = composed(method).strip()
        if visible(method) != method or {"\n", "\t"} & set(method):
            raise InputError(
                f"--images {method!r}=...: a name of one line, without tabs, is needed"
            )
        if not method or not folder:
            raise InputError(f"--images {option!r}: write it as METHOD=DIR")
        if method in methods:
            raise InputError(f"--images {method}=...: given twice")
        place = with_home(Path(folder))
        found = _image_files(method, place)
        # macOS leaves ._name.png beside name.png on other systems' disks.
        hidden += [path for path in found if path.name.startswith(".")]
        sources += _from_folder(method, place, [path for path in found if path not in hidden])
        methods.append(method)
    return Images(sources, [method for method in methods if method != REFERENCE], {}, 0, hidden)


def with_home(path: Path) -> Path:
    """Return a path with ~ as the home, which shells leave in METHOD=~/DIR and --out=~/DIR.

    As in shells, ~NAME stays as it is where nobody has the name.
    """
    try:
        return path.expanduser()
    except RuntimeError:
        return path


def _image_files(method: str, folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise InputError(f"--images {method}={folder}: no such folder")
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES)


def _from_folder(method: str, folder: Path, paths: Sequence[Path]) -> list[Source]:
    if not paths:
        raise InputError(
            f"--images {method}={folder}: no images in it ({', '.join(sorted(_SUFFIXES))})"
        )
    by_image: dict[str, Path] = {}
    for path in paths:
        name = composed(path.stem).strip()
        if name in by_image:
            other = by_image[name].name
            raise InputError(f"{path} and {other}: two files of one image; keep one")
        by_image[name] = path
    return [Source(image, method, path) for image, path in by_image.items()]


def merged(run: Images, others: Images) -> Images:
    """Add images made elsewhere to those of a run; raise InputError if they conflict."""
    repeated = {source.method for source in run.sources} & {one.method for one in others.sources}
    if REFERENCE in repeated:
        raise InputError("--images reference=...: the run has its own references; leave it out")
    if repeated:
        raise InputError(
            f"{min(repeated)}: in the run and in --images; give one of them another name"
        )
    images = {source.image for source in run.sources}
    for source in others.sources:
        if source.image not in images:
            raise InputError(f"{source.path}: the run has no image {source.image!r}")
    return run._replace(
        sources=run.sources + others.sources,
        methods=run.methods + others.methods,
        passed_over=others.passed_over,
    )
