"""HiFill: two stages fill a small image, then detail of the large image is added."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from methods.architectures.residual_aggregation import finish, prepare
from methods.architectures.spans import hole_spans
from methods.base import Image, Mask
from methods.network import NetworkInpainter, State, network_classes, to_tensor
from methods.tensors import on_device

if TYPE_CHECKING:
    from methods.architectures.hifill import HiFill

# Pixels around the hole that its smooth continuation is computed from.
RIM = 16

__getattr__ = network_classes("hifill", "HiFill")


@dataclass(kw_only=True)
class HiFillInpainter(NetworkInpainter):
    """The published script: an image of any size is resized to a square, whose block means are
    filled at 512 x 512 pixels, and back.

    The script shows the network pixels under the hole, which influence the block means at the rim
    and the low-frequency image; here a smooth continuation of the known pixels replaces them.

    Parameters
    ----------
    multiple
        Side of the square in units of 512 pixels; 6 in the script.
    """

    name: ClassVar[str] = "hifill"
    summary: ClassVar[str] = "512 px and contextual residual aggregation (Yi et al. 2020)"
    typical_seconds: ClassVar[float | None] = 0.6
    weights_name: ClassVar[str] = "hifill"

    multiple: Annotated[int, Field(ge=1, le=16)] = 6

    def build(self, state: State | None) -> HiFill:
        from methods.architectures.hifill import HiFill

        if state is None:
            return HiFill()
        return HiFill.from_tensorflow({name: tensor.numpy() for name, tensor in state.items()})

    def fill(self, image: Image, mask: Mask) -> Image:
        from methods.architectures.hifill import HiFill

        network, device = self.loaded(), self.torch_device()
        assert isinstance(network, HiFill)
        with self.inference():
            bgr = _continued(image[..., ::-1], mask)
            frame = prepare(bgr, ~mask, self.multiple)
            pixels = on_device(frame.small_image, device).permute(2, 0, 1)[None]
            hole = to_tensor(frame.small_hole > 0, device)
            _, refined, weights = network(pixels / 127.5 - 1, hole)
            inpainted = ((refined[0].float() + 1) * 127.5).permute(1, 2, 0).cpu().numpy()
        result = finish(bgr, frame, inpainted, weights.cpu().numpy(), hole_spans(mask))
        # Truncated, as in the published script.
        return np.ascontiguousarray(result.astype(np.uint8)[..., ::-1])


def _continued(image: Image, mask: Mask) -> NDArray[np.float32]:
    """Return the image as float32 (H, W, 3), 0-255, with a smooth continuation in the hole."""
    import torch

    from methods.architectures.dfnet import smooth_fill

    box = tuple(
        slice(*span.grown(RIM).clipped(size))
        for span, size in zip(hole_spans(mask), mask.shape, strict=True)
    )
    device = torch.device("cpu")
    filled = smooth_fill(to_tensor(image[box], device), 1 - to_tensor(mask[box], device))
    result = image.astype(np.float32)
    result[box] = filled[0].permute(1, 2, 0).numpy()
    return result
