"""Verified photographs, and their pixels as the cases of a run need them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmark.inputs.masks import MaskRule, read_hole
from benchmark.inputs.protocol import Protocol, hole_mask, reference
from methods.base import Image, Mask, Resolution
from methods.errors import InputError
from methods.images import ImageFileError, read_rgb
from methods.resolutions import NATIVE


@dataclass(frozen=True, slots=True)
class Photo:
    """One verified photograph with its mask; its files are given relative to the dataset."""

    name: str
    file: str
    sha256: str
    # In pixels, after EXIF rotation.
    width: int = 0
    height: int = 0
    # left, top, right, bottom, if the protocol crops the photograph.
    crop: tuple[int, int, int, int] | None = None
    mask_file: str | None = None
    mask_sha256: str | None = None
    # Resolution -> share of the image that is hole.
    hole_share: dict[str, float] = field(default_factory=dict)
    # Share of the hole that the crop cuts off.
    hole_cut: float = 0.0
    # Whether the photograph is of one colour under its own mask.
    hole_is_plain: bool = False
    # Whether its mask had another aspect.
    mask_is_stretched: bool = False
    mask_rule: MaskRule = field(default_factory=MaskRule)
    # Whether results are compared with the photograph.
    is_reference: bool = True

    def record(self) -> dict[str, Any]:
        """Return the entry of run.json, without what all photographs of a dataset share."""
        entry = asdict(self)
        del entry["mask_rule"], entry["is_reference"]
        return entry

    def case_size(self, resolution: Resolution) -> tuple[int, int]:
        """Return height and width in pixels of the photograph's cases."""
        return (self.height, self.width) if resolution == NATIVE else (resolution, resolution)


class PhotoStore:
    """Decoded photographs of a dataset, cached up to a memory budget.

    The first photographs stay cached: every method goes through all of them in the same order, so
    evicting any would make the next round miss it.
    """

    def __init__(self, dataset: Path, budget_bytes: int = 2**29) -> None:
        self._dataset = dataset
        self._free_bytes = budget_bytes
        self._cached: dict[str, tuple[Image, Mask | None]] = {}

    def get(self, photo: Photo) -> tuple[Image, Mask | None]:
        """Return a photograph, uint8 (H, W, 3), and its own mask, bool (H, W), if it has one."""
        if photo.name in self._cached:
            return self._cached[photo.name]
        pixels = read_rgb(self._dataset / photo.file, photo.sha256)
        mask = None
        if photo.mask_file:
            path = self._dataset / photo.mask_file
            mask = read_hole(path, photo.mask_rule, pixels.shape[:2], photo.mask_sha256)
        if pixels.nbytes <= self._free_bytes:
            self._free_bytes -= pixels.nbytes
            self._cached[photo.name] = (pixels, mask)
        return pixels, mask

    def inputs(
        self, photo: Photo, resolution: Resolution, protocol: Protocol
    ) -> tuple[Image, Mask]:
        """Return reference, uint8 (H, W, 3), and mask, bool (H, W), of a photograph's cases.

        Raises InputError if a file has become unreadable since it was verified.
        """
        try:
            pixels, own_mask = self.get(photo)
        except (OSError, ImageFileError) as error:
            raise InputError(
                f"{error}; the file has changed during the run: the same command checks it again"
            ) from None
        image = reference(pixels, resolution, protocol)
        return image, hole_mask(photo.name, own_mask, image.shape[:2], protocol)
