"""A smooth continuation of the known pixels into the hole: what a network need not learn."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate, pad

COARSEST = 2
RELAXATIONS = 8


def smooth_fill(image: Tensor, known: Tensor) -> Tensor:
    """`image` with its hole filled nearly harmonically (each pixel the mean of its neighbours):
    solved on a coarse grid, enlarged, relaxed, and so on up to the full size.

    image: (N, 3, H, W), the hole is not read; known: (N, 1, H, W), 1 = known. Without any known
    pixel the result is 0."""
    image = image * known
    height, width = image.shape[-2:]
    if min(height, width) <= COARSEST:
        guess = _mean(image, known)
    elif height % 2 or width % 2:
        even = (0, width % 2, 0, height % 2)
        wide = [pad(part, even, mode="replicate") for part in (image, known)]
        return smooth_fill(*wide)[..., :height, :width]
    else:
        share = avg_pool2d(known, 2)
        below = avg_pool2d(image, 2) / share.clamp_min(1e-6)
        coarse = smooth_fill(below, (share > 0).to(image.dtype))
        guess = interpolate(coarse, scale_factor=2.0, mode="bilinear", align_corners=False)
    filled = torch.where(known > 0, image, guess)
    for _ in range(RELAXATIONS):
        filled = torch.where(known > 0, image, _neighbours(filled))
    return filled


def _mean(image: Tensor, known: Tensor) -> Tensor:
    total = known.sum(dim=(-2, -1), keepdim=True).clamp_min(1e-6)
    return (image.sum(dim=(-2, -1), keepdim=True) / total).expand_as(image)


def _neighbours(image: Tensor) -> Tensor:
    """Mean of the four neighbours; beyond the border the nearest pixel counts."""
    wide = pad(image, (1, 1, 1, 1), mode="replicate")
    vertical = wide[..., :-2, 1:-1] + wide[..., 2:, 1:-1]
    return (vertical + wide[..., 1:-1, :-2] + wide[..., 1:-1, 2:]) / 4
