"""Figures for a paper: photographs and resolutions down, methods across."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from matplotlib.figure import Figure

from analysis.figures import case_images, composition, strips
from analysis.figures.case_images import Box, CaseImages
from analysis.figures.strips import ENDS, Show, Strip
from analysis.runs.run import Run, highest
from methods.base import Resolution
from methods.errors import InputError
from methods.resolutions import size_text

# Statuses that a figure may show in place of a result.
_SHOWN_STATUSES = {"out_of_memory": "out of memory", "timeout": "timed out"}


@dataclass(frozen=True)
class FigureSpec:
    """What a figure shows."""

    images: Sequence[str]
    resolutions: Sequence[Resolution]
    # None: all that have a result.
    methods: Sequence[str] | None
    # In inches.
    width: float
    # "LEFT,TOP,SIDE" in pixels of the highest resolution: none, one, or one for each image.
    crops: Sequence[str] = ()
    show: Show = "both"
    ends: Sequence[str] = ENDS
    # Method or image -> its name in the figure.
    names: Mapping[str, str] = field(default_factory=dict)


def draw(run: Run, spec: FigureSpec) -> tuple[list[Figure], list[Box]]:
    """Draw a figure, or several that fit a page each.

    Also return the region enlarged in each photograph at the highest resolution.

    Raises InputError if a result is missing or a crop is invalid.
    """
    methods = list(spec.methods or _methods_with_results(run, spec))
    panels = len(methods) + len(spec.ends)
    alone = len(spec.images) == len(spec.resolutions) == 1
    columns = panels
    rows: list[Strip] = []
    boxes = []
    for position, image in enumerate(spec.images):
        largest = _load(run, image, highest(spec.resolutions), methods)
        box = _box(spec.crops, position, largest)
        boxes.append(box)
        if alone:
            high = strips.height_of(largest, box, spec.show)
            columns = strips.columns_of(panels, spec.width, high)
        side = strips.panel_side(columns, spec.width)
        for size in spec.resolutions:
            images = largest if size == largest.resolution else _load(run, image, size, methods)
            rows.append(
                strips.make_strip(
                    images,
                    box.scaled(images.mask.shape[1] / largest.mask.shape[1]),
                    methods,
                    side,
                    ends=spec.ends,
                    names=spec.names,
                    missing=_missing(run, images, methods, spec),
                    label=_label(spec, image, size),
                )
            )
    figures = (
        [strips.wrap(rows[0], columns)] if alone else composition.pages(rows, spec.show, spec.width)
    )
    return [composition.compose(shown, spec.show, spec.width) for shown in figures], boxes


def _methods_with_results(run: Run, spec: FigureSpec) -> list[str]:
    shown = {
        case.method
        for case in run.cases
        if case.image in spec.images
        and case.resolution in spec.resolutions
        and case.status in {"ok", *_SHOWN_STATUSES}
    }
    methods = [method for method in run.methods if method in shown]
    if not methods:
        sizes = ", ".join(map(size_text, spec.resolutions))
        raise _no_result(run, run.methods, ", ".join(spec.images), sizes)
    return methods


def _load(run: Run, image: str, size: Resolution, methods: list[str]) -> CaseImages:
    images = case_images.load(run, image, size, methods)
    if images is None:
        raise _no_result(run, methods, image, size_text(size))
    return images


def _missing(run: Run, images: CaseImages, methods: list[str], spec: FigureSpec) -> dict[str, str]:
    """Return why methods have no result; refuse reasons that a figure should not show."""
    statuses = run.statuses(images.resolution, images.image)
    reasons = {
        method: _SHOWN_STATUSES.get(statuses.get(method, ""), "no result")
        for method in methods
        if method not in images.results
    }
    lost = [method for method, reason in reasons.items() if reason == "no result"]
    if lost and (spec.methods or not images.results):
        raise _no_result(run, lost, images.image, size_text(images.resolution))
    return reasons


def _no_result(run: Run, methods: Sequence[str], image: str, sizes: str) -> InputError:
    return InputError(
        f"{run.path}: no result of {', '.join(methods)} for {image} at {sizes}; run it first"
    )


def _label(spec: FigureSpec, image: str, size: Resolution) -> str:
    name = [spec.names.get(image, image)] if len(spec.images) > 1 else []
    return "\n".join(name + ([size_text(size)] if len(spec.resolutions) > 1 else []))


def _box(crops: Sequence[str], position: int, images: CaseImages) -> Box:
    """Return the region to enlarge: as the user says, or where results differ most."""
    if not crops:
        return case_images.edge_box(images, strips.crop_side(images))
    crop = crops[position if len(crops) > 1 else 0]
    height, width = images.mask.shape
    try:
        left, top, side = (int(number) for number in crop.split(","))
    except ValueError:
        raise InputError(f"--crop {crop!r}: write it as LEFT,TOP,SIDE in pixels") from None
    if min(left, top) < 0 or side < 1 or left + side > width or top + side > height:
        raise InputError(f"--crop {crop}: reaches out of the image of {width}x{height} pixels")
    return Box(left, top, left + side, top + side)
