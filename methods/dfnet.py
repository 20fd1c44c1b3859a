"""DFNet as a method: weights of any width and depth, any size of image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from methods.architectures.spans import hole_spans
from methods.base import Image, Mask
from methods.network import (
    NetworkInpainter,
    State,
    built,
    network_classes,
    pad_to_multiple,
    stored_width,
    to_image,
    to_tensor,
)

if TYPE_CHECKING:
    from methods.architectures.dfnet import DFNet

__getattr__ = network_classes("dfnet", "DFNet")


@dataclass(kw_only=True)
class DFNetInpainter(NetworkInpainter):
    """DFNet at the image's own size, sides padded to multiples of 256 by repeating the border.

    Parameters
    ----------
    rounding
        How the network's output becomes 8-bit; the published code truncates.
    """

    name: ClassVar[str] = "dfnet"
    summary: ClassVar[str] = "deep fusion network, native (Hong et al. 2019)"
    typical_seconds: ClassVar[float | None] = 1.0
    weights_name: ClassVar[str] = "dfnet"

    rounding: Literal["truncate", "nearest"] = "truncate"

    def build(self, state: State | None) -> DFNet:
        from methods.architectures.dfnet import ENCODER, DFNet

        if state is None:
            return DFNet()
        # Assume the published depth for tensors of other networks: the error names what is missing.
        levels = [level for level in (5, 6, 7) if f"en_{level}.encode.0.conv.1.weight" in state]
        depth = 1 + max(levels, default=7)
        deepest = f"en_{depth - 1}.encode.0.conv.1.weight"
        width = stored_width(self.metadata(), state, deepest, ENCODER[depth - 1][0])
        relative = self.metadata().get("fill") == "smooth"
        return built(lambda: DFNet(width, relative, depth), state)

    def fill(self, image: Image, mask: Mask) -> Image:
        from methods.architectures.dfnet import DFNet, masked_input

        network, device, metadata = self.loaded(), self.torch_device(), self.metadata()
        assert isinstance(network, DFNet)
        rows, columns = hole_spans(mask)
        step = -1 if metadata.get("colour_order", "BGR") == "BGR" else 1
        with self.inference():
            pixels = pad_to_multiple(to_tensor(image[..., ::step], device) / 255, network.multiple)
            known = pad_to_multiple(1 - to_tensor(mask, device), network.multiple)
            img_miss = masked_input(pixels, known, metadata.get("fill", "black"))
            result = network.result_in(img_miss, known, rows, columns)
        raw = image.copy()
        raw[slice(*rows), slice(*columns)] = to_image(result, self.rounding)[..., ::step]
        return raw
