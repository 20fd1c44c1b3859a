"""Contextual attention of DeepFill v2, computed exactly without storing the whole score matrix.

Every position of a feature map is rebuilt from 4x4 patches of the map, weighted by the similarity
of the 3x3 surroundings at half the size. The score matrix has (H / 8 * W / 8)**2 entries: 16 GiB
for an image of 2048 px. Its rows are independent except for the fuse, which needs nine rows for
one, so it is computed in blocks.

J. Yu et al., Generative Image Inpainting with Contextual Attention, CVPR 2018, section 4, as in the
code of J. Yu et al., Free-Form Image Inpainting with Gated Convolution, ICCV 2019.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn.functional import max_pool2d, pad, unfold

from methods.architectures.spans import Span

SCALE = 10.0
SMALLEST_NORM = 1e-4
# Entries of one block of the score matrix: 128 MiB. About six such blocks exist at a time.
BLOCK = 2**25


def contextual_attention(
    foreground: Tensor,
    background: Tensor,
    reduced: tuple[Tensor, Tensor],
    hole: Tensor | None,
    fuse: bool = True,
    box: tuple[Span, Span] | None = None,
    block: int = BLOCK,
) -> Tensor:
    """Return `foreground` rebuilt from patches of `background`, both (N, C, h, w) with even sides.

    reduced: both at half the size; hole: (h / 2, w / 2), not 0 in the hole; fuse: whether scores of
    diagonal neighbours are summed; box: rows and columns of the result that are needed, others may
    be 0; block: largest number of entries of the score matrix at a time.
    """
    height, width = reduced[0].shape[-2:]
    valid = valid_patches(hole, (height, width), foreground)
    area = box or (Span(0, foreground.shape[-2]), Span(0, foreground.shape[-1]))
    rows, columns = _queries(area[0], height), _queries(area[1], width)
    images = []
    count, channels = foreground.shape[:2]
    for n in range(count):
        queries = patches_3x3(reduced[0][n : n + 1])
        keys = normalised(patches_3x3(reduced[1][n : n + 1]), SMALLEST_NORM)
        cells = foreground.new_zeros(height + 1, width + 1, 4 * channels)
        source = _split_2x2(background[n])
        for part in _blocks(columns, rows.stop - rows.start, height * width, block):
            weights = _attention(queries, keys, valid, (height, width), rows, part, fuse)
            _add_patches(cells, source, weights, rows.start, part.start)
        images.append(_join_2x2(cells))
    return torch.stack(images) / 4


def attention_logits(
    queries: Tensor,
    keys: Tensor,
    valid: Tensor,
    size: tuple[int, int],
    positions: Tensor,
    fuse: bool = True,
) -> Tensor:
    """Return the input of the softmax, (len(positions), L), for queries at row-major positions.

    queries, keys: (L, 9 C); valid: (L,), 0 for patches that touch the hole. Their logit is 0, not
    minus infinity, so that they count in the sum.
    """
    scores = fused_scores(queries, keys, size, positions) if fuse else queries[positions] @ keys.T
    return scores.mul_(valid * SCALE)


def _attention(
    queries: Tensor,
    keys: Tensor,
    valid: Tensor,
    size: tuple[int, int],
    rows: Span,
    columns: Span,
    fuse: bool,
) -> Tensor:
    """Return the weights of all patches for a box of queries, (rows, columns, height, width)."""
    across = torch.arange(*columns, device=keys.device)
    down = torch.arange(*rows, device=keys.device)
    positions = (down[:, None] * size[1] + across).flatten()
    logits = attention_logits(queries, keys, valid, size, positions, fuse)
    logits -= logits.amax(dim=1, keepdim=True)
    weights = logits.exp_()
    # Not normalised again without the invalid patches.
    weights.div_(weights.sum(dim=1, keepdim=True)).mul_(valid)
    return weights.view(len(down), len(across), *size)


def valid_patches(hole: Tensor | None, size: tuple[int, int], like: Tensor) -> Tensor:
    """Return (L,), 1 for 3x3 patches without hole pixels, else 0."""
    if hole is None:
        return torch.ones(size[0] * size[1], device=like.device)
    touched = max_pool2d((hole != 0).float()[None, None], 3, stride=1, padding=1)
    return (1 - touched).flatten()


def patches_3x3(features: Tensor) -> Tensor:
    """Return the zero-padded 3x3 patches of (1, C, h, w) as (L, 9 C)."""
    return unfold(features, 3, padding=1)[0].T.contiguous()


def normalised(patches: Tensor, smallest_norm: float) -> Tensor:
    """Return (L, 9 C) divided by the patches' Euclidean norms."""
    return patches / patches.square().sum(dim=1, keepdim=True).sqrt().clamp_min(smallest_norm)


