"""Loss terms of DFNet and of the two-stage method (Hong et al. 2019, section 3.3; Moskalenko et
al. 2020, equations 1-4), all on (N, 3, H, W) in [0, 1]."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate, l1_loss, normalize, pad

Features = Callable[[Tensor], Sequence[Tensor]]

L1_WEIGHT, PERCEPTUAL_WEIGHT, STYLE_WEIGHT, TV_WEIGHT = 6.0, 0.1, 240.0, 0.1
# Scales that DFNet's texture terms look at.
TEXTURE_SCALES = 3
SSIM_WINDOW, SSIM_C1, SSIM_C2 = 7, 0.01**2, 0.03**2


@dataclass(frozen=True)
class Loss:
    """The terms of a loss, weighted."""

    l1: Tensor
    perceptual: Tensor
    style: Tensor
    total_variation: Tensor

    @property
    def total(self) -> Tensor:
        return self.l1 + self.perceptual + self.style + self.total_variation


def dfnet_loss(
    results: Sequence[Tensor],
    target: Tensor,
    mask: Tensor,
    features: Features,
    tv_on: Literal["target", "result"] = "result",
) -> Loss:
    """DFNet's loss over all its scales.

    results: of scales 0, 1, 2...; target: the full image; mask: (N, 1, H, W), where total
    variation counts. tv_on: the published code takes the total variation of the target, a constant
    that trains nothing; "target" gives its numbers."""
    l1 = torch.stack([l1_loss(result, resized(target, result)) for result in results]).mean()
    perceptual, style, variation = [], [], []
    for result in results[:TEXTURE_SCALES]:
        aim = resized(target, result)
        found, wanted = features(result), features(aim)
        perceptual.append(perceptual_loss(found, wanted))
        style.append(style_loss(found, wanted))
        shown = result if tv_on == "result" else aim
        variation.append(total_variation(shown, resized(mask, result)))
    return Loss(
        L1_WEIGHT * l1,
        PERCEPTUAL_WEIGHT * torch.stack(perceptual).mean(),
        STYLE_WEIGHT * torch.stack(style).mean(),
        TV_WEIGHT * torch.stack(variation).mean(),
    )


def resized(image: Tensor, like: Tensor) -> Tensor:
    """`image` at the size of `like`: bilinear, without antialiasing."""
    return interpolate(image, size=like.shape[-2:], mode="bilinear", align_corners=False)


def perceptual_loss(found: Sequence[Tensor], wanted: Sequence[Tensor]) -> Tensor:
    """Mean absolute difference of features, summed over layers."""
    return torch.stack([l1_loss(a, b) for a, b in zip(found, wanted, strict=True)]).sum()


def style_loss(found: Sequence[Tensor], wanted: Sequence[Tensor]) -> Tensor:
    """Mean absolute difference of Gram matrices, summed over layers."""
    return perceptual_loss([gram(a) for a in found], [gram(b) for b in wanted])


def distance_loss(found: Sequence[Tensor], wanted: Sequence[Tensor]) -> Tensor:
    """Squared distance of unit-length features, mean over places and layers: the construction of
    LPIPS (Zhang et al. 2018). Unlike `perceptual_loss` it gains nothing from weak features, which
    are those of a blurred image. Not in the papers."""
    return torch.stack(
        [
            (normalize(a, dim=1) - normalize(b, dim=1)).square().sum(dim=1).mean()
            for a, b in zip(found, wanted, strict=True)
        ]
    ).mean()


def gram(features: Tensor) -> Tensor:
    """(N, C, H, W) to (N, C, C): products of channels summed over the image, by C * H * W."""
    n, channels, height, width = features.shape
    flat = features.reshape(n, channels, height * width)
    return flat @ flat.transpose(1, 2) / (channels * height * width)


def total_variation(image: Tensor, mask: Tensor) -> Tensor:
    """Mean over all elements of |I(y-1, x) + I(y, x-1) - 2 I(y, x)| times the mask (N, 1, H, W),
    with zeros beyond the border, as in DFNet's code: |dx + dy|, not |dx| + |dy|."""
    above = pad(image, (0, 0, 1, 0))[..., :-1, :]
    before = pad(image, (1, 0, 0, 0))[..., :, :-1]
    return ((above + before - 2 * image) * mask).abs().mean()


def structural_similarity(result: Tensor, target: Tensor) -> Tensor:
    """Mean SSIM (Wang et al. 2004) with a uniform window, over pixels and channels."""
    mean_a, mean_b, squares_a, squares_b, products = (
        avg_pool2d(x, SSIM_WINDOW, stride=1)
        for x in (result, target, result.square(), target.square(), result * target)
    )
    variances = squares_a - mean_a.square() + squares_b - mean_b.square()
    covariance = products - mean_a * mean_b
    lightness = (2 * mean_a * mean_b + SSIM_C1) / (mean_a.square() + mean_b.square() + SSIM_C1)
    return (lightness * (2 * covariance + SSIM_C2) / (variances + SSIM_C2)).mean()
