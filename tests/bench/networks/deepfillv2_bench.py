"""DeepFill v2 as it runs beside the authors' formulation, which holds the whole score matrix:
`python -m tests.bench.networks.deepfillv2_bench`.

Middle-third holes, random weights, a process for each row. The plain formulation is left out where
it does not fit into the memory that is free. Linux only."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import conv2d, conv_transpose2d, unfold

import methods
from methods.architectures import deepfillv2
from methods.network import full_precision, to_tensor
from tests.bench.fresh import measured
from tests.bench.networks.networks_bench import case

HERE = "tests.bench.networks.deepfillv2_bench"
# What the plain formulation was seen to need, GB.
NEEDED = {512: 3, 1024: 20, 2048: 300}


def main() -> None:
    print(f"{torch.get_num_threads()} threads, torch {torch.__version__}")
    print(f"{'px':>5} {'plain s':>8} {'MB':>6} {'blocks s':>9} {'MB':>6} {'time':>6}")
    for size in (512, 1024, 2048):
        ours = measured(f"{HERE}:blocks", size)
        if _free_gb() < NEEDED[size]:
            print(f"{size:5} {'no room':>8} {'':>6} {ours[0]:9.1f} {ours[1]:6.0f}")
            continue
        plain = measured(f"{HERE}:plain", size)
        print(
            f"{size:5} {plain[0]:8.1f} {plain[1]:6.0f} {ours[0]:9.1f} {ours[1]:6.0f}"
            f" {ours[0] / plain[0]:5.2f}x"
        )


def _free_gb() -> float:
    found = re.search(r"MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text())
    return int(found[1]) / 2**20 if found else 0.0


def blocks(size: int) -> Callable[[], object]:
    method, given = methods.create("deepfillv2", weights="random"), case(size)
    method.inpaint(*case(128))
    return lambda: method.inpaint(*given)


def plain(size: int) -> Callable[[], object]:
    deepfillv2.contextual_attention = _plain_attention  # type: ignore[assignment]
    network = methods.create("deepfillv2", weights="random")
    network.inpaint(*case(128))
    image, mask = case(size)
    side = size // 8 * 8

    def run() -> None:
        device = torch.device("cpu")
        with full_precision():
            hole = to_tensor(mask[:side, :side], device)
            pixels = to_tensor(image[:side, :side], device) / 127.5 - 1
            network.loaded()(pixels * (1 - hole), hole)  # type: ignore[attr-defined]

    return run


def _plain_attention(
    foreground: Tensor,
    background: Tensor,
    reduced: tuple[Tensor, Tensor],
    hole: Tensor,
    fuse: bool,
    **options: Any,
) -> Tensor:
    """As the published code: patches as kernels of convolutions, the fuse as a convolution of the
    matrix with an identity kernel."""
    small = reduced[0]
    height, width = small.shape[-2:]
    channels = small.shape[1]
    kernels = unfold(small, 3, padding=1)[0].T.reshape(-1, channels, 3, 3)
    norms = kernels.square().sum(dim=(1, 2, 3), keepdim=True).sqrt().clamp_min(1e-4)
    scores = conv2d(small, kernels / norms, padding=1)
    count = height * width
    matrix = scores.view(count, count).T.reshape(1, 1, count, count)
    identity = torch.eye(3)[None, None]
    matrix = conv2d(matrix, identity, padding=1).view(height, width, height, width)
    matrix = matrix.permute(1, 0, 3, 2).reshape(1, 1, count, count)
    matrix = conv2d(matrix, identity, padding=1).view(width, height, width, height)
    matrix = matrix.permute(1, 0, 3, 2).reshape(count, count)
    valid = (unfold((hole != 0).float()[None, None], 3, padding=1)[0].sum(dim=0) == 0).float()
    shares = (matrix * valid * 10).softmax(dim=1) * valid
    patches = unfold(background, 4, stride=2, padding=1)[0].T.reshape(-1, channels, 4, 4)
    grid = shares.T.reshape(1, count, height, width)
    return conv_transpose2d(grid, patches, stride=2, padding=1) / 4


if __name__ == "__main__":
    main()
