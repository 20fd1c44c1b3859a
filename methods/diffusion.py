"""Inpainting pipelines of Hugging Face diffusers, by the name of a repository or from a folder."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from PIL import Image as PillowImage
from pydantic import Field

from methods import pipeline_files
from methods.architectures.two_stage_input import frame_as_in_paper
from methods.base import Image, Inpainter, Mask, MethodError, MissingRequirementError, Resolution
from methods.errors import InputError, is_out_of_memory
from methods.network import full_precision, torch_device
from methods.pipeline_files import SAFETY_CHECKER, PipelineFiles
from methods.shown_text import message_text

# Option -> argument of pipelines.
ARGUMENTS = {
    "prompt": "prompt",
    "negative_prompt": "negative_prompt",
    "steps": "num_inference_steps",
    "guidance": "guidance_scale",
    "strength": "strength",
}
# Arguments that `arguments` may not set.
OWN = {*ARGUMENTS.values(), "image", "mask_image", "height", "width", "generator", "output_type"}
# Older versions do not know `dtype`, and load float32 without a word.
OLDEST = (0, 40)
# Pixels per latent pixel, where a pipeline does not tell.
LATENT = 8
# Pixels of the latent image that transformers take together, along a side.
PATCH = 2


@dataclass(kw_only=True)
class Diffusers(Inpainter):
    """Run a pipeline that `AutoPipelineForInpainting` loads; nothing is downloaded for it.

    Parameters
    ----------
    model
        Name of a repository that has been downloaded, or a folder that `save_pretrained` made.
    prompt, negative_prompt
        What is to be seen in the hole, and what is not.
    steps, guidance
        Number of inference steps, and scale of the guidance by the prompt. By default the
        pipeline's own.
    strength
        How much of the noise is added, from 0 to 1. With less than 1 the black of the hole
        shows in the result.
    seed
        Of the noise, which is made on the CPU whatever the device.
    dtype
        Type of weights and activations.
    variant
        Of the weights' files, such as "fp16".
    revision
        Branch, tag or commit of the repository; by default "main" as it was downloaded.
    largest_side
        Larger images are reduced to it, and the hole is enlarged; by default all are filled at
        their own size.
    multiple
        Both sides are padded to a multiple of it by repeating the border. By default that of the
        pipeline's networks, such as 64 for Stable Diffusion.
    arguments
        Further arguments of the pipeline's call, such as `clip_skip`.

    References
    ----------
    R. Rombach, A. Blattmann, D. Lorenz, P. Esser, B. Ommer, High-Resolution Image Synthesis with
    Latent Diffusion Models, CVPR 2022, arXiv:2112.10752.
    """

    name: ClassVar[str] = "diffusers"
    summary: ClassVar[str] = "a diffusion pipeline of Hugging Face diffusers, diffusers:MODEL"
    requires: ClassVar[dict[str, str]] = {
        "torch": "torch",
        "diffusers": "diffusers",
        "transformers": "transformers",
    }
    extra: ClassVar[str] = "diffusers"
    option_after_colon: ClassVar[str] = "model"
    typical_seconds: ClassVar[float | None] = 2200.0

    model: str
    prompt: str = ""
    negative_prompt: str | None = None
    steps: Annotated[int, Field(ge=1)] | None = None
    guidance: Annotated[float, Field(ge=0)] | None = None
    strength: Annotated[float, Field(gt=0, le=1)] = 1.0
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    dtype: Literal["float32", "float16", "bfloat16"] = "float32"
    variant: str | None = None
    revision: str | None = None
    largest_side: Annotated[int, Field(ge=64)] | None = None
    multiple: Annotated[int, Field(ge=1)] | None = None
    arguments: dict[str, Any] = field(default_factory=dict)
    _files: PipelineFiles = field(init=False, repr=False, compare=False)
    _pipeline: Any = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if own := OWN & self.arguments.keys():
            raise ValueError(f"arguments: {', '.join(sorted(own))} cannot be set here")
        self.libraries()
        self._files = pipeline_files.find(self.model, self.revision, self.variant)

    @property
    def note(self) -> str:
        commit = f" at {self._files.commit[:8]}" if self._files.commit else ""
        return f"model {self._shown}{commit}, prompt {self.prompt!r}, {self.dtype}"

    @property
    def _shown(self) -> str:
        return self.model if self._files.commit else self._files.folder.name

    @classmethod
    def libraries(cls) -> dict[str, str]:
        versions = super().libraries()
        found = versions["diffusers"]
        if tuple(map(int, found.split(".")[:2])) < OLDEST:
            raise MissingRequirementError(
                f"{cls.name} needs diffusers {OLDEST[0]}.{OLDEST[1]} or newer, and {found} is "
                f"installed: {cls.installation('diffusers')}"
            )
        return versions

    def check(self) -> None:
        """Raise InputError if a part of a folder is missing, MissingRequirementError if one of a
        repository is."""
        try:
            self._files.components()
        except ValueError as error:
            if self._files.commit:
                raise self._to_download(str(error)) from None
            raise InputError(f"{error}; save or copy the whole pipeline again") from None

    def load(self) -> None:
        super().load()
        device = torch_device(self.device)
        _silence()
        try:
            pipeline = self._read().to(device)
        except Exception as error:  # it runs a dozen libraries, each with errors of its own
            if is_out_of_memory(error):
                raise
            raise self._not_loaded(error) from error
        pipeline.set_progress_bar_config(disable=True)
        self._check_arguments(pipeline)
        self._pipeline = pipeline

    def weights_used(self) -> dict[str, str]:
        return {self._shown: self._files.sha256(self.variant)}

    def settled_options(self) -> dict[str, Any]:
        return {"revision": self._files.commit} if self._files.commit else {}

    def identity(self, resolution: Resolution, image_name: str) -> dict[str, Any]:
        """Identify the pipeline by the content of its files, not by where they come from."""
        options = {**self.options(), "model": self._files.sha256(self.variant)}
        del options["revision"], options["variant"]
        return {**super().identity(resolution, image_name), "options": options}

    def fill(self, image: Image, mask: Mask) -> Image:
        if self.largest_side is None or max(mask.shape) <= self.largest_side:
            return self._fill_at_size(image, mask)
        # Here: methods are listed without OpenCV.
        import cv2

        frame = frame_as_in_paper(image, mask, self.largest_side)
        small, hole = frame.small_image, frame.small_mask
        if hole.all():
            raise MethodError(f"no known pixel is left at {self.largest_side} px; raise it")
        # A hole thinner than a small pixel is filled by its surroundings.
        filled = self._fill_at_size(small, hole) if hole.any() else small
        height, width = mask.shape
        return cv2.resize(filled, (width, height), interpolation=cv2.INTER_CUBIC)

    def _fill_at_size(self, image: Image, mask: Mask) -> Image:
        if self._pipeline is None:
            self.load()
        multiple = self.multiple or multiple_of(self._pipeline)
        margins = tuple((0, -side % multiple) for side in mask.shape)
        padded = np.pad(image, (*margins, (0, 0)), mode="edge")
        holes = np.pad(mask, margins, mode="edge")
        height, width = mask.shape
        return self._run(padded, holes)[:height, :width]

    def _run(self, image: Image, mask: Mask) -> Image:
        import torch

        height, width = mask.shape
        given: dict[str, Any] = {
            "image": PillowImage.fromarray(image),
            "mask_image": PillowImage.fromarray(mask.astype(np.uint8) * 255),
            "height": height,
            "width": width,
            "generator": torch.Generator("cpu").manual_seed(self.seed),
            "output_type": "np",
        }
        options = {name: getattr(self, option) for option, name in ARGUMENTS.items()}
        given |= {name: value for name, value in options.items() if value is not None}
        known = _parameters(self._pipeline)
        arguments = {name: value for name, value in given.items() if name in known}
        with full_precision():
            output = self._pipeline(**arguments, **self.arguments)
        return self._image_of(output, image.shape)

    def _check_arguments(self, pipeline: Any) -> None:
        """Raise MethodError if the pipeline does not take an option that is set."""
        known, name = _parameters(pipeline), type(pipeline).__name__
        defaults = {item.name: item.default for item in fields(self)}
        for option, argument in ARGUMENTS.items():
            if argument not in known and getattr(self, option) != defaults[option]:
                raise MethodError(f"{self.model}: {name} takes no {option}, remove the option")
        for argument in self.arguments:
            if argument not in known:
                raise MethodError(f"{self.model}: {name} takes no {argument!r} (`arguments`)")

    def _image_of(self, output: Any, shape: tuple[int, ...]) -> Image:
        """Return the image of an output; raise MethodError if it is none of the photograph."""
        if any(getattr(output, "nsfw_content_detected", None) or ()):
            raise MethodError(f"{self.model}: its safety checker has blackened the result")
        pixels = np.asarray(output.images[0], np.float32)
        if pixels.shape != shape:
            raise MethodError(
                f"{self.model} returned {pixels.shape} for {shape}; set `multiple` or "
                "`largest_side` to what the pipeline takes"
            )
        if not np.isfinite(pixels).all():
            raise MethodError(
                f"{self.model} returned values that are no numbers in {self.dtype}; set `dtype` "
                'to "bfloat16" or "float32"'
            )
        return np.rint(pixels * 255).clip(0, 255).astype(np.uint8)

    def _read(self) -> Any:
        import torch
        from diffusers import AutoPipelineForInpainting

        # Its black images would be scored as results.
        without = {SAFETY_CHECKER: None} if self._files.has_safety_checker() else {}
        return AutoPipelineForInpainting.from_pretrained(
            str(self._files.folder),
            dtype=getattr(torch, self.dtype),
            variant=self.variant,
            local_files_only=True,
            **without,
        )

    def _not_loaded(self, error: Exception) -> MethodError:
        reason = f"{type(error).__name__}: {message_text(str(error))[:300]}"
        text = f"model {self.model} cannot be loaded: {reason}"
        if self._files.commit and isinstance(error, OSError):
            return self._to_download(text)
        return MethodError(text)

    def _to_download(self, text: str) -> MissingRequirementError:
        again = pipeline_files.download_command(self.model, self.revision, self.variant)
        return MissingRequirementError(f"{text}; to download what is missing: {again}")


def multiple_of(pipeline: Any) -> int:
    """Return of what both sides of an image must be multiples.

    U-Nets halve the latent image at each level but the last; transformers take patches of it.
    """
    latent = getattr(pipeline, "vae_scale_factor", LATENT)
    unet = getattr(pipeline, "unet", None)
    if unet is None:
        return latent * PATCH
    return latent * 2 ** (len(unet.config.block_out_channels) - 1)


def _parameters(pipeline: Any) -> Mapping[str, Any]:
    return inspect.signature(type(pipeline).__call__).parameters


def _silence() -> None:
    """Let only errors be printed: bars and hints would fill the logs of cases."""
    import diffusers
    import transformers

    for library in (diffusers, transformers):
        library.utils.logging.set_verbosity_error()
        library.utils.logging.disable_progress_bar()
