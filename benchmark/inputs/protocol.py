"""Protocols: sizes, resampling, hole and metrics, which make two numbers comparable."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import cv2
import numpy as np
from PIL import Image as PillowImage
from pydantic import BaseModel, ConfigDict, Field

from benchmark.inputs.holes import DatasetMasks, Hole
from benchmark.metrics import check_options
from methods.base import Image, Mask
from methods.errors import InputError
from methods.images import resample_nearest
from methods.validation import build

FOLDER = Path(__file__).resolve().parents[1] / "protocols"

Array = TypeVar("Array", bound=np.ndarray)


class Protocol(BaseModel):
    """A protocol file; docs/protocols.md describes the keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    description: str
    # 16 px is the least that the SSIM window allows.
    resolutions: Annotated[list[Annotated[int, Field(ge=16, le=16384)]], Field(min_length=1)]
    resampling: Literal["nearest", "area", "bicubic", "lanczos"]
    crop: Literal["refuse", "centre-square"]
    hole: Hole
    metrics: Annotated[list[str], Field(min_length=1)]
    also_recorded: list[str] = []
    metric_options: dict[str, dict[str, Any]] = {}

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
        return {"metrics": sorted(self.recorded_metrics()), "options": self.metric_options}


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
    content = read_toml(path, "protocol")
    try:
        protocol = build(Protocol, content, f"protocol {path}")
        check_options(protocol.recorded_metrics(), protocol.metric_options)
    except ValueError as error:
        text = str(error)
        raise InputError(text if str(path) in text else f"protocol {path}: {text}") from None
    _check_drawn_hole(protocol, path)
    return protocol


def read_toml(path: Path, what: str) -> dict[str, Any]:
    """Return the content of a TOML file; `what` names it in errors. Raises InputError."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{what} {path}: {error.strerror}; give an existing file") from None
    except ValueError as error:
        raise InputError(f"{what} {path} is not valid TOML: {error}") from None


def select_resolutions(protocol: Protocol, selected: list[int] | None) -> list[int]:
    """Return the selected resolutions of a protocol (all if None), ascending. Raises InputError."""
    for resolution in selected or []:
        if resolution not in protocol.resolutions:
            known = ", ".join(map(str, protocol.resolutions))
            raise InputError(
                f"resolution {resolution} is not in protocol {protocol.name} ({known}): "
                "choose from these, or write a protocol file with it"
            )
    return sorted(set(selected or protocol.resolutions))


def crop_box(width: int, height: int) -> tuple[int, int, int, int]:
    """Return left, top, right, bottom of the largest centred square."""
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    return left, top, left + side, top + side


def reference(photo: Image, resolution: int, protocol: Protocol) -> Image:
    """Crop and resample a photograph to a protocol's reference, uint8 (N, N, 3).

    "nearest" is source = floor(i * source / target), the rule of OpenCV's INTER_NEAREST. "area" is
    OpenCV's; "bicubic" and "lanczos" are Pillow's, which low-pass filter before reducing.
    """
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


def hole_mask(name: str, own_mask: Mask | None, resolution: int, protocol: Protocol) -> Mask:
    """Return the hole of one case, bool (N, N), True = hole.

    The photograph's name seeds free-form holes; `own_mask` has the photograph's size.
    """
    if isinstance(protocol.hole, DatasetMasks):
        # `dataset.verify` has refused photographs without one.
        assert own_mask is not None
        return resample_nearest(_square(own_mask, protocol), resolution, resolution)
    return protocol.hole.draw(resolution, name)


def hole_problem(mask: Mask) -> str | None:
    """Return why a hole cannot be used, or None."""
    if not mask.any():
        return "is empty"
    return "covers the whole image" if mask.all() else None


def _square(array: Array, protocol: Protocol) -> Array:
    left, top, right, bottom = crop_box(array.shape[1], array.shape[0])
    return array[top:bottom, left:right] if protocol.crop == "centre-square" else array  # type: ignore[return-value]


def _check_drawn_hole(protocol: Protocol, path: Path) -> None:
    if isinstance(protocol.hole, DatasetMasks):
        return
    for resolution in protocol.resolutions:
        problem = hole_problem(protocol.hole.draw(resolution, ""))
        if problem:
            raise InputError(
                f"protocol {path}: the hole {problem} at {resolution} px; change [hole]"
            )
