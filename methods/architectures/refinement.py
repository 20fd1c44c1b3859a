"""The refinement network of the two-stage method: a U-Net on the coarse result at full resolution
and four shifted copies of it.

A. Moskalenko, M. Erofeev, D. Vatolin, Deep Two-Stage High-Resolution Image Inpainting, 2020,
section 3 and Fig. 2.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from methods.architectures.unet import (
    DecoderBlock,
    EncoderBlock,
    PlainConv,
    Span,
    encode,
    evaluate,
    needs,
)

MULTIPLE = 256
# The mask, the image, then four shifted images with their masks.
INPUTS = 20
IMAGE = slice(1, 4)
# Channels and kernel of each encoder block.
ENCODER = ((96, 7), (192, 5), (384, 5), (512, 3), (512, 3), (512, 3), (512, 3), (512, 3))
# As in DFNet: a quarter of a grey level.
DARKEST = 1e-3


class UNet(nn.Module):
    """Blocks en1, en2... down and de1, de2... back up, without a last layer.

    inputs: channels of the input, and of the output; encoder: channels and kernel of each block;
    width: multiplies the channels."""

    def __init__(self, inputs: int, encoder: Sequence[tuple[int, int]], width: float) -> None:
        super().__init__()
        self.depth = len(encoder)
        sizes = [inputs] + [max(8, round(channels * width)) for channels, _ in encoder]
        for level, (_, kernel) in enumerate(encoder):
            block = EncoderBlock(sizes[level], sizes[level + 1], kernel, first=level == 0)
            self.add_module(f"en{level + 1}", block)
        below = sizes[-1]
        for i, level in enumerate(reversed(range(self.depth))):
            self.add_module(f"de{i + 1}", DecoderBlock(below + sizes[level], sizes[level]))
            below = sizes[level]

    @property
    def encoders(self) -> list[EncoderBlock]:
        """From the full resolution down."""
        return [self.get_submodule(f"en{i + 1}") for i in range(self.depth)]  # type: ignore[misc]

    @property
    def decoders(self) -> list[DecoderBlock]:
        """From the deepest up."""
        return [self.get_submodule(f"de{i + 1}") for i in range(self.depth)]  # type: ignore[misc]

    def features(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) of the same; sides are multiples of 2 ** depth."""
        skips = encode(x, self.encoders)
        y = skips.pop()
        for decoder in self.decoders:
            y = decoder(y, skips.pop())
        return y


class RefinementNet(UNet):
    """width: multiplies the channels of the encoder; 1.0 is the published size (36,858,507
    parameters) and loads the published state dict; relative: the result is made as a change of the
    coarse image, not from nothing, False is the published network.

    The input (N, 20, H, W) is in [0, 1], colours RGB, masks 1 = hole or out of the frame; both
    sides must be multiples of 256."""

    def __init__(self, width: float = 1.0, relative: bool = False) -> None:
        super().__init__(INPUTS, ENCODER, width)
        self.relative = relative
        self.last_conv = nn.Sequential(PlainConv(INPUTS, 3, 1), nn.Sigmoid())

    def forward(self, x: Tensor) -> Tensor:
        """The image with its hole refilled, (N, 3, H, W) in [0, 1]: known pixels are the input's
        (the published code composites inside the network)."""
        mask = x[:, :1]
        return mask * self.refilled(x) + (1 - mask) * x[:, IMAGE]

    def refilled(self, x: Tensor) -> Tensor:
        """What the network itself makes, before known pixels are put back."""
        check_size(*x.shape[-2:])
        return self._shown(self.features(x), x[:, IMAGE])

    def _shown(self, features: Tensor, coarse: Tensor) -> Tensor:
        if not self.relative:
            return self.last_conv(features)
        return torch.sigmoid(self.last_conv[0](features) + torch.logit(coarse, eps=DARKEST))

    def refilled_in(
        self,
        input_at: Callable[[Span, Span], Tensor],
        size: tuple[int, int],
        rows: Span,
        columns: Span,
    ) -> Tensor:
        """`refilled` in a box, (N, 3, rows, columns): equal to that part of the whole, computed at
        each level only where the box needs it.

        input_at: the input (N, 20, h, w) in a span of rows and one of columns; size: of the whole
        frame (H, W)."""
        check_size(*size)
        down = needs(rows, size[0], self.encoders)
        across = needs(columns, size[1], self.encoders)
        features = evaluate(self.encoders, self.decoders, input_at, down, across)
        return self._shown(features, input_at(rows, columns)[:, IMAGE])


def check_size(height: int, width: int) -> None:
    """Raise ValueError for a size whose eight halvings are not exact."""
    if height % MULTIPLE or width % MULTIPLE:
        raise ValueError(f"RefinementNet takes multiples of {MULTIPLE} px, not {width}x{height}")
