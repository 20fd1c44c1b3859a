"""What makes two numbers comparable: sizes, resampling, hole and metrics, in one TOML file."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

import cv2
import numpy as np
from PIL import Image as PillowImage
from pydantic import BaseModel, ConfigDict, Field

from benchmark.inputs.holes import DatasetMasks, Hole
from benchmark.metrics import check_options
from methods.base import Image, Mask
from methods.errors import InputError
from methods.images import nearest
from methods.validation import build

FOLDER = Path(__file__).resolve().parents[1] / "protocols"
DEFAULT = "moskalenko2020"


class Protocol(BaseModel):
    """One protocol file. Every number of a run holds for its protocol only."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    description: str
    # Sides of the square references in pixels; 16 is the least that the SSIM window allows.
    resolutions: Annotated[list[Annotated[int, Field(ge=16, le=16384)]], Field(min_length=1)]
    resampling: Literal["nearest", "area", "bicubic", "lanczos"]
    # What to do with a photograph that is not square.
    crop: Literal["refuse", "centre-square"]
    hole: Hole
    # In the tables, in this order; `also_recorded` goes to scores.csv alone.
    metrics: Annotated[list[str], Field(min_length=1)]
    also_recorded: list[str] = []
    metric_options: dict[str, dict[str, Any]] = {}

    def recorded_metrics(self) -> list[str]:
        return [*self.metrics, *(name for name in self.also_recorded if name not in self.metrics)]

    def uses_dataset_masks(self) -> bool:
        return isinstance(self.hole, DatasetMasks)

    def input_identity(self) -> dict[str, Any]:
        """What references and masks depend on, apart from photograph and resolution."""
        return self.model_dump(include={"resampling", "crop", "hole"})

    def score_identity(self) -> dict[str, Any]:
        """What the scores of a given result depend on."""
        return {"metrics": sorted(self.recorded_metrics()), "options": self.metric_options}


def shipped() -> list[str]:
    """Names of the protocols that come with the suite."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load(name_or_file: str) -> Protocol:
    """The protocol of that name, or in that TOML file. Raises InputError."""
    path = Path(name_or_file)
    if path.suffix != ".toml":
        path = FOLDER / f"{name_or_file}.toml"
        if name_or_file not in shipped():
            raise InputError(
                f"unknown protocol {name_or_file!r}: choose one of {', '.join(shipped())}, "
                "or give the path of a .toml file"
            )
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        protocol = build(Protocol, content, f"protocol {path}")
        check_options(protocol.recorded_metrics(), protocol.metric_options)
    except OSError as error:
        raise InputError(f"protocol {path}: {error.strerror}; give an existing file") from None
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"protocol {path} is not valid TOML: {error}") from None
    except ValueError as error:
        text = str(error)
        raise InputError(text if str(path) in text else f"protocol {path}: {text}") from None
    _check_holes(protocol, path)
    return protocol


def select_resolutions(protocol: Protocol, wanted: list[int] | None) -> list[int]:
    """The wanted resolutions of a protocol, ascending. Raises InputError for any other."""
    for resolution in wanted or []:
        if resolution not in protocol.resolutions:
            known = ", ".join(map(str, protocol.resolutions))
            raise InputError(
                f"resolution {resolution} is not in protocol {protocol.name} ({known}): "
                "choose from these, or write a protocol file with it"
            )
    return sorted(set(wanted or protocol.resolutions))


def square(image: Any, protocol: Protocol) -> Any:
    """The centred largest square of an array (H, W, ...), where the protocol crops."""
    left, top, right, bottom = crop_box(image.shape[1], image.shape[0])
    return image[top:bottom, left:right] if protocol.crop == "centre-square" else image


def crop_box(width: int, height: int) -> tuple[int, int, int, int]:
    """left, top, right, bottom of the centred largest square."""
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    return left, top, left + side, top + side


def reference(photo: Image, resolution: int, protocol: Protocol) -> Image:
    """The photograph as the protocol wants it: uint8 (resolution, resolution, 3) RGB.

    "nearest" is source = floor(i * source / target), as OpenCV's INTER_NEAREST in the authors'
    code; "area" is OpenCV's; "bicubic" and "lanczos" are Pillow's, which filter before they
    reduce (OpenCV's do not).
    """
    cropped = square(photo, protocol)
    if cropped.shape[:2] == (resolution, resolution):
        return np.ascontiguousarray(cropped)
    if protocol.resampling == "nearest":
        return nearest(cropped, resolution, resolution)
    size = (resolution, resolution)
    if protocol.resampling == "area":
        return cv2.resize(cropped, size, interpolation=cv2.INTER_AREA)
    filters = PillowImage.Resampling
    kernel = filters.BICUBIC if protocol.resampling == "bicubic" else filters.LANCZOS
    return np.asarray(PillowImage.fromarray(cropped).resize(size, kernel))


def hole_mask(name: str, own_mask: Mask | None, resolution: int, protocol: Protocol) -> Mask:
    """The hole of one case: bool (resolution, resolution), True = hole.

    own_mask: the dataset's mask at the photograph's size, needed by `hole.kind = "dataset"` only.
    """
    if isinstance(protocol.hole, DatasetMasks):
        if own_mask is None:
            raise ValueError(f"{name} has no mask of its own")
        return nearest(square(own_mask, protocol), resolution, resolution)
    return protocol.hole.draw(resolution, name)


def _check_holes(protocol: Protocol, path: Path) -> None:
    """Refuse a drawn hole that is empty or everything at one of the resolutions."""
    if isinstance(protocol.hole, DatasetMasks):
        return
    for resolution in protocol.resolutions:
        mask = protocol.hole.draw(resolution, "")
        if not mask.any() or mask.all():
            state = "covers no pixel" if not mask.any() else "covers the whole image"
            raise InputError(f"protocol {path}: the hole {state} at {resolution} px; change [hole]")
