"""Conventions of networks that were written for TensorFlow 1: variables, padding, resizing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import pad

Variables = Mapping[str, NDArray[np.floating]]


class Layer(NamedTuple):
    """One row of a table of convolutions; `into` and `out` count channels. `alias` is the layer's
    name in another checkpoint."""

    name: str
    kernel: int
    stride: int
    rate: int
    into: int
    out: int
    alias: str = ""


def layer_table(rows: str) -> tuple[Layer, ...]:
    """Parse rows of name, kernel, stride, rate, into, out and, optionally, alias."""
    table = (line.split() for line in rows.strip().splitlines())
    return tuple(
        Layer(row[0], int(row[1]), int(row[2]), int(row[3]), int(row[4]), int(row[5]), *row[6:])
        for row in table
    )


def to_state_dict(variables: Variables, names: Mapping[str, str]) -> dict[str, Tensor]:
    """Return the known variables under a network's own names and in PyTorch's layout.

    variables: by published name, kernels (H, W, in, out); names: in the state dict -> published.
    """
    known = {name.removesuffix(":0"): np.asarray(value) for name, value in variables.items()}
    return {ours: _to_tensor(known[name]) for ours, name in names.items() if name in known}


def _to_tensor(array: NDArray[np.floating]) -> Tensor:
    moved = array.transpose(3, 2, 0, 1) if array.ndim == 4 else array
    return torch.from_numpy(np.ascontiguousarray(moved, dtype=np.float32))


def pad_same(x: Tensor, kernel: int, stride: int = 1, rate: int = 1) -> Tensor:
    """Add the zeros of padding SAME to (N, C, H, W)."""
    above, below = same_padding(x.shape[-2], kernel, stride, rate)
    before, after = same_padding(x.shape[-1], kernel, stride, rate)
    return pad(x, (before, after, above, below))


def same_padding(size: int, kernel: int, stride: int, rate: int = 1) -> tuple[int, int]:
    """Return the number of zeros before and after `size` pixels; an odd one is after them."""
    total = max((-(-size // stride) - 1) * stride + (kernel - 1) * rate + 1 - size, 0)
    return total // 2, total - total // 2


def nearest_aligned(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize (N, C, h, w) by nearest neighbour with aligned corners."""
    rows = torch.from_numpy(aligned_indices(x.shape[-2], size[0])).to(x.device)
    columns = torch.from_numpy(aligned_indices(x.shape[-1], size[1])).to(x.device)
    return x[..., rows, :][..., columns]


def aligned_indices(source: int, target: int) -> NDArray[np.int64]:
    """Return the source index of each target pixel of `nearest_aligned`."""
    if target == 1:
        return np.zeros(1, np.int64)
    # float32 like TensorFlow: at some sizes (216 px) exact arithmetic gives another index.
    scale = np.float32(source - 1) / np.float32(target - 1)
    positions = np.arange(target, dtype=np.float32) * scale
    return np.minimum(np.floor(positions + np.float32(0.5)), source - 1).astype(np.int64)


def doubled_bilinear(x: Tensor) -> Tensor:
    """Double the size of (N, C, h, w) bilinearly without half-pixel centres.

    After each pixel follows the mean of it and the next one.
    """
    for axis in (2, 3):
        last = x.narrow(axis, x.shape[axis] - 1, 1)
        following = torch.cat([x.narrow(axis, 1, x.shape[axis] - 1), last], dim=axis)
        x = torch.stack([x, (x + following) / 2], dim=axis + 1).flatten(axis, axis + 1)
    return x
