"""The part of VGG16 that the perceptual and style terms look through.

K. Simonyan, A. Zisserman, Very Deep Convolutional Networks for Large-Scale Image Recognition, 2015.
"""

from __future__ import annotations

from torch import Tensor, nn

# Output channels of the convolutions before each of the first three poolings.
STAGES = ((64, 64), (128, 128), (256, 256, 256))


class VGG16Features(nn.Module):
    """Outputs of the first three max-poolings of VGG16, at 1/2, 1/4 and 1/8 of the input. Names
    are torchvision's (`features.0.weight`...), numbers those of its layers.

    As in DFNet's code the input (N, 3, H, W) is in [0, 1] as it is, without ImageNet's mean and
    standard deviation."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        into = 3
        for stage in STAGES:
            for out in stage:
                layers += [nn.Conv2d(into, out, 3, padding=1), nn.ReLU()]
                into = out
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)

    def forward(self, image: Tensor) -> list[Tensor]:
        found = []
        x = image
        for layer in self.features:
            x = layer(x)
            if isinstance(layer, nn.MaxPool2d):
                found.append(x)
        return found
