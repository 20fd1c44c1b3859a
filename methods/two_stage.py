"""Two-stage inpainting: any method at low resolution, upscaled, refined at full resolution.

A. Moskalenko, M. Erofeev, D. Vatolin, Deep Two-Stage High-Resolution Image Inpainting, 2020.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

import methods
from methods.architectures.detail import DetailNet
from methods.architectures.refinement import ENCODER, RefinementNet
from methods.architectures.stacking import (
    Prepared,
    Stack,
    matched,
    prepared_as_in_paper,
    prepared_as_published,
)
from methods.architectures.unet import hole_spans
from methods.base import Image, Inpainter, Mask, MethodError, MissingRequirementError
from methods.classical import OPENCV
from methods.dfnet import DFNetInpainter
from methods.network import NetworkInpainter, State, exact, load_state, to_image, width_of
from methods.validation import field_names
from methods.weights import RANDOM, files

PUBLISHED_SIZE = 512


@dataclass(kw_only=True)
class TwoStage(NetworkInpainter):
    """stage_one: name of any other method; stage_one_options: its options (weights too);
    networks: weights of both stages where none are given, "compact" ones, trained by this project,
    or those "published" by the authors; working_size: the longer side that stage one sees, in
    pixels, by default what its weights were made for, else 512; refine: False leaves the
    refinement network out; profile: "published" does what the authors' code does, "paper" what the
    paper says, "auto" what the weights were made for; seed: for a stage one that takes one;
    weights: of the refinement network."""

    name: ClassVar[str] = "two-stage"
    summary: ClassVar[str] = "stage one at 512 px, refined at full size (Moskalenko et al. 2020)"
    requires: ClassVar[dict[str, str]] = {**OPENCV, **NetworkInpainter.requires}
    weights_name: ClassVar[str] = "refinement"
    version: ClassVar[int] = 3

    stage_one: str = "dfnet"
    stage_one_options: dict[str, Any] = field(default_factory=dict)
    networks: Literal["compact", "published"] = "compact"
    working_size: Annotated[int, Field(ge=16)] | None = None
    refine: bool = True
    profile: Literal["auto", "published", "paper"] = "auto"
    seed: int | None = None
    _inner: Inpainter = field(init=False, repr=False)
    _profile: str = field(init=False, repr=False)
    _working_size: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        cls = methods.method_class(self.stage_one)
        if issubclass(cls, TwoStage):
            raise ValueError("stage one of two-stage cannot be two-stage itself")
        missing = []
        self._file = None
        # The registry's default is what the authors published.
        variant = self.networks if self.networks == "compact" else None
        try:
            if self.refine and self.weights != RANDOM:
                self._file = files.find(self.weights_name, self.weights or variant)
        except MissingRequirementError as error:
            missing.append(str(error))
        self._profile = self._chosen_profile()
        try:
            self._inner = self._created(cls, variant)
        except MissingRequirementError as error:
            missing.append(str(error))
        if missing:
            raise MissingRequirementError("; ".join(missing))
        self._working_size = self.working_size or self._size_of_stage_one()
        self.measures_cost = self._inner.measures_cost  # type: ignore[misc]

    def _created(self, cls: type[Inpainter], variant: str | None) -> Inpainter:
        """Stage one."""
        options, known = dict(self.stage_one_options), field_names(cls)
        if issubclass(cls, DFNetInpainter):
            options.setdefault("weights", variant)
        if self.seed is not None and "seed" in known:
            options.setdefault("seed", self.seed)
        if self._profile == "paper" and "rounding" in known:
            options.setdefault("rounding", "nearest")
        return methods.create(self.stage_one, device=self.device, **options)

    def _size_of_stage_one(self) -> int:
        """Pixels that its weights were made for."""
        said = self._inner.metadata() if isinstance(self._inner, NetworkInpainter) else {}
        return int(said.get("working_size", PUBLISHED_SIZE))

    def _chosen_profile(self) -> str:
        if self.profile != "auto":
            return self.profile
        return self.metadata().get("profile", "published") if self.refine else "paper"

    def _copies_detail(self) -> bool:
        """Not the paper's network, but the compact one."""
        return self.refine and self.metadata().get("network") == "detail"

    @property
    def note(self) -> str:
        copied = ", with detail of the shifted copies" if self._copies_detail() else ""
        refined = f"refined at full size{copied}, profile {self._profile}"
        end = refined if self.refine else "NOT refined"
        notes = [
            f"stage one {self.stage_one} at {self._working_size} px, upscaled bilinearly, {end}"
        ]
        if self._inner.note:
            notes.append(f"{self.stage_one}: {self._inner.note}")
        if self.refine and super().note:
            notes.append(f"refinement: {super().note}")
        return "; ".join(notes)

    @property
    def remark(self) -> str:
        remarks = [super().remark if self.refine else "not refined", self._inner.remark]
        return "; ".join(dict.fromkeys(remark for remark in remarks if remark))

    def load(self) -> None:
        self._inner.load()
        if self.refine:
            super().load()

    def check(self) -> None:
        self._inner.check()
        if self.refine:
            super().check()

    def weights_used(self) -> dict[str, str]:
        return {**self._inner.weights_used(), **(super().weights_used() if self.refine else {})}

    def check_resolutions(self, resolutions: list[int]) -> None:
        self._inner.check_resolutions(resolutions)

    def for_case(self, resolution: int, image_name: str) -> TwoStage:
        bound = copy(self)
        bound._inner = self._inner.for_case(resolution, image_name)
        return bound

    def identity(self, resolution: int, image_name: str) -> dict[str, Any]:
        found = super().identity(resolution, image_name)
        options = {**found["options"], "profile": self._profile}
        options["working_size"] = self._working_size
        # They count as far as they reach stage one.
        for name in ("stage_one", "stage_one_options", "networks", "seed"):
            del options[name]
        return {
            **found,
            "options": options,
            "stage_one": self._inner.identity(resolution, image_name),
        }

    def build(self, state: State | None) -> RefinementNet | DetailNet:
        if state is None:
            return RefinementNet()
        said = self.metadata()
        if self._copies_detail():
            return load_state(DetailNet(float(said["width"])), state)
        width = width_of(said, state, "en8.encode.0.conv.1.weight", ENCODER[7][0])
        return load_state(RefinementNet(width, said.get("relative") == "yes"), state)

    def fill(self, image: Image, mask: Mask) -> Image:
        prepare = prepared_as_published if self._profile == "published" else prepared_as_in_paper
        frame = prepare(image, mask, self._working_size)
        coarse = self._coarse(frame.small_image, frame.small_mask)[frame.inner]
        self.log, self.peak_memory_mb = self._inner.log, self._inner.peak_memory_mb
        whole = matched(frame, coarse)
        if self.refine:
            self._refine(whole, frame)
        height, width = mask.shape
        return whole[:height, :width]

    def _coarse(self, image: Image, mask: Mask) -> Image:
        if not mask.any():
            # A hole thinner than the sampling step: its surroundings are all that is needed.
            return image
        if mask.all():
            raise MethodError(
                f"no known pixel is left at {image.shape[1]}x{image.shape[0]}; raise working_size"
            )
        return self._inner.inpaint(image, mask)

    def _refine(self, whole: Image, frame: Prepared) -> None:
        """Replace the box around the hole by what the refinement network makes of it."""
        network, device = self.loaded(), self.torch_device()
        assert isinstance(network, RefinementNet | DetailNet)
        stack = Stack(whole, frame.mask | frame.invalid, frame.shift)
        rows, columns = hole_spans(frame.mask)
        with exact():
            refined = network.refilled_in(
                lambda r, c: stack.at(r, c, device), whole.shape[:2], rows, columns
            )
        rounding = "truncate" if self._profile == "published" else "nearest"
        whole[slice(*rows), slice(*columns)] = to_image(refined, rounding)
