"""Feature networks of the perceptual and style terms: SqueezeNet, or VGG16 from a file."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor, nn

from methods.architectures.backbones.squeezenet import TEXTURE_LAYERS, pretrained
from methods.base import MethodError
from methods.weights import files

# Root mean square of each layer over the 24 first training tiles of tiles_0.zip. Dividing by it
# brings the features to the order of one, so that the paper's weights, chosen for VGG16 on images
# in [0, 1], balance the terms as there.
SQUEEZENET_SCALES = (33.2, 53.9, 41.6)
# Output channels of VGG16's convolutions before each of its first three poolings.
VGG16_STAGES = ((64, 64), (128, 128), (256, 256, 256))


class SqueezeNetFeatures(nn.Module):
    """SqueezeNet's features at 1/2, 1/4 and 1/8 of the image, each with a mean square of about
    one; `deep` adds four layers at 1/16, which are not scaled."""

    def __init__(self, deep: bool) -> None:
        super().__init__()
        self.network = pretrained() if deep else pretrained(TEXTURE_LAYERS)

    def forward(self, image: Tensor) -> list[Tensor]:
        layers = self.network(image)
        scaled = zip(layers[:TEXTURE_LAYERS], SQUEEZENET_SCALES, strict=True)
        return [layer / scale for layer, scale in scaled] + layers[TEXTURE_LAYERS:]


class VGG16Features(nn.Module):
    """Outputs of the first three max-poolings of VGG16, at 1/2, 1/4 and 1/8 of the input.

    Names of the tensors are torchvision's (`features.0.weight`...). As in DFNet's code, the input
    (N, 3, H, W) is in [0, 1], not normalised by ImageNet's mean and standard deviation."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        into = 3
        for stage in VGG16_STAGES:
            for out in stage:
                layers += [nn.Conv2d(into, out, 3, padding=1), nn.ReLU()]
                into = out
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)

    def forward(self, image: Tensor) -> list[Tensor]:
        pooled = []
        for layer in self.features:
            image = layer(image)
            if isinstance(layer, nn.MaxPool2d):
                pooled.append(image)
        return pooled


def load_features(name: str, deep: bool = False) -> nn.Module:
    """Return a frozen feature network: "squeezenet", or "vgg16=PATH" of torchvision's file. `deep`
    adds the layers after those of the papers' terms, if the network has them."""
    kind, _, path = name.partition("=")
    if name == "squeezenet":
        network: nn.Module = SqueezeNetFeatures(deep)
    elif kind == "vgg16" and path:
        network = _vgg16(Path(path))
    else:
        raise MethodError(f"features {name!r}: squeezenet, or vgg16=PATH of torchvision's file")
    return network.eval().requires_grad_(False)


def _vgg16(path: Path) -> VGG16Features:
    network = VGG16Features()
    state, names = files.read(path), network.state_dict().keys()
    missing = [name for name in names if name not in state]
    if missing:
        raise MethodError(f"{path}: not torchvision's VGG16, {missing[0]} is missing")
    network.load_state_dict({name: state[name] for name in names})
    return network
