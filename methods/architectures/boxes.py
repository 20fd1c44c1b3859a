"""Tensors that cover a box of a feature map, (N, C, rows, columns)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product

import torch
from torch import Tensor
from torch.nn.functional import pad

from methods.architectures.spans import Span

BoxAt = Callable[[Sequence[Span]], Tensor]

# Numbers that a layer reads or writes at a time.
STRIP = 2**22


def in_strips(compute: BoxAt, box: Sequence[Span], channels: int, room: Sequence[Span]) -> Tensor:
    """Return what `compute` returns for a box, and zeros around it as far as `room` extends.

    It is computed a few rows at a time: less memory, which is used again, and most of it stays in
    the processor's cache. channels: of the widest tensor on the way.
    """
    rows, columns = box
    longest = max(1, STRIP // (channels * (columns.stop - columns.start)))
    strips = rows.cut(longest)
    first = compute([strips[0], columns])
    if len(strips) == 1:
        return crop_or_pad(first, box, room)
    whole = empty(first, first.shape[:2], room)
    part = cleared_around(whole, room, box)
    part[:, :, : first.shape[2]] = first
    for strip in strips[1:]:
        part[:, :, strip.start - rows.start : strip.stop - rows.start] = compute([strip, columns])
    return whole


def empty(like: Tensor, shape: Sequence[int], box: Sequence[Span]) -> Tensor:
    """Return undefined values, (*shape, rows, columns), in the layout of another tensor."""
    last = like.is_contiguous(memory_format=torch.channels_last)
    return torch.empty(
        (*shape, *(span.stop - span.start for span in box)),
        dtype=like.dtype,
        device=like.device,
        memory_format=torch.channels_last if last else torch.contiguous_format,
    )


def cleared_around(x: Tensor, box: Sequence[Span], inner: Sequence[Span]) -> Tensor:
    """Set `x`, which covers `box`, to 0 around an inner box, and return the part that covers it."""
    for axis, outer, kept in ((-2, box[0], inner[0]), (-1, box[1], inner[1])):
        before, length = kept.start - outer.start, kept.stop - kept.start
        x.narrow(axis, 0, before).zero_()
        x.narrow(axis, before + length, outer.stop - kept.stop).zero_()
        x = x.narrow(axis, before, length)
    return x


def upsample(x: Tensor, first: Sequence[int], out: Tensor) -> None:
    """Write nearest-neighbour upsampled features, from rows and columns `first` on, into `out`."""
    for i, j in product((0, 1), repeat=2):
        target = out[..., i::2, j::2]
        top, left = (first[0] + i) // 2, (first[1] + j) // 2
        target.copy_(x[..., top : top + target.shape[-2], left : left + target.shape[-1]])


def crop_or_pad(x: Tensor, have: Sequence[Span], needed: Sequence[Span]) -> Tensor:
    """Return the needed rows and columns of `x`, which covers `have`; zeros where `x` ends."""
    margins: list[int] = []
    # `pad` takes the margins of the last axis first.
    for axis, source, target in ((-1, have[1], needed[1]), (-2, have[0], needed[0])):
        start, stop = max(source.start, target.start), min(source.stop, target.stop)
        x = x.narrow(axis, start - source.start, stop - start)
        margins += [start - target.start, target.stop - stop]
    return pad(x, margins) if any(margins) else x
