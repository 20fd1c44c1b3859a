"""DFNet: a U-Net that blends what it makes with the known image, at six scales.

X. Hong, P. Xiong, R. Ji, H. Fan, Deep Fusion Network for Image Completion, ACM Multimedia 2019.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from methods.architectures.smooth import smooth_fill
from methods.architectures.unet import (
    SLOPE,
    DecoderBlock,
    EncoderBlock,
    PlainConv,
    Span,
    cut,
    encode,
    evaluate,
    hole_spans,
    needs,
    unpadded,
)
from methods.base import Image, Mask
from methods.network import (
    NetworkInpainter,
    State,
    exact,
    load_state,
    pad_to_multiple,
    to_image,
    to_tensor,
    width_of,
)

# Channels and kernel of each encoder block.
ENCODER = ((64, 7), (128, 5), (256, 5), (512, 3), (512, 3), (512, 3), (512, 3), (512, 3))
FUSED_SCALES = 6
# A pixel as dark, or as bright, as a relative network can tell: a quarter of a grey level.
DARKEST = 1e-3


class Fused(NamedTuple):
    """One scale's outputs, (N, 3, h, w) in [0, 1]: result = alpha * raw + (1 - alpha) * known."""

    result: Tensor
    alpha: Tensor
    raw: Tensor


