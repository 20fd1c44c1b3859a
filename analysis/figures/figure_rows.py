"""What a figure for a paper shows: photographs and resolutions down, methods across."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from matplotlib.figure import Figure

from analysis.figures import figures, pictures
from analysis.figures.figures import ENDS, Show
from analysis.figures.pictures import Box, Pictures
from analysis.runs.run import Run
from methods.errors import InputError

# No pictures, but results that a figure may show.
TOLD = {"out_of_memory": "out of memory", "timeout": "timed out"}


@dataclass(frozen=True)
class Wanted:
    """images: a row each for each of `sizes` (resolutions in pixels); methods: None for all that
    have a result; crops: LEFT,TOP,SIDE in pixels of the highest of `sizes`, none, one, or one for
    each image; ends: which of ENDS; names: what the figure calls methods and images; width: in
    inches."""

    images: Sequence[str]
    sizes: Sequence[int]
    methods: Sequence[str] | None
    width: float
    crops: Sequence[str] = ()
    show: Show = "both"
    ends: Sequence[str] = ENDS
    names: Mapping[str, str] = field(default_factory=dict)


def draw(run: Run, wanted: Wanted) -> tuple[Figure, list[Box]]:
    """The figure, and what of each photograph is enlarged, in pixels of the highest resolution.
    Raises InputError where a result is missing."""
    methods = list(wanted.methods or _with_results(run, wanted))
    number = len(methods) + len(wanted.ends)
    alone = len(wanted.images) == len(wanted.sizes) == 1
    columns = figures.columns_of(number, wanted.width) if alone else number
    side = figures.panel_side(columns, wanted.width)
    strips, boxes = [], []
    for place, image in enumerate(wanted.images):
        largest = _load(run, image, max(wanted.sizes), methods)
        box = _box(wanted.crops, place, largest)
        boxes.append(box)
        for size in wanted.sizes:
            shown = largest if size == max(wanted.sizes) else _load(run, image, size, methods)
            strips.append(
                figures.strip(
                    shown,
                    box.scaled(shown.mask.shape[1] / largest.mask.shape[1]),
                    methods,
                    side,
                    ends=wanted.ends,
                    names=wanted.names,
                    missing=_missing(run, shown, methods, wanted),
                    label=_label(wanted, image, size),
                )
            )
    if alone:
        strips = figures.wrapped(strips[0], columns)
    return figures.compose(strips, wanted.show, wanted.width), boxes


def _with_results(run: Run, wanted: Wanted) -> list[str]:
    done = {
        score.method
        for score in run.scores
        if score.image in wanted.images and score.resolution in wanted.sizes
        and (score.status == "ok" or score.status in TOLD)
    }  # fmt: skip
    found = [method for method in run.methods if method in done]
    if not found:
        raise InputError(
            f"{run.path}: no result of {', '.join(run.methods)} for {', '.join(wanted.images)} at "
            f"{', '.join(map(str, wanted.sizes))} px; run it first"
        )
    return found


def _load(run: Run, image: str, size: int, methods: list[str]) -> Pictures:
    found = pictures.load(run, image, size, methods)
    if found is None:
        raise InputError(
            f"{run.path}: no result of {', '.join(methods)} for {image} at {size} px; run it first"
        )
    return found


def _missing(run: Run, shown: Pictures, methods: list[str], wanted: Wanted) -> dict[str, str]:
    """Why methods have no result. Raises InputError for a reason that no reader cares about."""
    status = {
        score.method: score.status
        for score in run.scores
        if (score.image, score.resolution) == (shown.image, shown.resolution)
    }
    found = {
        method: TOLD.get(status.get(method, ""), "no result")
        for method in methods
        if method not in shown.results
    }
    lost = [method for method, reason in found.items() if reason == "no result"]
    if lost and (wanted.methods or not shown.results):
        raise InputError(
            f"{run.path}: no result of {', '.join(lost)} for {shown.image} at "
            f"{shown.resolution} px; run it first"
        )
    return found


def _label(wanted: Wanted, image: str, size: int) -> str:
    name = [wanted.names.get(image, image)] if len(wanted.images) > 1 else []
    return "\n".join(name + ([f"{size} px"] if len(wanted.sizes) > 1 else []))


def _box(crops: Sequence[str], place: int, shown: Pictures) -> Box:
    if not crops:
        return pictures.edge_box(shown, figures.crop_side(shown))
    crop = crops[place if len(crops) > 1 else 0]
    height, width = shown.mask.shape
    try:
        left, top, side = (int(number) for number in crop.split(","))
    except ValueError:
        raise InputError(f"--crop {crop!r}: write it as LEFT,TOP,SIDE in pixels") from None
    if min(left, top) < 0 or side < 1 or left + side > width or top + side > height:
        raise InputError(f"--crop {crop}: reaches out of the image of {width}x{height} pixels")
    return Box(left, top, left + side, top + side)
