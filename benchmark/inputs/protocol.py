"""Protocols: sizes, resampling, hole and metrics, which make two numbers comparable."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import cv2
import numpy as np
from PIL import Image as PillowImage
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from benchmark.inputs.holes import DatasetMasks, Hole
from benchmark.inputs.toml import read_toml
from benchmark.metrics import check_options, identity, missing
from methods.base import Image, Mask, Resolution
from methods.errors import InputError
from methods.images import resample_nearest
from methods.resolutions import NATIVE, size_text
from methods.validation import build

FOLDER = Path(__file__).resolve().parents[1] / "protocols"

Array = TypeVar("Array", bound=np.ndarray)

# 16 px is the least that the SSIM window allows.
SMALLEST, LARGEST = 16, 16384
Side = Annotated[int, Field(ge=SMALLEST, le=LARGEST)]
# A plain "native" stands for the list that holds it alone.
Resolutions = Annotated[
    list[Side] | list[Literal["native"]],
    Field(min_length=1),
    BeforeValidator(lambda value: [value] if value == NATIVE else value),
]


class Protocol(BaseModel):
    """A protocol file; docs/protocols.md describes the keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    description: str
    resolutions: Resolutions
    resampling: Literal["nearest", "area", "bicubic", "lanczos"]
    crop: Literal["refuse", "centre-square", "none"]
    hole: Hole
    metrics: Annotated[list[str], Field(min_length=1)]
    also_recorded: list[str] = []
    metric_options: dict[str, dict[str, Any]] = {}

    @model_validator(mode="after")
    def _crop_nothing_at_native_size(self) -> Protocol:
        if self.is_native() != (self.crop == "none"):
            raise ValueError('crop = "none" and resolutions = "native" go together')
        return self

    def is_native(self) -> bool:
        """Return whether each photograph is used at its own size."""
        return self.resolutions == [NATIVE]

    def recorded_metrics(self) -> list[str]:
        """Return the metrics of scores.csv: those of the tables, then the others."""
        return [*self.metrics, *(name for name in self.also_recorded if name not in self.metrics)]

    def uses_dataset_masks(self) -> bool:
        return isinstance(self.hole, DatasetMasks)

    def input_identity(self) -> dict[str, Any]:
        """Return what references and masks depend on besides photograph and resolution."""
        return self.model_dump(include={"resampling", "crop", "hole"})

    def score_identity(self) -> dict[str, Any]:
        """Return what the scores of a given result depend on."""
        names = sorted(self.recorded_metrics())
        others = identity(names, self.metric_options)
        return {"metrics": names, "options": self.metric_options, **others}

    def missing_metrics(self) -> dict[str, str]:
        """Return the metrics that cannot be computed here, each with what to install or fetch."""
        return missing(self.recorded_metrics(), self.metric_options)


