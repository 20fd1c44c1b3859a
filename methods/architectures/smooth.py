"""A smooth continuation of the known pixels into the hole, as the input of networks."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate, pad

COARSEST = 2
RELAXATIONS = 8
TINY = 1e-6


def smooth_fill(image: Tensor, known: Tensor) -> Tensor:
    """Fill the hole nearly harmonically: each pixel is about the mean of its neighbours.

    The solution on a coarse grid is upsampled and relaxed, up to the full size. image:
    (N, 3, H, W), not read in the hole; known: (N, 1, H, W), 1 = known; without any known pixel the
    result is 0.
    """
    image = image * known
    height, width = image.shape[-2:]
    if min(height, width) <= COARSEST:
        total = known.sum(dim=(-2, -1), keepdim=True).clamp_min(TINY)
        guess = (image.sum(dim=(-2, -1), keepdim=True) / total).expand_as(image)
    elif height % 2 or width % 2:
        margins = (0, width % 2, 0, height % 2)
        even = [pad(part, margins, mode="replicate") for part in (image, known)]
        return smooth_fill(*even)[..., :height, :width]
    else:
        share = avg_pool2d(known, 2)
        mean = avg_pool2d(image, 2) / share.clamp_min(TINY)
        coarse = smooth_fill(mean, (share > 0).to(image.dtype))
        guess = interpolate(coarse, scale_factor=2.0, mode="bilinear", align_corners=False)
    filled = torch.where(known > 0, image, guess)
    for _ in range(RELAXATIONS):
        filled = torch.where(known > 0, image, _mean_of_neighbours(filled))
    return filled


def _mean_of_neighbours(image: Tensor) -> Tensor:
    wide = pad(image, (1, 1, 1, 1), mode="replicate")
    vertical = wide[..., :-2, 1:-1] + wide[..., 2:, 1:-1]
    return (vertical + wide[..., 1:-1, :-2] + wide[..., 1:-1, 2:]) / 4
