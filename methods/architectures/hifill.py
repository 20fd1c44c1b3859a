"""HiFill: two stages fill an image of 512 x 512 pixels, the second with contextual attention."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from methods.architectures.hifill_layers import (
    COARSE,
    REFINEMENT,
    GatedConv,
    attention,
    tensorflow_names,
    transfer,
)
from methods.architectures.tensorflow1 import Variables, doubled_bilinear, to_state_dict
from methods.weights.files import built


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
        return built(cls, to_state_dict(variables, tensorflow_names()))

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
        # Its softmax over all patches needs float32 also where convolutions have less.
        with torch.autocast(image.device.type, enabled=False):
            weights = attention(at_64.float(), mask)
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
