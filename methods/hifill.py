"""HiFill: two stages fill a small image, then detail of the large image is added."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn

from methods.architectures.hifill_layers import (
    COARSE,
    REFINEMENT,
    GatedConv,
    attention,
    tensorflow_names,
    transfer,
)
from methods.architectures.residual_aggregation import finish, prepare
from methods.architectures.smooth import smooth_fill
from methods.architectures.spans import hole_spans
from methods.architectures.tensorflow1 import Variables, doubled_bilinear, to_state_dict
from methods.base import Image, Mask
from methods.network import NetworkInpainter, State, full_precision, load_state, to_tensor

# Pixels around the hole that its smooth continuation is computed from.
RIM = 16


class HiFill(nn.Module):
    """The generator, for images of 512 x 512 pixels.

    References
    ----------
    Z. Yi, Q. Tang, S. Azizi, D. Jang, Z. Xu, Contextual Residual Aggregation for Ultra
    High-Resolution Image Inpainting, CVPR 2020.
    """

    def __init__(self) -> None:
        super().__init__()
        for layer in COARSE:
            self.add_module(layer.name, GatedConv(layer, coarse=True))
        for layer in REFINEMENT:
            self.add_module(layer.name, GatedConv(layer, coarse=False))

    @classmethod
    def from_tensorflow(cls, variables: Variables) -> HiFill:
        """Return the network with the weights of the published checkpoint or frozen graph.

        Parameters
        ----------
        variables
            Arrays by variable name, kernels (H, W, in, out); those of other networks are ignored.

        Raises
        ------
        WeightsError
            If a variable is missing or has another shape.
        """
        return load_state(cls(), to_state_dict(variables, tensorflow_names()))

    def forward(self, image: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the results of both stages and the attention.

        Parameters
        ----------
        image
            (1, 3, 512, 512) in [-1, 1], BGR for the published weights; the hole is not read.
        mask
            (1, 1, 512, 512), 1 = hole.

        Returns
        -------
        coarse, refined
            (1, 3, 512, 512) in [-1, 1].
        attention
            (1024, 1024): how much each position of a 32x32 grid (rows) attends to each other one.
        """
        known = image * (1 - mask)
        # Every second pixel, without averaging.
        small = torch.cat([known, mask], dim=1)[..., ::2, ::2]
        coarse = doubled_bilinear(self._run(small, *(layer.name for layer in COARSE)).clamp(-1, 1))
        joined = torch.cat([coarse * mask + known, mask], dim=1)
        at_256 = self._run(joined, "re_en_down_256", "re_en_conv_256")
        at_128 = self._run(at_256, "re_en_down_128", "re_en_conv_128")
        dilated = (f"re_dil_d{rate}" for rate in (1, 2, 4, 8, 16))
        at_64 = self._run(at_128, "re_en_down_64", "re_en_conv_64", *dilated)
        weights = attention(at_64, mask)
        attended = self._run(transfer(at_64, weights, kernel=3), "re_att_64_att1")
        x = self._run(torch.cat([at_64, attended], dim=1), "re_att_64_att3")
        x = self._run(x, "re_de_up__128", "re_de_conv_128")
        attended = transfer(at_128, weights, kernel=8)
        attended = self._run(attended, "re_de_att_128_1", "re_de_att_128_2")
        x = self._run(torch.cat([attended, x], dim=1), "re_de_up__256", "re_de_conv_256")
        attended = transfer(at_256, weights, kernel=16)
        attended = self._run(attended, "re_de_att_256_1", "re_de_att_256_2")
        refined = self._run(torch.cat([attended, x], dim=1), "re_de_toRGB__256").clamp(-1, 1)
        return coarse, refined, weights

    def _run(self, x: Tensor, *layers: str) -> Tensor:
        for name in layers:
            x = self.get_submodule(name)(x)
        return x


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
    weights_name: ClassVar[str] = "hifill"

    multiple: Annotated[int, Field(ge=1, le=16)] = 6

    def build(self, state: State | None) -> HiFill:
        if state is None:
            return HiFill()
        return HiFill.from_tensorflow({name: tensor.numpy() for name, tensor in state.items()})

    def fill(self, image: Image, mask: Mask) -> Image:
        network, device = self.loaded(), self.torch_device()
        assert isinstance(network, HiFill)
        with full_precision():
            bgr = _continued(image[..., ::-1], mask)
            frame = prepare(bgr, ~mask, self.multiple)
            pixels = torch.from_numpy(frame.small_image).to(device).permute(2, 0, 1)[None]
            hole = to_tensor(frame.small_hole > 0, device)
            _, refined, weights = network(pixels / 127.5 - 1, hole)
            inpainted = ((refined[0] + 1) * 127.5).permute(1, 2, 0).cpu().numpy()
        result = finish(bgr, frame, inpainted, weights.cpu().numpy(), hole_spans(mask))
        # Truncated, as in the published script.
        return np.ascontiguousarray(result.astype(np.uint8)[..., ::-1])


def _continued(image: Image, mask: Mask) -> NDArray[np.float32]:
    """Return the image as float32 (H, W, 3), 0-255, with a smooth continuation in the hole."""
    box = tuple(
        slice(*span.grown(RIM).clipped(size))
        for span, size in zip(hole_spans(mask), mask.shape, strict=True)
    )
    device = torch.device("cpu")
    filled = smooth_fill(to_tensor(image[box], device), 1 - to_tensor(mask[box], device))
    result = image.astype(np.float32)
    result[box] = filled[0].permute(1, 2, 0).numpy()
    return result
