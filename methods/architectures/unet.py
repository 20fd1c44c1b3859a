"""The U-Net that DFNet and the refinement network of the two-stage method are both made of: blocks
under the published names, and its evaluation only where a result is needed.

Level L has 1 / 2**L of the resolution; the encoder goes from level 0 to the deepest one, the
decoder back. Each decoder block takes the upsampled output from below and the features that the
encoder had at its level (at level 0: the network's input).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import conv2d, pad

SLOPE = 0.2


class SamePadConv(nn.Module):
    """Convolution that halves the size exactly. Zeros are added before it, one more at the right
    and the bottom than at the left and the top: centring them is another function."""

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


class PlainConv(nn.Module):
    """Convolution that keeps the size, optionally followed by batch norm and activation."""

    def __init__(self, into: int, out: int, kernel: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(into, out, kernel, padding=kernel // 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


def unpadded(block: nn.Module, x: Tensor) -> Tensor:
    """The convolution of a PlainConv without its zeros at the border."""
    assert isinstance(block, PlainConv)
    return conv2d(x, block.conv.weight, block.conv.bias)


class EncoderBlock(nn.Module):
    """Convolution to half the size, batch norm, ReLU; the first block of a network has neither
    norm nor activation."""

    def __init__(self, into: int, out: int, kernel: int, first: bool = False) -> None:
        super().__init__()
        self.encode = nn.Sequential(SamePadConv(into, out, kernel))
        if not first:
            self.encode.extend([nn.BatchNorm2d(out), nn.ReLU()])

    def forward(self, x: Tensor) -> Tensor:
        return self.encode(x)

    @property
    def convolution(self) -> nn.Conv2d:
        first = self.encode[0]
        assert isinstance(first, SamePadConv)
        convolution = first.conv[1]
        assert isinstance(convolution, nn.Conv2d)
        return convolution

    def unpadded(self, x: Tensor) -> Tensor:
        """The block without its zeros at the border, for an input that has what is needed."""
        return self.encode[1:](self.convolution(x))


class DecoderBlock(nn.Module):
    """Upsampling by nearest neighbour, concatenation (upsampled, skip), convolution, batch norm,
    leaky ReLU."""

    def __init__(self, into: int, out: int) -> None:
        super().__init__()
        self.decode = nn.Sequential(
            PlainConv(into, out, 3), nn.BatchNorm2d(out), nn.LeakyReLU(SLOPE)
        )

    def forward(self, below: Tensor, skip: Tensor) -> Tensor:
        return self.decode(torch.cat([doubled(below), skip], dim=1))

    def unpadded(self, x: Tensor) -> Tensor:
        """The block on its concatenated input with a border of one pixel more on every side."""
        return self.decode[1:](unpadded(self.decode[0], x))


def doubled(x: Tensor) -> Tensor:
    """Twice the size by nearest neighbour."""
    return nn.functional.interpolate(x, scale_factor=2.0, mode="nearest")


def encode(x: Tensor, encoders: Sequence[EncoderBlock]) -> list[Tensor]:
    """The input and the output of every encoder block: features of levels 0, 1, 2..."""
    features = [x]
    for block in encoders:
        features.append(block(features[-1]))
    return features


def hole_spans(mask: NDArray[np.bool_]) -> tuple[Span, Span]:
    """Rows and columns of the smallest box around a hole. mask: bool (H, W), not empty."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return Span(int(rows[0]), int(rows[-1]) + 1), Span(int(columns[0]), int(columns[-1]) + 1)


class Span(NamedTuple):
    """Pixels start ... stop - 1 along one axis."""

    start: int
    stop: int

    def clipped(self, size: int) -> Span:
        return Span(max(0, self.start), min(size, self.stop))

    def union(self, other: Span) -> Span:
        return Span(min(self.start, other.start), max(self.stop, other.stop))

    def grown(self, by: int) -> Span:
        return Span(self.start - by, self.stop + by)

    def doubled(self) -> Span:
        """The same place one level up."""
        return Span(2 * self.start, 2 * self.stop)


