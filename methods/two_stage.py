"""Two-stage inpainting: any method at low resolution, upscaled, refined at full resolution."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, field
from itertools import compress
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

import methods
from methods.architectures import two_stage_choice as choice
from methods.architectures.spans import hole_spans
from methods.architectures.two_stage_input import (
    Frame,
    RefinementInput,
    frame_as_in_paper,
    frame_as_published,
    paste_upscaled,
)
from methods.base import Image, Inpainter, Mask, MethodError, MissingRequirementError, Resolution
from methods.biharmonic import Biharmonic
from methods.classical import OPENCV, NavierStokes, Telea
from methods.dfnet import DFNetInpainter
from methods.network import (
    NetworkInpainter,
    State,
    built,
    network_classes,
    stored_width,
    to_image,
)
from methods.texture import MATCHED_VERSION
from methods.validation import field_names
from methods.weights import RANDOM, files

if TYPE_CHECKING:
    from methods.architectures.detail import DetailNet
    from methods.architectures.refinement import RefinementNet

PUBLISHED_SIZE = 512
# Stage ones without texture, which refinement networks add; that of others can be found again.
SMOOTH = (DFNetInpainter, Telea, NavierStokes, Biharmonic)

__getattr__ = network_classes("refinement", "RefinementNet")


@dataclass(kw_only=True)
class TwoStage(NetworkInpainter):
    """Any method at low resolution, then detail at full resolution.

    Parameters
    ----------
    stage_one
        Name of any other method.
    stage_one_options
        Its options, weights included.
    networks
        Weights of both stages if none are given: "compact", trained by this project, or those
        "published" by the authors; "auto" takes the published ones once both have been fetched.
    working_size
        Longer side of stage one's input, in pixels; by default the size that its weights were
        trained for, else 512.
    refinement
        "network" is that of the paper or the compact one; "matched" copies the detail of the places
        that look like stage one's result; "none" leaves stage one's result as it is. By default
        "network" for a stage one without texture (DFNet, Telea, Navier-Stokes, biharmonic)
        or if its weights or the published profile are given, else "matched".
    refine
        False is the same as refinement = "none".
    profile
        "published" follows the authors' code, "paper" the text of the paper, "auto" the weights.
    seed
        For a stage one with a seed, and for the search of matched detail.
    weights
        Weights of the refinement network.

    References
    ----------
    A. Moskalenko, M. Erofeev, D. Vatolin, Deep Two-Stage High-Resolution Image Inpainting, 2020.
    """

    name: ClassVar[str] = "two-stage"
    summary: ClassVar[str] = "stage one at 512 px, refined at full size (Moskalenko et al. 2020)"
    requires: ClassVar[dict[str, str]] = {**OPENCV, **NetworkInpainter.requires}
    weights_name: ClassVar[str] = "refinement"
    option_after_colon: ClassVar[str] = "stage_one"
    typical_seconds: ClassVar[float | None] = 1.5
    version: ClassVar[int] = 3

    stage_one: str = "dfnet"
    stage_one_options: dict[str, Any] = field(default_factory=dict)
    networks: Literal["auto", "compact", "published"] = "auto"
    working_size: Annotated[int, Field(ge=16)] | None = None
    refinement: choice.Refinement | None = None
    refine: bool | None = None
    profile: Literal["auto", "published", "paper"] = "auto"
    seed: int | None = None
    _inner: Inpainter = field(init=False, repr=False)
    _networks: choice.Networks = field(init=False, repr=False)
    # Why these are not the published ones, for the note.
    _lacking: str = field(init=False, repr=False)
    _refinement: choice.Refinement = field(init=False, repr=False)
    _profile: str = field(init=False, repr=False)
    _working_size: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        cls = methods.method_class(self.stage_one)
        if issubclass(cls, TwoStage):
            raise ValueError("stage one of two-stage cannot be two-stage itself")
        asks = self.weights or self.networks == "published" or self.profile != "auto"
        self._refinement = choice.choose_refinement(
            self.refinement, self.refine, self.profile, bool(asks) or issubclass(cls, SMOOTH)
        )
        has_weights = self.weights is not None or "weights" in self.stage_one_options
        self._networks, self._lacking = choice.choose_networks(self.networks, has_weights)
        missing = choice.lacking(self._refinement)
        self._file = None
        # The default variant in the registry is the published one.
        variant = self._networks if self._networks == "compact" else None
        try:
            if self._has_network and self.weights != RANDOM:
                self._file = files.find(self.weights_name, self.weights or variant)
        except MissingRequirementError as error:
            missing.append(str(error))
        self._profile = self._chosen_profile()
        try:
            self._inner = self._create_stage_one(cls, variant)
        except MissingRequirementError as error:
            missing.append(str(error))
        if missing:
            raise MissingRequirementError("; ".join(missing))
        metadata = self._inner.metadata() if isinstance(self._inner, NetworkInpainter) else {}
        self._working_size = self.working_size or int(metadata.get("working_size", PUBLISHED_SIZE))
        self.measures_cost = self._inner.measures_cost  # type: ignore[misc]

    def _create_stage_one(self, cls: type[Inpainter], variant: str | None) -> Inpainter:
        options, known = dict(self.stage_one_options), field_names(cls)
        if issubclass(cls, DFNetInpainter):
            options.setdefault("weights", variant)
        if self.seed is not None and "seed" in known:
            options.setdefault("seed", self.seed)
        if self._profile == "paper" and "rounding" in known:
            options.setdefault("rounding", "nearest")
        if issubclass(cls, NetworkInpainter):
            options.setdefault("precision", self.precision)
        return methods.create(self.stage_one, device=self.device, **options)

    def _chosen_profile(self) -> str:
        if self.profile != "auto":
            return self.profile
        return self.metadata().get("profile", "published") if self._has_network else "paper"

    @property
    def _has_network(self) -> bool:
        return self._refinement == "network"

    def _is_compact(self) -> bool:
        """Return whether the weights are those of this project's refinement network."""
        return self._has_network and self.metadata().get("network") == "detail"

    @property
    def note(self) -> str:
        is_smooth = isinstance(self._inner, SMOOTH)
        refined = choice.note(self._refinement, self._profile, self._is_compact(), is_smooth)
        notes = [f"stage one {self.stage_one} at {self._working_size} px, {refined}"]
        if self._inner.note:
            notes.append(f"{self.stage_one}: {self._inner.note}")
        if self._has_network and super().note:
            notes.append(f"refinement: {super().note}")
        if used := self._used_of_pair():
            notes.append(f"{self._networks} weights of {' and '.join(used)}{self._lacking}")
        return "; ".join(notes)

    @property
    def remark(self) -> str:
        own = {"network": super().remark, "matched": "matched detail", "none": "not refined"}
        is_published = self._networks == "published" and any(self._used_of_pair())
        published = "published weights" if is_published else ""
        remarks = [own[self._refinement], self._inner.remark, published]
        return "; ".join(dict.fromkeys(remark for remark in remarks if remark))

    def _used_of_pair(self) -> list[str]:
        """Return the names of the weights that `networks` has chosen."""
        has_dfnet = isinstance(self._inner, DFNetInpainter)
        stage_one = has_dfnet and "weights" not in self.stage_one_options
        return list(compress(choice.PAIR, (stage_one, self._has_network and self.weights is None)))

    def load(self) -> None:
        self._inner.load()
        if self._has_network:
            super().load()
        elif self._refinement == "matched":
            from methods.texture.matched import compile_loops

            compile_loops()

    def check(self) -> None:
        self._inner.check()
        if self._has_network:
            super().check()

    def weights_used(self) -> dict[str, str]:
        own = super().weights_used() if self._has_network else {}
        return {**self._inner.weights_used(), **own}

    def check_resolutions(self, resolutions: Sequence[Resolution]) -> None:
        self._inner.check_resolutions(resolutions)

    def for_case(self, resolution: Resolution, image_name: str) -> TwoStage:
        bound = copy(self)
        bound._inner = self._inner.for_case(resolution, image_name)
        return bound

    def settled_options(self) -> dict[str, Any]:
        return {"networks": self._networks, "refinement": self._refinement}

    def identity(self, resolution: Resolution, image_name: str) -> dict[str, Any]:
        """Identify stage one by its own identity instead of the options it was created from.

        Cases with the network or without refinement are those from before there was a choice.
        """
        identity = super().identity(resolution, image_name)
        options = {**identity["options"], "profile": self._profile}
        options["working_size"] = self._working_size
        options["refine"] = self._refinement != "none"
        for name in ("stage_one", "stage_one_options", "networks", "refinement", "seed"):
            del options[name]
        if self._refinement == "matched":
            identity["matched"] = {"version": MATCHED_VERSION, "seed": self.seed or 0}
        stage_one = self._inner.identity(resolution, image_name)
        return {**identity, "options": options, "stage_one": stage_one}

    def build(self, state: State | None) -> RefinementNet | DetailNet:
        from methods.architectures.detail import DetailNet
        from methods.architectures.refinement import ENCODER, RefinementNet

        if state is None:
            return RefinementNet()
        metadata = self.metadata()
        if self._is_compact():
            return built(lambda: DetailNet(float(metadata["width"])), state)
        width = stored_width(metadata, state, "en8.encode.0.conv.1.weight", ENCODER[7][0])
        relative = metadata.get("relative") == "yes"
        return built(lambda: RefinementNet(width, relative), state)

    def fill(self, image: Image, mask: Mask) -> Image:
        if self._refinement == "matched":
            return self._fill_matched(image, mask)
        prepare = frame_as_published if self._profile == "published" else frame_as_in_paper
        frame = prepare(image, mask, self._working_size)
        coarse = self._fill_coarse(frame.small_image, frame.small_mask)[frame.inner]
        whole = paste_upscaled(frame, coarse)
        if self._has_network:
            self._refine(whole, frame)
        return whole[: mask.shape[0], : mask.shape[1]]

    def _fill_matched(self, image: Image, mask: Mask) -> Image:
        from methods.texture.matched import add_detail

        if max(mask.shape) <= self._working_size:
            # Enlarging the photograph for stage one would add no detail, only blur.
            return self._fill_coarse(image, mask)
        frame = frame_as_in_paper(image, mask, self._working_size)
        coarse = self._fill_coarse(frame.small_image, frame.small_mask)
        return add_detail(image, mask, coarse, frame.small_mask, self.seed or 0)

    def _fill_coarse(self, image: Image, mask: Mask) -> Image:
        if not mask.any():
            # The hole is thinner than the sampling step: its surroundings suffice.
            return image
        if mask.all():
            raise MethodError(
                f"no known pixel is left at {image.shape[1]}x{image.shape[0]}; raise working_size"
            )
        result = self._inner.inpaint(image, mask)
        self.log, self.peak_memory_mb = self._inner.log, self._inner.peak_memory_mb
        return result

    def _refine(self, whole: Image, frame: Frame) -> None:
        """Replace the box around the hole by the output of the refinement network."""
        from methods.architectures.detail import DetailNet
        from methods.architectures.refinement import RefinementNet

        network, device = self.loaded(), self.torch_device()
        assert isinstance(network, RefinementNet | DetailNet)
        channels = RefinementInput(whole, frame.mask | frame.invalid, frame.shift)
        rows, columns = hole_spans(frame.mask)
        with self.inference():
            refined = network.predict_in(
                lambda r, c: channels.at(r, c, device), whole.shape[:2], rows, columns
            )
        rounding = "truncate" if self._profile == "published" else "nearest"
        box = slice(*rows), slice(*columns)
        # Known pixels between parts of the hole stay as they are.
        np.copyto(whole[box], to_image(refined, rounding), where=frame.mask[box][..., None])
