"""What the perceptual and style terms look through: SqueezeNet by default, VGG16 from a file."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor, nn

from methods.architectures.backbones.squeezenet import TEXTURE_LAYERS, pretrained
from methods.base import MethodError
from methods.weights import files

# Output channels of the convolutions before each of the first three poolings.
STAGES = ((64, 64), (128, 128), (256, 256, 256))

# Root mean square of each layer over the 24 first training tiles of tiles_0.zip. Dividing by it
# brings the features to the order of one, so that the paper's weights, chosen for VGG16 on images
# in [0, 1], balance the terms as there.
SQUEEZENET_SCALES = (33.2, 53.9, 41.6)


class SqueezeNetFeatures(nn.Module):
    """SqueezeNet's features at 1/2, 1/4 and 1/8 of the image, each with a mean square of about
    one, then, if wanted, four deeper ones at 1/16 as they are."""

    def __init__(self, deep: bool = False) -> None:
        super().__init__()
        self.network = pretrained() if deep else pretrained(TEXTURE_LAYERS)

    def forward(self, image: Tensor) -> list[Tensor]:
        found = self.network(image)
        first = zip(found[:TEXTURE_LAYERS], SQUEEZENET_SCALES, strict=True)
        return [f / scale for f, scale in first] + found[TEXTURE_LAYERS:]


def features(spec: str, deep: bool = False) -> nn.Module:
    """ "squeezenet", or "vgg16=PATH" with torchvision's state dict of VGG16. deep: also the layers
    behind those that the papers' terms look at, where the network has them. Raises MethodError."""
    name, _, path = spec.partition("=")
    network: nn.Module
    if spec == "squeezenet":
        network = SqueezeNetFeatures(deep)
    elif name == "vgg16" and path:
        network = _vgg16(Path(path))
    else:
        raise MethodError(f"features {spec!r}: squeezenet, or vgg16=PATH of torchvision's file")
    return network.eval().requires_grad_(False)


def _vgg16(path: Path) -> VGG16Features:
    network = VGG16Features()
    state = files.read(path)
    wanted = network.state_dict()
    missing = [name for name in wanted if name not in state]
    if missing:
        raise MethodError(f"{path}: not torchvision's VGG16, {missing[0]} is missing")
    network.load_state_dict({name: state[name] for name in wanted})
    return network


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