class Blend(nn.Module):
    """Known and raw image to alpha."""

    def __init__(self) -> None:
        super().__init__()
        self.blend = nn.Sequential(
            PlainConv(6, 32, 1),
            nn.BatchNorm2d(32),
            nn.LeakyReLU(SLOPE),
            PlainConv(32, 3, 3),
            nn.BatchNorm2d(3),
            nn.LeakyReLU(SLOPE),
            PlainConv(3, 3, 1),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.blend(x)


class FusionBlock(nn.Module):
    """Paper, section 3.2: features to a raw completion and, for each colour, an alpha with which
    it is blended with the known image. relative: the raw completion is made as a change of the
    known image, not from nothing; for inputs whose hole is filled already."""

    def __init__(self, channels: int, relative: bool) -> None:
        super().__init__()
        self.relative = relative
        self.map2img = nn.Sequential(PlainConv(channels, 3, 1), nn.Sigmoid())
        self.blend = Blend()

    def forward(self, img_miss: Tensor, features: Tensor) -> Fused:
        size = features.shape[-2:]
        known = interpolate(img_miss, size=size, mode="bilinear", align_corners=False)
        raw = self._raw(known, features)
        alpha = self.blend(torch.cat([known, raw], dim=1))
        return Fused(alpha * raw + (1 - alpha) * known, alpha, raw)

    def _raw(self, known: Tensor, features: Tensor) -> Tensor:
        if not self.relative:
            return self.map2img(features)
        return torch.sigmoid(self.map2img[0](features) + torch.logit(known, eps=DARKEST))

    def unpadded(self, known: Tensor, features: Tensor, ends: tuple[Span, Span]) -> Tensor:
        """The result without the outermost pixels of `known` and `features`, which share their
        size. ends: rows and columns wanted, counted in that size; where they leave it is the
        border of the frame, with zeros beyond."""
        raw = self._raw(known, features)
        blend = self.blend.blend
        hidden = blend[:3](torch.cat([known, raw], dim=1))
        whole = (Span(0, hidden.shape[-2]), Span(0, hidden.shape[-1]))
        hidden = cut(hidden, whole, [span.grown(1) for span in ends])
        alpha = blend[4:](unpadded(blend[3], hidden))
        known, raw = cut(known, whole, ends), cut(raw, whole, ends)
        return alpha * raw + (1 - alpha) * known


class DFNet(nn.Module):
    """Deep Fusion Network. width: multiplies the channels of the encoder; 1.0 is the published
    size (32,880,504 parameters) and loads the published state dict; relative: see FusionBlock,
    False is the published network; depth: halvings, the published network has all eight.

    Image and mask are in [0, 1], mask 1 = known; the published weights expect BGR. Both sides must
    be multiples of 2**depth: 256."""

    def __init__(
        self, width: float = 1.0, relative: bool = False, depth: int = len(ENCODER)
    ) -> None:
        super().__init__()
        self.depth = depth
        sizes = [4] + [max(8, round(channels * width)) for channels, _ in ENCODER[:depth]]
        for i, (_, kernel) in enumerate(ENCODER[:depth]):
            block = EncoderBlock(sizes[i], sizes[i + 1], kernel, first=i == 0)
            self.add_module(f"en_{i}", block)
        for i in range(depth):
            self.add_module(f"de_{i}", DecoderBlock(sizes[i + 1] + sizes[i], sizes[i]))
        for i in range(FUSED_SCALES):
            self.add_module(f"fuse_{i}", FusionBlock(sizes[i], relative))

    @property
    def encoders(self) -> list[EncoderBlock]:
        """From the full resolution down."""
        return [self.get_submodule(f"en_{i}") for i in range(self.depth)]  # type: ignore[misc]

    @property
    def decoders(self) -> list[DecoderBlock]:
        """From the deepest up."""
        names = [f"de_{i}" for i in reversed(range(self.depth))]
        return [self.get_submodule(name) for name in names]  # type: ignore[misc]

    def fusion(self, scale: int) -> FusionBlock:
        return self.get_submodule(f"fuse_{scale}")  # type: ignore[return-value]

    def forward(
        self, img_miss: Tensor, mask: Tensor
    ) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
        """Results, alphas and raw completions at scales 0 (full) to 5 (1/32).

        img_miss: (N, 3, H, W), image times mask; mask: (N, 1, H, W)."""
        x = self._joined(img_miss, mask)
        skips = encode(x, self.encoders)
        below = skips.pop()
        fused: list[Fused] = []
        for scale, decoder in zip(reversed(range(self.depth)), self.decoders, strict=True):
            below = decoder(below, skips.pop())
            if scale < FUSED_SCALES:
                fused.insert(0, self.fusion(scale)(img_miss, below))
        results, alphas, raws = zip(*fused, strict=True)
        return list(results), list(alphas), list(raws)

    def finest(self, img_miss: Tensor, mask: Tensor, rows: Span, columns: Span) -> Tensor:
        """The full-resolution result in a box, (N, 3, rows, columns): equal to that part of
        `forward`, computed at each level only where the box needs it."""
        x = self._joined(img_miss, mask)
        height, width = x.shape[-2:]
        down = needs(rows.grown(1), height, self.encoders)
        across = needs(columns.grown(1), width, self.encoders)
        features = evaluate(
            self.encoders,
            self.decoders,
            lambda r, c: x[..., r.start : r.stop, c.start : c.stop],
            down,
            across,
        )
        shown = down.output[0], across.output[0]
        known = img_miss[..., slice(*shown[0]), slice(*shown[1])]
        ends = [
            Span(want.start - have.start, want.stop - have.start)
            for want, have in zip((rows, columns), shown, strict=True)
        ]
        return self.fusion(0).unpadded(known, features, (ends[0], ends[1]))

    @property
    def multiple(self) -> int:
        return 2**self.depth

    def _joined(self, img_miss: Tensor, mask: Tensor) -> Tensor:
        height, width = img_miss.shape[-2:]
        if height % self.multiple or width % self.multiple:
            raise ValueError(f"DFNet takes multiples of {self.multiple} px, not {width}x{height}")
        return torch.cat([img_miss, mask], dim=1)


def prepared_input(image: Tensor, known: Tensor, fill: str = "black") -> Tensor:
    """What DFNet sees of an image (N, 3, H, W): its hole black as in the paper, or, for weights
    trained so, "smooth": filled by what continues smoothly from its border."""
    return smooth_fill(image, known) if fill == "smooth" else image * known


@dataclass(kw_only=True)
class DFNetInpainter(NetworkInpainter):
    """DFNet at the image's own size, sides padded to multiples of 256 by repeating the border.

    rounding: of the network's output to 8 bits; the published code truncates."""

    name: ClassVar[str] = "dfnet"
    summary: ClassVar[str] = "deep fusion network, native (Hong et al. 2019)"
    weights_name: ClassVar[str] = "dfnet"

    rounding: Literal["truncate", "nearest"] = "truncate"

    def build(self, state: State | None) -> DFNet:
        if state is None:
            return DFNet()
        # The published depth for files of another network too: what is missing is then named.
        depth = (
            7
            if "en_6.encode.0.conv.1.weight" in state and "en_7.encode.0.conv.1.weight" not in state
            else 8
        )
        deepest = f"en_{depth - 1}.encode.0.conv.1.weight"
        width = width_of(self.metadata(), state, deepest, ENCODER[depth - 1][0])
        relative = self.metadata().get("fill", "black") == "smooth"
        return load_state(DFNet(width, relative, depth), state)

    def fill(self, image: Image, mask: Mask) -> Image:
        network, device = self.loaded(), self.torch_device()
        assert isinstance(network, DFNet)
        rows, columns = hole_spans(mask)
        step = -1 if self.metadata().get("colour_order", "BGR") == "BGR" else 1
        with exact():
            pixels = to_tensor(image[..., ::step], device) / 255
            known = 1 - to_tensor(mask, device)
            pixels = pad_to_multiple(pixels, network.multiple, "replicate")
            known = pad_to_multiple(known, network.multiple, "replicate")
            given = prepared_input(pixels, known, self.metadata().get("fill", "black"))
            found = network.finest(given, known, rows, columns)
        raw = image.copy()
        raw[slice(*rows), slice(*columns)] = to_image(found, self.rounding)[..., ::step]
        return raw
