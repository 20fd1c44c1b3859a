"""PatchMatch: the open counterpart of Photoshop's content-aware fill."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from methods.base import Image, Inpainter, Mask, MissingRequirementError


@dataclass(kw_only=True)
class PatchMatch(Inpainter):
    """Fill the hole with similar patches of the known image, found by randomised search.

    Parameters
    ----------
    patch_radius
        In pixels; patches are 2 * patch_radius + 1 pixels wide.
    seed
        Seed of the random search, set again for every image.

    References
    ----------
    C. Barnes, E. Shechtman, A. Finkelstein, D. B. Goldman, PatchMatch: A Randomized Correspondence
    Algorithm for Structural Image Editing, SIGGRAPH 2009; implementation: PyPatchMatch.
    """

    name: ClassVar[str] = "patchmatch"
    summary: ClassVar[str] = "patches of the known image (PyPatchMatch)"
    uses_device: ClassVar[bool] = False
    requires: ClassVar[dict[str, str]] = {"patchmatch": "pypatchmatch"}
    typical_seconds: ClassVar[float | None] = 6.0

    patch_radius: Annotated[int, Field(ge=1, le=50)] = 5
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0

    def load(self) -> None:
        super().load()
        from patchmatch import patch_match

        if not patch_match.patchmatch_available:
            raise MissingRequirementError(
                "patchmatch: the native library of pypatchmatch does not load on this system; "
                "leave the method out, or: pip install --force-reinstall pypatchmatch"
            )

    def fill(self, image: Image, mask: Mask) -> Image:
        from patchmatch import patch_match

        patch_match.set_random_seed(self.seed)
        holes = mask[..., None].astype(np.uint8) * 255
        # What PyPatchMatch calls the patch size is the radius.
        return patch_match.inpaint(image, holes, patch_size=self.patch_radius)