def shipped() -> list[str]:
    """Return the names of the protocols that come with the suite."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load(name_or_file: str) -> Protocol:
    """Load a shipped protocol by name, or a TOML file by its path.

    Raises
    ------
    InputError
        If there is no such protocol, or it is invalid.
    """
    path = Path(name_or_file)
    if path.suffix != ".toml":
        path = FOLDER / f"{name_or_file}.toml"
        if name_or_file not in shipped():
            raise InputError(
                f"unknown protocol {name_or_file!r}: choose one of {', '.join(shipped())}, "
                "or give the path of a .toml file"
            )
    protocol = build(Protocol, read_toml(path, "protocol"), f"protocol {path}")
    try:
        check_options(protocol.recorded_metrics(), protocol.metric_options)
    except ValueError as error:
        raise InputError(f"protocol {path}: {error}") from None
    for resolution in protocol.resolutions:
        _check_drawn_hole(protocol, resolution, f"protocol {path}")
    return protocol


def select_resolutions(protocol: Protocol, selected: str | None) -> list[Resolution]:
    """Return the resolutions of a run, ascending.

    Parameters
    ----------
    selected
        Sizes such as "512,1024", also others than the protocol's own; None for all of these.

    Raises
    ------
    InputError
        If these are no sizes, or the protocol takes photographs at their own size.
    """
    if selected is None or (protocol.is_native() and selected.strip() == NATIVE):
        return sorted(set[Any](protocol.resolutions))
    try:
        sizes = sorted({int(each) for each in selected.split(",")})
    except ValueError:
        raise InputError(
            f"--resolutions {selected!r}: write whole numbers like 1024,2048; each photograph at "
            "its own size: --protocol native"
        ) from None
    if protocol.is_native():
        raise InputError(
            f"--resolutions {selected!r}: protocol {protocol.name} takes each photograph at its "
            "own size; leave it out, or choose another protocol, such as own-masks"
        )
    for size in sizes:
        if not SMALLEST <= size <= LARGEST:
            raise InputError(
                f"resolution {size}: sides are from {SMALLEST} to {LARGEST} px; choose another"
            )
        _check_drawn_hole(protocol, size, f"protocol {protocol.name}")
    return list(sizes)


def crop_box(width: int, height: int) -> tuple[int, int, int, int]:
    """Return left, top, right, bottom of the largest centred square."""
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    return left, top, left + side, top + side


def reference(photo: Image, resolution: Resolution, protocol: Protocol) -> Image:
    """Crop and resample a photograph to a protocol's reference, uint8 (N, N, 3).

    "nearest" is OpenCV's INTER_NEAREST: source = floor(i * source / target) or, at some sizes, one
    less in places, by the rounding of floating-point numbers. "area" is OpenCV's too; "bicubic" and
    "lanczos" are Pillow's, which low-pass filter before reducing. At native size the photograph is
    left as it is, uint8 (H, W, 3).
    """
    if resolution == NATIVE:
        return np.ascontiguousarray(photo)
    cropped = _square(photo, protocol)
    size = (resolution, resolution)
    if cropped.shape[:2] == size:
        return np.ascontiguousarray(cropped)
    if protocol.resampling == "nearest":
        return resample_nearest(cropped, *size)
    if protocol.resampling == "area":
        return cv2.resize(cropped, size, interpolation=cv2.INTER_AREA)
    kernel = PillowImage.Resampling[protocol.resampling.upper()]
    return np.asarray(PillowImage.fromarray(cropped).resize(size, kernel))


def hole_mask(name: str, own_mask: Mask | None, size: tuple[int, int], protocol: Protocol) -> Mask:
    """Return the hole of one case, bool (H, W), True = hole.

    Parameters
    ----------
    name
        Of the case; it seeds free-form holes.
    own_mask
        The dataset's mask, bool, at the photograph's size.
    size
        Height and width of the case in pixels.
    """
    if isinstance(protocol.hole, DatasetMasks):
        # `dataset.verify` has refused photographs without one.
        assert own_mask is not None
        if protocol.is_native():
            return own_mask
        return resample_nearest(_square(own_mask, protocol), *size)
    return protocol.hole.draw(*size, name)


def hole_problem(mask: Mask) -> str | None:
    """Return why a hole cannot be used, or None."""
    if not mask.any():
        return "is empty"
    return "covers the whole image" if mask.all() else None


def _square(array: Array, protocol: Protocol) -> Array:
    left, top, right, bottom = crop_box(array.shape[1], array.shape[0])
    return array[top:bottom, left:right] if protocol.crop == "centre-square" else array  # type: ignore[return-value]


def _check_drawn_hole(protocol: Protocol, resolution: Resolution, where: str) -> None:
    if isinstance(protocol.hole, DatasetMasks) or resolution == NATIVE:
        return
    problem = hole_problem(protocol.hole.draw(resolution, resolution, ""))
    if problem:
        raise InputError(f"{where}: the hole {problem} at {size_text(resolution)}; change [hole]")
