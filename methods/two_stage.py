"""Two-stage inpainting: any method at low resolution, upscaled, known pixels pasted.

A. Moskalenko, M. Erofeev, D. Vatolin, Deep Two-Stage High-Resolution Image Inpainting, 2020,
section 3. This is the frame around stage one; the refinement network is not part of it yet.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

import cv2
from pydantic import Field

import methods
from methods.base import Image, Inpainter, Mask, MethodError, composite
from methods.classical import OPENCV
from methods.resample import nearest
from methods.validation import field_names


@dataclass(kw_only=True)
class TwoStage(Inpainter):
    """stage_one: name of any other method; stage_one_options: its options; working_size: the
    longer side that stage one sees, in pixels (images are never enlarged for it); seed: for a
    stage one that takes one."""

    name: ClassVar[str] = "two-stage"
    summary: ClassVar[str] = "stage one at 512 px, upscaled (no refinement network yet)"
    requires: ClassVar[dict[str, str]] = OPENCV

    stage_one: str = "navier-stokes"
    stage_one_options: dict[str, Any] = field(default_factory=dict)
    working_size: Annotated[int, Field(ge=16)] = 512
    seed: int | None = None
    _inner: Inpainter = field(init=False, repr=False)

    def __post_init__(self) -> None:
        cls = methods.method_class(self.stage_one)
        if issubclass(cls, TwoStage):
            raise ValueError("stage one of two-stage cannot be two-stage itself")
        options = dict(self.stage_one_options)
        if self.seed is not None and "seed" in field_names(cls):
            options.setdefault("seed", self.seed)
        self._inner = methods.create(self.stage_one, device=self.device, **options)
        self.measures_cost = self._inner.measures_cost  # type: ignore[misc]

    @property
    def note(self) -> str:
        return (
            f"stage one {self.stage_one} at {self.working_size} px, upscaled bilinearly; "
            "the paper's refinement network is not part of it yet"
        )

    def load(self) -> None:
        super().load()
        self._inner.load()

    def check_resolutions(self, resolutions: list[int]) -> None:
        self._inner.check_resolutions(resolutions)

    def for_case(self, resolution: int, image_name: str) -> TwoStage:
        bound = copy(self)
        bound._inner = self._inner.for_case(resolution, image_name)
        return bound

    def identity(self, resolution: int, image_name: str) -> dict[str, Any]:
        return {
            "method": self.name,
            "version": self.version,
            "working_size": self.working_size,
            "stage_one": self._inner.identity(resolution, image_name),
        }

    def fill(self, image: Image, mask: Mask) -> Image:
        height, width = image.shape[:2]
        scale = min(1.0, self.working_size / max(height, width))
        small = max(1, round(height * scale)), max(1, round(width * scale))
        # Image and mask are sampled by one rule: what is known in the small mask was known.
        small_image, small_mask = nearest(image, *small), nearest(mask, *small)
        coarse = self._coarse(small_image, small_mask)
        self.log, self.peak_memory_mb = self._inner.log, self._inner.peak_memory_mb
        upscaled = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
        return composite(image, upscaled, mask)

    def _coarse(self, image: Image, mask: Mask) -> Image:
        if not mask.any():
            # A hole thinner than the sampling step: its surroundings are all that is needed.
            return image
        if mask.all():
            raise MethodError(
                f"no known pixel is left at {image.shape[1]}x{image.shape[0]}; raise working_size"
            )
        return self._inner.inpaint(image, mask)