def _queries(needed: Span, count: int) -> Span:
    """Return the queries that the needed rows or columns depend on.

    Query i contributes to 2i - 1 ... 2i + 2.
    """
    return Span((needed.start - 2) // 2, needed.stop // 2 + 1).clipped(count)


def _blocks(columns: Span, rows: int, keys: int, block: int) -> Iterator[Span]:
    """Yield whole columns of queries, as many at a time as `block` allows, at least one."""
    step = max(1, block // (rows * keys))
    for first in range(columns.start, columns.stop, step):
        yield Span(first, min(first + step, columns.stop))


def fused_scores(queries: Tensor, keys: Tensor, size: tuple[int, int], positions: Tensor) -> Tensor:
    """Return the scores plus those of the diagonal neighbours, (len(positions), L).

    Query and patch move together, first along rows, then along columns. Indices wrap: the last
    position of a row is followed by the first of the next row, and likewise for columns; only the
    very first and the very last position lack a neighbour.
    """
    height, width = size
    length = height * width
    column_major = positions % width * height + positions // width
    neighbours = {}
    for step in (-1, 0, 1):
        moved = column_major + step
        exists = (moved >= 0) & (moved < length)
        moved = moved.clamp(0, length - 1)
        neighbours[step] = moved % height * width + moved // height, exists
    read = torch.cat([neighbours[step][0] for step in (-1, 0, 1)]).unique()
    along_rows = _fused_along_rows(queries, keys, read)
    total = along_rows[torch.searchsorted(read, neighbours[0][0])]
    for step in (-1, 1):
        position, exists = neighbours[step]
        scores = along_rows[torch.searchsorted(read, position)].mul_(exists[:, None])
        _add_moved_along_columns(
            total.view(-1, height, width), scores.view(-1, height, width), step
        )
    return total


def _fused_along_rows(queries: Tensor, keys: Tensor, positions: Tensor) -> Tensor:
    length = len(keys)
    read = torch.cat([positions - 1, positions, positions + 1]).clamp(0, length - 1).unique()
    raw = queries[read] @ keys.T
    total = raw[torch.searchsorted(read, positions)]
    for step in (-1, 1):
        exists = (positions + step >= 0) & (positions + step < length)
        place = torch.searchsorted(read, (positions + step).clamp(0, length - 1))
        scores = raw[place].mul_(exists[:, None])
        if step == 1:
            total[:, :-1] += scores[:, 1:]
        else:
            total[:, 1:] += scores[:, :-1]
    return total


def _add_moved_along_columns(total: Tensor, scores: Tensor, step: int) -> None:
    """Add to (n, h, w) the scores of the next patch down (step 1) or up (-1), with wrapping."""
    if step == 1:
        total[:, :-1] += scores[:, 1:]
        total[:, -1, :-1] += scores[:, 0, 1:]
    else:
        total[:, 1:] += scores[:, :-1]
        total[:, 0, 1:] += scores[:, -1, :-1]


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


def _add_patches(cells: Tensor, source: Tensor, weights: Tensor, top: int, left: int) -> None:
    """Add the patches of a box of queries to the result.

    Patches overlap by half, so each cell is the sum of quarters of four patches. Their weights are
    summed first, which takes one product instead of four.
    """
    rows, columns, height, width = weights.shape
    summed = weights.new_zeros(rows + 1, columns + 1, height + 1, width + 1)
    for dy in (0, 1):
        for dx in (0, 1):
            summed[dy : dy + rows, dx : dx + columns, dy : dy + height, dx : dx + width] += weights
    flat = summed.view((rows + 1) * (columns + 1), (height + 1) * (width + 1))
    product = (flat @ source.view(-1, source.shape[-1])).view(rows + 1, columns + 1, -1)
    cells[top : top + rows + 1, left : left + columns + 1] += product
