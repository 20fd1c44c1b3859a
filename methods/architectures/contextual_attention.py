"""Contextual attention of DeepFill v2, exactly, without ever holding the whole score matrix.

J. Yu et al., Generative Image Inpainting with Contextual Attention, 2018, section 4, as computed by
the code of J. Yu et al., Free-Form Image Inpainting with Gated Convolution, 2019. Every position of
a feature map is made again from 4x4 patches of the map, weighted by how well its surroundings fit
theirs. The score matrix has (H / 8 * W / 8) ** 2 entries: 16 GiB for an image of 2048 px. Its rows
are independent but for the fuse, which needs nine of them for one; so it is made in blocks.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn.functional import max_pool2d, pad, unfold

SCALE = 10.0
SMALLEST_NORM = 1e-4
# Entries of one block of the score matrix: 128 MiB. Some six such blocks are alive at once.
BLOCK = 2**25

Range = tuple[int, int]


def contextual_attention(
    foreground: Tensor,
    background: Tensor,
    reduced: tuple[Tensor, Tensor],
    hole: Tensor | None,
    fuse: bool = True,
    wanted: tuple[Range, Range] | None = None,
    block: int = BLOCK,
) -> Tensor:
    """`foreground` made again from patches of `background`, (N, C, h, w).

    foreground, background: (N, C, h, w), sides even; reduced: both at half the size, by the rule
    of the network; hole: (h / 2, w / 2), not 0 in the hole; None for no hole;
    wanted: rows and columns (start, stop) of the result that are needed, the others may come back
    as 0; block: most entries of the score matrix at a time."""
    height, width = reduced[0].shape[-2:]
    valid = _valid(hole, (height, width), foreground)
    area = wanted or ((0, foreground.shape[-2]), (0, foreground.shape[-1]))
    rows, columns = _queries(area[0], height), _queries(area[1], width)
    images = []
    for n in range(foreground.shape[0]):
        queries = patches_3x3(reduced[0][n : n + 1])
        keys = patches_3x3(reduced[1][n : n + 1])
        keys = keys / keys.square().sum(dim=1, keepdim=True).sqrt().clamp_min(SMALLEST_NORM)
        made = torch.zeros(height + 1, width + 1, 4 * foreground.shape[1], device=foreground.device)
        pieces = _pieces(background[n])
        for first, last in _blocks(columns, rows[1] - rows[0], height * width, block):
            shares = _attention(queries, keys, valid, (height, width), rows, (first, last), fuse)
            _rebuild(made, pieces, shares, rows[0], first)
        images.append(_joined(made))
    return torch.stack(images) / 4


def attention_logits(
    queries: Tensor,
    keys: Tensor,
    valid: Tensor,
    size: tuple[int, int],
    positions: Tensor,
    fuse: bool = True,
) -> Tensor:
    """What goes into the softmax, (len(positions), L), for queries at flat row-major positions.

    queries, keys: (L, 9 C); valid: (L,), 0 for patches that touch the hole: their logit is 0, not
    minus infinity, so that they keep their share of the sum."""
    scores = fused_scores(queries, keys, size, positions) if fuse else queries[positions] @ keys.T
    return scores.mul_(valid * SCALE)


def _attention(
    queries: Tensor,
    keys: Tensor,
    valid: Tensor,
    size: tuple[int, int],
    rows: Range,
    columns: Range,
    fuse: bool,
) -> Tensor:
    """Shares of all patches in every query of a box, (rows, columns, height, width)."""
    height, width = size
    across = torch.arange(*columns, device=keys.device)
    down = torch.arange(*rows, device=keys.device)
    positions = (down[:, None] * width + across).flatten()
    logits = attention_logits(queries, keys, valid, size, positions, fuse)
    logits -= logits.amax(dim=1, keepdim=True)
    shares = logits.exp_()
    total = shares.sum(dim=1, keepdim=True)
    # Not renormalised: what invalid patches got is lost.
    shares.div_(total).mul_(valid)
    return shares.view(len(down), len(across), height, width)


def _valid(hole: Tensor | None, size: tuple[int, int], like: Tensor) -> Tensor:
    """(L,) 1 for patches of the reduced map that hold no hole pixel, else 0."""
    if hole is None:
        return torch.ones(size[0] * size[1], device=like.device)
    touched = max_pool2d((hole != 0).float()[None, None], 3, stride=1, padding=1)
    return (1 - touched).flatten()


def patches_3x3(features: Tensor) -> Tensor:
    """3x3 patches of (1, C, h, w), with zeros beyond the border, as (L, 9 C)."""
    return unfold(features, 3, padding=1)[0].T.contiguous()


def _queries(wanted: Range, count: int) -> Range:
    """Queries that the wanted rows or columns are made of: query i makes 2i - 1 ... 2i + 2."""
    return max(0, (wanted[0] - 2) // 2), min(count, wanted[1] // 2 + 1)


def _blocks(columns: Range, rows: int, keys: int, block: int) -> Iterator[Range]:
    """Whole columns of queries, as many at a time as `block` entries allow, at least one."""
    step = max(1, block // (rows * keys))
    for first in range(columns[0], columns[1], step):
        yield first, min(first + step, columns[1])


def fused_scores(queries: Tensor, keys: Tensor, size: tuple[int, int], positions: Tensor) -> Tensor:
    """Scores summed with those of the diagonal neighbours (query and patch moved together), first
    along rows, then along columns. Indices wrap: after the last of a row comes the first of the
    next one, and so for columns; only the very first and last have no neighbour."""
    height, width = size
    length = height * width
    # Where the neighbours along columns are, in row-major numbers.
    order = positions % width * height + positions // width
    beside = {}
    for step in (-1, 0, 1):
        moved = order + step
        inside = (moved >= 0) & (moved < length)
        moved = moved.clamp(0, length - 1)
        beside[step] = moved % height * width + moved // height, inside
    near = torch.cat([beside[step][0] for step in (-1, 0, 1)]).unique()
    first = _fused_along_rows(queries, keys, near)
    total = first[torch.searchsorted(near, beside[0][0])]
    for step in (-1, 1):
        place, inside = beside[step]
        neighbours = first[torch.searchsorted(near, place)]
        neighbours.mul_(inside[:, None])
        _add_moved_along_columns(
            total.view(-1, height, width), neighbours.view(-1, height, width), step
        )
    return total


def _fused_along_rows(queries: Tensor, keys: Tensor, positions: Tensor) -> Tensor:
    length = len(keys)
    around = torch.cat([positions - 1, positions, positions + 1]).clamp(0, length - 1).unique()
    raw = queries[around] @ keys.T
    total = raw[torch.searchsorted(around, positions)]
    for step in (-1, 1):
        inside = (positions + step >= 0) & (positions + step < length)
        place = torch.searchsorted(around, (positions + step).clamp(0, length - 1))
        neighbours = raw[place].mul_(inside[:, None])
        if step == 1:
            total[:, :-1] += neighbours[:, 1:]
        else:
            total[:, 1:] += neighbours[:, :-1]
    return total


def _add_moved_along_columns(total: Tensor, scores: Tensor, step: int) -> None:
    """Add to (n, h, w) the scores of the next patch down (step 1) or up (-1), with wrap."""
    if step == 1:
        total[:, :-1] += scores[:, 1:]
        total[:, -1, :-1] += scores[:, 0, 1:]
    else:
        total[:, 1:] += scores[:, :-1]
        total[:, 0, 1:] += scores[:, -1, :-1]


def _pieces(features: Tensor) -> Tensor:
    """(C, h, w) with a border of zeros, cut into 2x2 pieces: (h / 2 + 1, w / 2 + 1, 4 C). A 4x4
    patch is four of them."""
    channels, height, width = features.shape
    wide = pad(features, (1, 1, 1, 1)).view(channels, height // 2 + 1, 2, width // 2 + 1, 2)
    return wide.permute(1, 3, 0, 2, 4).reshape(height // 2 + 1, width // 2 + 1, 4 * channels)


def _joined(made: Tensor) -> Tensor:
    """The inverse of `_pieces`."""
    rows, columns, count = made.shape
    channels = count // 4
    wide = made.view(rows, columns, channels, 2, 2).permute(2, 0, 3, 1, 4)
    return wide.reshape(channels, 2 * rows, 2 * columns)[:, 1:-1, 1:-1]


def _rebuild(made: Tensor, pieces: Tensor, shares: Tensor, top: int, left: int) -> None:
    """Add what a box of queries makes. Patches overlap by half: each 2x2 piece of the result is
    the sum of four patches' quarters, whose shares are added up before the one product."""
    rows, columns, height, width = shares.shape
    summed = shares.new_zeros(rows + 1, columns + 1, height + 1, width + 1)
    for dy in (0, 1):
        for dx in (0, 1):
            summed[dy : dy + rows, dx : dx + columns, dy : dy + height, dx : dx + width] += shares
    flat = summed.view((rows + 1) * (columns + 1), (height + 1) * (width + 1))
    product = flat @ pieces.view(-1, pieces.shape[-1])
    made[top : top + rows + 1, left : left + columns + 1] += product.view(rows + 1, columns + 1, -1)
