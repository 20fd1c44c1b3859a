"""Contextual attention of DeepFill v2, computed exactly without storing the whole score matrix.

Every position of a feature map is rebuilt from 4x4 patches of the map, weighted by the similarity
of the 3x3 surroundings at half the size. The score matrix has (H / 8 * W / 8)**2 entries: 16 GiB
for an image of 2048 px. Its rows are independent except for the sums over neighbours, so it is
computed in tiles of queries. Two pieces of memory take turns in all steps of a tile: to get fresh
memory from the system takes longer than most of the steps.

J. Yu et al., Generative Image Inpainting with Contextual Attention, CVPR 2018, section 4, as in the
code of J. Yu et al., Free-Form Image Inpainting with Gated Convolution, ICCV 2019.
"""

from __future__ import annotations

from itertools import pairwise
from math import isqrt, prod
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, max_pool2d, pad, threshold, unfold

from methods.architectures.spans import Span

SCALE = 10.0
SMALLEST_NORM = 1e-4
# Smaller weights become 0: no sum in float32 can notice them, but products with subnormal numbers
# take a hundred times as long.
SMALLEST_WEIGHT = 1e-30
# Entries of one tile of the score matrix: 256 MiB, of which there are two, and a border.
BLOCK = 2**26

Room = tuple[Tensor, Tensor]
Box = tuple[Span, Span]