@dataclass(frozen=True)
class Needs:
    """What the output in one span needs along one axis. size: of the frame at level 0;
    output[L]: of the decoder's output at level L (deepest: of the last features); features[L]: of
    the encoder's features at level L."""

    size: int
    output: list[Span]
    features: list[Span]

    def at(self, level: int) -> int:
        """Size of the frame at a level."""
        return self.size >> level


def needs(span: Span, size: int, encoders: Sequence[EncoderBlock]) -> Needs:
    """Walk from the output down to the bottleneck and back up to the input (Moskalenko et al.,
    exact receptive field). span: needed of the output of the last decoder block, at level 0."""
    depth = len(encoders)
    output = [span.clipped(size)]
    for level in range(depth):
        reads = output[level].grown(1).clipped(size >> level)
        output.append(Span(reads.start // 2, (reads.stop - 1) // 2 + 1))
    features = [output[depth]]
    for level in range(depth - 1, -1, -1):
        skip = output[level].grown(1)
        features.insert(
            0, skip.union(_read_by(encoders[level], features[0])).clipped(size >> level)
        )
    return Needs(size, output, features)


def _read_by(block: EncoderBlock, span: Span) -> Span:
    """What an encoder block reads of its input for this span of its output."""
    kernel = block.convolution.kernel_size[0]
    start = 2 * span.start - (kernel - 2) // 2
    return Span(start, start + 2 * (span.stop - span.start - 1) + kernel)


def evaluate(
    encoders: Sequence[EncoderBlock],
    decoders: Sequence[DecoderBlock],
    input_at: Callable[[Span, Span], Tensor],
    rows: Needs,
    columns: Needs,
) -> Tensor:
    """Output of the last decoder block in the span that `rows` and `columns` were made for, equal
    to that part of the full evaluation. Outside the frame, and only there, are zeros.

    input_at: the network's input (1, C, h, w) in a span of rows and one of columns;
    decoders: from the deepest to level 0."""
    features = [input_at(rows.features[0], columns.features[0])]
    for level, block in enumerate(encoders):
        wanted = [_read_by(block, axis.features[level + 1]) for axis in (rows, columns)]
        have = (rows.features[level], columns.features[level])
        features.append(block.unpadded(cut(features[level], have, wanted)))
    depth = len(encoders)
    have = (rows.features[depth], columns.features[depth])
    x = cut(features.pop(), have, (rows.output[depth], columns.output[depth]))
    for level, decoder in zip(range(depth - 1, -1, -1), decoders, strict=True):
        below = [axis.output[level + 1].doubled() for axis in (rows, columns)]
        wanted = [axis.output[level].grown(1) for axis in (rows, columns)]
        frame = [w.clipped(axis.at(level)) for w, axis in zip(wanted, (rows, columns), strict=True)]
        skip = cut(features.pop(), (rows.features[level], columns.features[level]), frame)
        joined = torch.cat([cut(doubled(x), below, frame), skip], dim=1)
        del skip
        x = decoder.unpadded(cut(joined, frame, wanted))
    return x


def cut(x: Tensor, have: Sequence[Span], wanted: Sequence[Span]) -> Tensor:
    """The wanted rows and columns of `x`, which holds `have`; zeros where it has nothing."""
    inner = [
        Span(max(h.start, w.start), min(h.stop, w.stop)) for h, w in zip(have, wanted, strict=True)
    ]
    (top, left), (height, width) = (
        [i.start - h.start for i, h in zip(inner, have, strict=True)],
        [i.stop - i.start for i in inner],
    )
    x = x[..., top : top + height, left : left + width]
    (above, before), (below, after) = (
        [i.start - w.start for i, w in zip(inner, wanted, strict=True)],
        [w.stop - i.stop for i, w in zip(inner, wanted, strict=True)],
    )
    if not any((above, before, below, after)):
        return x
    return pad(x, (before, after, above, below))
