"""What networks that were written for TensorFlow 1 have in common: names and layout of their
variables, and zeros around convolutions."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import pad

Variables = Mapping[str, NDArray[np.floating]]


def state_of(variables: Variables, names: Mapping[str, str]) -> dict[str, Tensor]:
    """The variables that a network knows, under its own names and in PyTorch's layout.

    variables: by their published names, kernels (H, W, in, out), others besides; names: name in
    the network's state dict -> published name."""
    known = {name.removesuffix(":0"): np.asarray(value) for name, value in variables.items()}
    return {ours: _ordered(known[name]) for ours, name in names.items() if name in known}


def _ordered(array: NDArray[np.floating]) -> Tensor:
    moved = array.transpose(3, 2, 0, 1) if array.ndim == 4 else array
    return torch.from_numpy(np.ascontiguousarray(moved, dtype=np.float32))


def same_padded(x: Tensor, kernel: int, stride: int = 1, rate: int = 1) -> Tensor:
    """(N, C, H, W) with the zeros of padding SAME, of which an odd one goes to the end."""
    above, below = same_padding(x.shape[-2], kernel, stride, rate)
    before, after = same_padding(x.shape[-1], kernel, stride, rate)
    return pad(x, (before, after, above, below))


def same_padding(size: int, kernel: int, stride: int, rate: int) -> tuple[int, int]:
    """Zeros before and after `size` pixels."""
    total = max((-(-size // stride) - 1) * stride + (kernel - 1) * rate + 1 - size, 0)
    return total // 2, total - total // 2