def contextual_attention(
    foreground: Tensor,
    background: Tensor,
    reduced: tuple[Tensor, Tensor],
    hole: Tensor | None,
    fuse: bool = True,
    box: Box | None = None,
    block: int = BLOCK,
) -> Tensor:
    """Return `foreground` rebuilt from patches of `background`, both (N, C, h, w) with even sides.

    reduced: both at half the size; hole: (h / 2, w / 2), not 0 in the hole; fuse: whether scores of
    diagonal neighbours are summed; box: rows and columns of the result that are needed, others may
    be 0; block: largest number of entries of the score matrix at a time, at least one query's.
    """
    height, width = reduced[0].shape[-2:]
    valid = valid_patches(hole, (height, width), foreground)
    area = box or (Span(0, foreground.shape[-2]), Span(0, foreground.shape[-1]))
    needed = _queries(area[0], height), _queries(area[1], width)
    tiles = _tiles(*needed, block // (height * width))
    room = _room(max(_entries(tile, (height, width)) for tile in tiles), foreground)
    images = []
    count, channels = foreground.shape[:2]
    for n in range(count):
        strips = matching_strips(reduced[0][n : n + 1], reduced[1][n : n + 1])
        cells = foreground.new_zeros(height + 1, width + 1, 4 * channels)
        source = _split_2x2(background[n])
        for rows, columns in tiles:
            logits = attention_logits(strips, valid, (rows, columns), fuse, room)
            weights = torch.softmax(logits, dim=1, out=_part(room[1], *logits.shape))
            # Not normalised again without the invalid patches.
            threshold(weights.mul_(valid), SMALLEST_WEIGHT, 0.0, inplace=True)
            box_ = weights.view(rows.stop - rows.start, -1, height, width)
            _add_patches(cells, source, box_, rows.start, columns.start, room[0])
        images.append(_join_2x2(cells))
    return torch.stack(images) / 4


class Strips(NamedTuple):
    """What 3x3 patches are compared by: queries and keys, (L, 3 C), are their rows, zero-padded
    1x3 strips of features of some size; factors: (L,), 1 over the norms of the keys' patches."""

    queries: Tensor
    keys: Tensor
    factors: Tensor
    size: tuple[int, int]


def matching_strips(foreground: Tensor, background: Tensor) -> Strips:
    """Return the strips of reduced features, both (1, C, h, w)."""
    queries, keys = (unfold(x, (1, 3), padding=(0, 1))[0].T for x in (foreground, background))
    squares = background.square().sum(dim=1, keepdim=True)
    norms = avg_pool2d(squares, 3, stride=1, padding=1, divisor_override=1).flatten().sqrt()
    size = (background.shape[-2], background.shape[-1])
    return Strips(queries.contiguous(), keys, 1 / norms.clamp_min(SMALLEST_NORM), size)


def attention_logits(
    strips: Strips, valid: Tensor, box: Box, fuse: bool = True, room: Room | None = None
) -> Tensor:
    """Return the input of the softmax, (queries, L), for a box of queries in row-major order.

    valid: (L,), 0 for patches that touch the hole. Their logit is 0, not minus infinity, so that
    they count in the sum.
    """
    room = room or _room(_entries(box, strips.size), valid)
    positions = neighbours(box, strips.size, valid.device)
    scores = _patch_scores(strips, positions if fuse else positions[1:-1, 1:-1], room)
    if fuse:
        scores = fused(scores, box, strips.size, (room[1], room[0]))
    return scores.flatten(0, 1).mul_(valid * SCALE)


def valid_patches(hole: Tensor | None, size: tuple[int, int], like: Tensor) -> Tensor:
    """Return (L,), 1 for 3x3 patches without hole pixels, else 0."""
    if hole is None:
        return torch.ones(size[0] * size[1], device=like.device)
    touched = max_pool2d((hole != 0).float()[None, None], 3, stride=1, padding=1)
    return (1 - touched).flatten()


def neighbours(box: Box, size: tuple[int, int], device: torch.device) -> Tensor:
    """Return the row-major positions of a box of queries and of those around it, (rows + 2,
    columns + 2), as `fused` reads them; outside of 0 ... L - 1 there is none.

    The neighbours along a row and those along a column wrap: the last position of a row is followed
    by the first of the next row, and likewise for columns.
    """
    height, width = size
    first = torch.arange(box[0].start - 1, box[0].stop + 1, device=device) * width
    first[first < 0] = (height - 1) * width - 1
    first[first == height * width] = 1
    return first[:, None] + torch.arange(box[1].start - 1, box[1].stop + 1, device=device)


def at(rows: Tensor, positions: Tensor) -> Tensor:
    """Return the rows, (L, C), at positions as (..., C); 0 where there is none."""
    exists = (positions >= 0) & (positions < len(rows))
    return rows[positions.clamp(0, len(rows) - 1)] * exists[..., None]


def fused(scores: Tensor, box: Box, size: tuple[int, int], room: Room | None = None) -> Tensor:
    """Return the scores of a box of queries plus those of the diagonal neighbours, (rows, columns,
    L).

    Query and patch move together, first along rows, then along columns; only the very first and the
    very last position lack a neighbour. scores: (rows + 2, columns + 2, L), of `neighbours`,
    unchanged; room: memory for the sums along rows and for the result.
    """
    (rows, columns), (height, width) = box, size
    room = room or _room(scores.numel(), scores)
    across = _part(room[0], len(scores), columns.stop - columns.start, height * width)
    across[..., 0] = scores[:, 1:-1, 0]
    torch.add(scores[:, 1:-1, 1:], scores[:, :-2, :-1], out=across[..., 1:])
    across[..., :-1] += scores[:, 2:, 1:]
    if rows.start == columns.start == 0:
        across[0, 0] = 0
    if rows.stop == height and columns.stop == width:
        across[-1, -1] = 0
    planes = across.unflatten(-1, size)
    total = _part(room[1], rows.stop - rows.start, *planes.shape[1:])
    torch.add(planes[1:-1, :, 1:], planes[:-2, :, :-1], out=total[:, :, 1:])
    total[:, :, 0] = planes[1:-1, :, 0]
    total[:, :, 0, 1:] += planes[:-2, :, -1, :-1]
    total[:, :, :-1] += planes[2:, :, 1:]
    total[:, :, -1, :-1] += planes[2:, :, 0, 1:]
    return total.flatten(2)


def patches_3x3(features: Tensor) -> Tensor:
    """Return the zero-padded 3x3 patches of (1, C, h, w) as (L, 9 C)."""
    return unfold(features, 3, padding=1)[0].T.contiguous()


def normalised(patches: Tensor, smallest_norm: float) -> Tensor:
    """Return (L, 9 C) divided by the patches' Euclidean norms."""
    return patches / patches.square().sum(dim=1, keepdim=True).sqrt().clamp_min(smallest_norm)


def _patch_scores(strips: Strips, positions: Tensor, room: Room) -> Tensor:
    """Return the products of 3x3 patches at positions and all normalised ones, (..., L).

    The three rows of a patch are multiplied once and then summed: as query and patch move down
    together, each product serves three patches.
    """
    height, width = strips.size
    length = height * width
    total = _part(room[0], *positions.shape, height, width)
    # Only next to the wrapping rows at the top and at the bottom there is more than one run.
    breaks = torch.nonzero(positions[1:, 0] - positions[:-1, 0] != width)[:, 0] + 1
    bounds = [0, *breaks.tolist(), len(positions)]
    for start, stop in pairwise(bounds):
        run = positions[start:stop]
        read = torch.cat([run[:1] - width, run, run[-1:] + width])
        products = _part(room[1], *read.shape, length)
        queries = at(strips.queries, read).flatten(0, 1)
        torch.mm(queries, strips.keys.T, out=products.flatten(0, 1))
        planes, part = products.unflatten(-1, (height, width)), total[start:stop]
        part[:, :, 0] = planes[1:-1, :, 0]
        torch.add(planes[1:-1, :, 1:], planes[:-2, :, :-1], out=part[:, :, 1:])
        part[:, :, :-1] += planes[2:, :, 1:]
    scores = total.flatten(2).mul_(strips.factors)
    missing = (positions < 0) | (positions >= length)
    if missing.any():
        scores[missing] = 0
    return scores


def _queries(needed: Span, count: int) -> Span:
    """Return the queries that the needed rows or columns depend on.

    Query i contributes to 2i - 1 ... 2i + 2.
    """
    return Span((needed.start - 2) // 2, needed.stop // 2 + 1).clipped(count)


def _tiles(rows: Span, columns: Span, most: int) -> list[Box]:
    """Return boxes of at most so many queries, at least one, of about the same size."""
    side = max(1, isqrt(most))
    return [(down, across) for down in rows.cut(side) for across in columns.cut(side)]


def _entries(box: Box, size: tuple[int, int]) -> int:
    """Return how many numbers the largest step of a box of queries makes."""
    rows, columns = (span.stop - span.start for span in box)
    products = (rows + 4) * (columns + 2) * size[0] * size[1]
    return max(products, (rows + 1) * (columns + 1) * (size[0] + 1) * (size[1] + 1))


def _room(entries: int, like: Tensor) -> Room:
    return like.new_empty(entries), like.new_empty(entries)


def _part(memory: Tensor, *shape: int) -> Tensor:
    return memory[: prod(shape)].view(shape)


def _split_2x2(features: Tensor) -> Tensor:
    """Cut (C, h, w) with a border of zeros into cells of 2x2: (h / 2 + 1, w / 2 + 1, 4 C).

    A 4x4 patch consists of four cells.
    """
    channels, height, width = features.shape
    wide = pad(features, (1, 1, 1, 1)).view(channels, height // 2 + 1, 2, width // 2 + 1, 2)
    return wide.permute(1, 3, 0, 2, 4).reshape(height // 2 + 1, width // 2 + 1, 4 * channels)


def _join_2x2(cells: Tensor) -> Tensor:
    """Invert `_split_2x2`."""
    rows, columns, count = cells.shape
    channels = count // 4
    wide = cells.view(rows, columns, channels, 2, 2).permute(2, 0, 3, 1, 4)
    return wide.reshape(channels, 2 * rows, 2 * columns)[:, 1:-1, 1:-1]


def _add_patches(
    cells: Tensor, source: Tensor, weights: Tensor, top: int, left: int, memory: Tensor
) -> None:
    """Add the patches of a box of queries to the result.

    Patches overlap by half, so each cell is the sum of quarters of four patches. Their weights are
    summed first, which takes one product instead of four.
    """
    rows, columns, height, width = weights.shape
    summed = _part(memory, rows + 1, columns + 1, height + 1, width + 1).zero_()
    for dy in (0, 1):
        for dx in (0, 1):
            summed[dy : dy + rows, dx : dx + columns, dy : dy + height, dx : dx + width] += weights
    product = summed.view((rows + 1) * (columns + 1), -1) @ source.view(-1, source.shape[-1])
    cells[top : top + rows + 1, left : left + columns + 1] += product.unflatten(
        0, (rows + 1, columns + 1)
    )
