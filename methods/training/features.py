"""What the perceptual and style terms look through: SqueezeNet by default, VGG16 from a file."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor, nn

from methods.backbones.squeezenet import TEXTURE_LAYERS, pretrained
from methods.base import MethodError
from methods.training.vgg import VGG16Features
from methods.weights import files

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
