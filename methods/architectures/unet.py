"""The U-Net of DFNet and of the refinement networks, and its evaluation in a box.

Level L has 1 / 2**L of the resolution. The encoder goes from level 0 to the deepest level, the
decoder back. Each decoder block gets the upsampled output of the level below and the features of
the encoder at its own level (at level 0 the network's input).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, interpolate

from methods.architectures.boxes import (
    BoxAt,
    cleared_around,
    crop_or_pad,
    empty,
    in_strips,
    upsample,
)
from methods.architectures.spans import Span

SLOPE = 0.2
# Base values of `relative_sigmoid` are kept this far from 0 and 1: a quarter of a grey level.
SMALLEST_BASE = 1e-3

InputAt = Callable[[Span, Span], Tensor]


class SamePadConv(nn.Module):
    """Convolution that exactly halves the size.

    The right and the bottom get one more zero than the left and the top, as in the published code.
    """

    def __init__(self, into: int, out: int, kernel: int) -> None:
        super().__init__()
        before = (kernel - 2) // 2
        after = kernel - 2 - before
        self.conv = nn.Sequential(
            nn.ConstantPad2d((before, after, before, after), 0.0),
            nn.Conv2d(into, out, kernel, stride=2),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)

    def forward_valid(self, x: Tensor) -> Tensor:
        """Convolve without padding."""
        return self.conv[1](x)


class PlainConv(nn.Module):
    """Convolution that keeps the size."""

    def __init__(self, into: int, out: int, kernel: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(into, out, kernel, padding=kernel // 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)

    def forward_valid(self, x: Tensor) -> Tensor:
        """Convolve without padding."""
        return conv2d(x, self.conv.weight, self.conv.bias)


class EncoderBlock(nn.Module):
    """Convolution to half the size, batch norm, ReLU; without the last two if `first`."""

    def __init__(self, into: int, out: int, kernel: int, first: bool = False) -> None:
        super().__init__()
        self.kernel = kernel
        self.out = out
        self.encode = nn.Sequential(SamePadConv(into, out, kernel))
        if not first:
            self.encode.extend([nn.BatchNorm2d(out), nn.ReLU(inplace=True)])

    def forward(self, x: Tensor) -> Tensor:
        return self.encode(x)

    def forward_valid(self, x: Tensor) -> Tensor:
        """Evaluate the block without padding."""
        return self.encode[1:](self.encode[0].forward_valid(x))  # type: ignore[operator]

    def input_span(self, span: Span) -> Span:
        """Return the span of the input that a span of the output depends on."""
        start = 2 * span.start - (self.kernel - 2) // 2
        return Span(start, start + 2 * (span.stop - span.start - 1) + self.kernel)


class DecoderBlock(nn.Module):
    """Nearest-neighbour upsampling, concatenation with the skip, convolution, norm, leaky ReLU."""

    def __init__(self, into: int, out: int) -> None:
        super().__init__()
        self.into = into
        self.decode = nn.Sequential(
            PlainConv(into, out, 3), nn.BatchNorm2d(out), nn.LeakyReLU(SLOPE, inplace=True)
        )

    def forward(self, below: Tensor, skip: Tensor) -> Tensor:
        return self.decode(torch.cat([_upsampled(below), skip], dim=1))

    def forward_valid(self, joined: Tensor) -> Tensor:
        """Evaluate the block on its concatenated input without padding."""
        return self.decode[1:](self.decode[0].forward_valid(joined))  # type: ignore[operator]


class UNet(nn.Module):
    """Encoder and decoder blocks under the names of a published state dict.

    inputs: channels of the input and of the last output; encoder: channels and kernel of each
    block; width: factor of the channels; encoder_names: by default en1, en2...; decoder_names: name
    -> level in the order of the state dict, by default de1 (the deepest level), de2...
    """

    def __init__(
        self,
        inputs: int,
        encoder: Sequence[tuple[int, int]],
        width: float,
        encoder_names: Sequence[str] | None = None,
        decoder_names: Mapping[str, int] | None = None,
    ) -> None:
        super().__init__()
        depth = len(encoder)
        self._encoder_names = encoder_names or [f"en{level + 1}" for level in range(depth)]
        levels = decoder_names or {f"de{depth - level}": level for level in reversed(range(depth))}
        self._decoder_names = sorted(levels, key=levels.__getitem__, reverse=True)
        self.channels = [inputs] + [max(8, round(channels * width)) for channels, _ in encoder]
        for level, (name, (_, kernel)) in enumerate(zip(self._encoder_names, encoder, strict=True)):
            into, out = self.channels[level : level + 2]
            self.add_module(name, EncoderBlock(into, out, kernel, first=level == 0))
        for name, level in levels.items():
            out, below = self.channels[level : level + 2]
            self.add_module(name, DecoderBlock(below + out, out))

    @property
    def encoders(self) -> list[EncoderBlock]:
        """Return the encoder blocks from level 0 down."""
        return [self.get_submodule(name) for name in self._encoder_names]  # type: ignore[misc]

    @property
    def decoders(self) -> list[DecoderBlock]:
        """Return the decoder blocks from the deepest level up."""
        return [self.get_submodule(name) for name in self._decoder_names]  # type: ignore[misc]

    def outputs(self, x: Tensor) -> list[Tensor]:
        """Return the outputs of all decoder blocks, that of level 0 first.

        The sides of `x`, (N, inputs, H, W), are multiples of 2**depth.
        """
        features = [x]
        for encoder in self.encoders:
            features.append(encoder(features[-1]))
        outputs = [features.pop()]
        for decoder in self.decoders:
            outputs.append(decoder(outputs[-1], features.pop()))
        return outputs[:0:-1]

    def output_in(
        self, input_at: InputAt, size: tuple[int, int], rows: Span, columns: Span
    ) -> Tensor:
        """Return the output of level 0 in a box, computed at each level only where necessary.

        input_at: returns the input, (N, inputs, h, w), in a box; size: (H, W) of the whole input.
        """
        axes = [
            _receptive_field(span, side, self.encoders)
            for span, side in zip((rows, columns), size, strict=True)
        ]
        # How to get a box of each level's features, with zeros beyond the frame.
        skips = [partial(self._padded, input_at, size)]
        for level, encoder in enumerate(self.encoders):
            have = room = [axis.features[level + 1] for axis in axes]
            for next_encoder in self.encoders[level + 1 : level + 2]:
                # With the zeros that it reads beyond the frame, which take a copy later.
                read = [next_encoder.input_span(axis.features[level + 2]) for axis in axes]
                room = [span.union(other) for span, other in zip(have, read, strict=True)]
            encoded = partial(_encoded, encoder, skips[level])
            features = in_strips(encoded, have, encoder.out, room)
            skips.append(partial(crop_or_pad, features, room))
        x = skips.pop()([axis.outputs[-1] for axis in axes])
        for level, decoder in zip(reversed(range(len(skips))), self.decoders, strict=True):
            below = [axis.outputs[level + 1].doubled() for axis in axes]
            frame = size[0] >> level, size[1] >> level
            decoded = partial(_decoded, decoder, x, below, skips.pop(), frame)
            have = [axis.outputs[level] for axis in axes]
            x = in_strips(decoded, have, decoder.into, have)
        return x

    def _padded(self, input_at: InputAt, size: tuple[int, int], needed: Sequence[Span]) -> Tensor:
        """Return the input in a box, with zeros beyond the frame, in the layout of the weights."""
        inside = [span.clipped(side) for span, side in zip(needed, size, strict=True)]
        x = input_at(*inside)
        padded = empty(next(self.parameters()), x.shape[:2], needed)
        cleared_around(padded, needed, inside).copy_(x)
        return padded


def _encoded(encoder: EncoderBlock, at: BoxAt, box: Sequence[Span]) -> Tensor:
    return encoder.forward_valid(at([encoder.input_span(span) for span in box]))


def _decoded(
    decoder: DecoderBlock,
    x: Tensor,
    below: Sequence[Span],
    skip: BoxAt,
    frame: tuple[int, int],
    box: Sequence[Span],
) -> Tensor:
    needed = [span.grown(1) for span in box]
    inside = [span.clipped(side) for span, side in zip(needed, frame, strict=True)]
    joined = empty(x, (len(x), decoder.into), needed)
    part = cleared_around(joined, needed, inside)
    first = [span.start - b.start for span, b in zip(inside, below, strict=True)]
    upsample(x, first, part[:, : x.shape[1]])
    part[:, x.shape[1] :] = skip(inside)
    return decoder.forward_valid(joined)


@dataclass(frozen=True)
class _ReceptiveField:
    """What a span of the last output depends on: the decoder's outputs and the encoder's features
    at each level. The deepest `outputs` is the span of the deepest features."""

    outputs: list[Span]
    features: list[Span]


def _receptive_field(span: Span, size: int, encoders: Sequence[EncoderBlock]) -> _ReceptiveField:
    depth = len(encoders)
    outputs = [span.clipped(size)]
    for level in range(depth):
        outputs.append(outputs[level].grown(1).clipped(size >> level).reduced(2))
    features = [outputs[depth]]
    for level in reversed(range(depth)):
        skip = outputs[level].grown(1)
        needed = skip.union(encoders[level].input_span(features[0]))
        features.insert(0, needed.clipped(size >> level))
    return _ReceptiveField(outputs, features)


def _upsampled(x: Tensor) -> Tensor:
    return interpolate(x, scale_factor=2.0, mode="nearest")


def relative_sigmoid(change: Tensor, base: Tensor) -> Tensor:
    """Return `base`, in [0, 1], after adding `change` to its logit."""
    return torch.sigmoid(change + torch.logit(base, eps=SMALLEST_BASE))
