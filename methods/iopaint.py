"""Models of IOPaint (Sanster), by their names there, with its strategies for large images."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from methods.base import Image, Inpainter, Mask, MethodError, MissingRequirementError
from methods.errors import suggestion
from methods.tensors import torch_device
from methods.validation import build


@dataclass(kw_only=True)
class IOPaint(Inpainter):
    """Run a model of IOPaint through its `ModelManager`; nothing is downloaded for it.

    IOPaint needs old versions of several libraries: it is best installed in an environment of its
    own, whose Python is given with `--python`.

    Parameters
    ----------
    model
        Name that IOPaint has for it: "lama", "mat", "cv2", or a diffusion model that it has
        downloaded, "OWNER/NAME".
    strategy
        What IOPaint does with large images: fill them at their own size, reduce them, or fill a
        crop around each part of the hole. Its diffusion models have none.
    crop_trigger
        Longer side in pixels beyond which `crop` crops.
    crop_margin
        Pixels around each part of the hole that a crop has.
    resize_limit
        Longer side in pixels to which `resize` reduces.
    seed
        Of diffusion models.
    settings
        Further fields of IOPaint's `InpaintRequest`, such as `prompt`, `sd_steps`, `ldm_steps`.
    """

    name: ClassVar[str] = "iopaint"
    summary: ClassVar[str] = "a model of IOPaint, iopaint:MODEL, with --python of its environment"
    requires: ClassVar[dict[str, str]] = {"torch": "torch", "iopaint": "IOPaint"}
    option_after_colon: ClassVar[str] = "model"

    model: str
    strategy: Literal["original", "resize", "crop"] = "crop"
    crop_trigger: Annotated[int, Field(ge=1)] = 800
    crop_margin: Annotated[int, Field(ge=0)] = 128
    resize_limit: Annotated[int, Field(ge=1)] = 1280
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    settings: dict[str, Any] = field(default_factory=dict)
    _manager: Any = field(default=None, init=False, repr=False, compare=False)

    @classmethod
    def installation(cls, package: str) -> str:
        return (
            f"pip install {package} in an environment of its own, and give that environment's "
            "Python to a run with --python, or fill with it: ITS_PYTHON -m methods fill"
        )

    def check(self) -> None:
        """Raise MethodError for a model or a setting that IOPaint does not have, and
        MissingRequirementError for weights that it has not downloaded."""
        super().load()
        from iopaint.download import scan_models
        from iopaint.model import models

        self._request()
        downloaded = [model.name for model in scan_models()]
        if self.model in downloaded:
            return
        if self.model not in models and "/" not in self.model:
            known = sorted(name for name in {*models, *downloaded} if "/" not in name)
            raise MethodError(
                f"IOPaint has no model {self.model!r}, and diffusion models are OWNER/NAME"
                f"{suggestion(self.model, known)}"
            )
        raise MissingRequirementError(
            f"the weights of IOPaint's model {self.model} have not been downloaded: "
            f"{sys.executable} -m iopaint download --model {self.model}"
        )

    def load(self) -> None:
        self.check()
        from iopaint.model_manager import ModelManager

        self._manager = ModelManager(name=self.model, device=torch_device(self.device))

    def fill(self, image: Image, mask: Mask) -> Image:
        if self._manager is None:
            self.load()
        # It writes into the image that it is given.
        blue_first = self._manager(image.copy(), mask.astype(np.uint8) * 255, self._request())
        return np.ascontiguousarray(blue_first[..., ::-1])

    def _request(self) -> Any:
        """Return IOPaint's settings for one image. Raises MethodError if it has no such setting."""
        from iopaint.schema import InpaintRequest

        own = {
            "hd_strategy": self.strategy.capitalize(),
            "hd_strategy_crop_trigger_size": self.crop_trigger,
            "hd_strategy_crop_margin": self.crop_margin,
            "hd_strategy_resize_limit": self.resize_limit,
            "sd_seed": self.seed,
        }
        known = InpaintRequest.model_fields.keys() - own.keys() - {"image", "mask"}
        for name in self.settings:
            if name in own:
                raise MethodError(f"settings: {name} is set by an option of this method")
            if name not in known:
                raise MethodError(
                    f"settings: IOPaint has no {name!r}{suggestion(name, sorted(known))}"
                )
        try:
            return build(InpaintRequest, {**own, **self.settings}, "settings")
        except ValueError as error:
            raise MethodError(str(error)) from None
