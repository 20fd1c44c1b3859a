"""Loss terms of DFNet and of the two-stage method, on images (N, 3, H, W) in [0, 1].

References: Hong et al. 2019, section 3.3; Moskalenko et al. 2020, equations 1-4.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate, l1_loss, normalize, pad

# The weights of both papers.
L1_WEIGHT, PERCEPTUAL_WEIGHT, STYLE_WEIGHT, TV_WEIGHT = 6.0, 0.1, 240.0, 0.1
SSIM_WINDOW, SSIM_C1, SSIM_C2 = 7, 0.01**2, 0.03**2


def multiscale_l1(results: Sequence[Tensor], target: Tensor) -> Tensor:
    """Return the mean over scales of the mean absolute error."""
    return torch.stack([l1_loss(result, resized(target, result)) for result in results]).mean()


def resized(image: Tensor, like: Tensor) -> Tensor:
    """Return `image` at the size of `like`: bilinear, without antialiasing."""
    return interpolate(image, size=like.shape[-2:], mode="bilinear", align_corners=False)


def perceptual_loss(layers: Sequence[Tensor], target_layers: Sequence[Tensor]) -> Tensor:
    """Return the mean absolute difference of features, summed over layers."""
    pairs = zip(layers, target_layers, strict=True)
    return torch.stack([l1_loss(layer, target) for layer, target in pairs]).sum()


def style_loss(layers: Sequence[Tensor], target_layers: Sequence[Tensor]) -> Tensor:
    """Return the mean absolute difference of Gram matrices, summed over layers."""
    return perceptual_loss([gram(x) for x in layers], [gram(x) for x in target_layers])


def distance_loss(layers: Sequence[Tensor], target_layers: Sequence[Tensor]) -> Tensor:
    """Return the squared distance of unit-length features, mean over pixels and layers.

    This is the construction of LPIPS (Zhang et al. 2018), not a term of the papers. In contrast to
    `perceptual_loss` it does not reward weak features, which are those of a blurred image."""
    distances = [
        (normalize(layer, dim=1) - normalize(target, dim=1)).square().sum(dim=1).mean()
        for layer, target in zip(layers, target_layers, strict=True)
    ]
    return torch.stack(distances).mean()


def gram(features: Tensor) -> Tensor:
    """Return Gram matrices (N, C, C) of features (N, C, H, W), divided by C * H * W."""
    n, channels, height, width = features.shape
    flat = features.reshape(n, channels, height * width)
    return flat @ flat.transpose(1, 2) / (channels * height * width)


def total_variation(image: Tensor, mask: Tensor) -> Tensor:
    """Return the mean of |I(y-1, x) + I(y, x-1) - 2 I(y, x)| times the mask (N, 1, H, W).

    As in DFNet's code, this is |dx + dy|, not |dx| + |dy|, with zeros beyond the border."""
    above = pad(image, (0, 0, 1, 0))[..., :-1, :]
    before = pad(image, (1, 0, 0, 0))[..., :, :-1]
    return ((above + before - 2 * image) * mask).abs().mean()


def structural_similarity(result: Tensor, target: Tensor) -> Tensor:
    """Return the mean SSIM (Wang et al. 2004) with a uniform window, over pixels and channels."""
    mean_a, mean_b, squares_a, squares_b, products = (
        avg_pool2d(x, SSIM_WINDOW, stride=1)
        for x in (result, target, result.square(), target.square(), result * target)
    )
    variances = squares_a - mean_a.square() + squares_b - mean_b.square()
    covariance = products - mean_a * mean_b
    lightness = (2 * mean_a * mean_b + SSIM_C1) / (mean_a.square() + mean_b.square() + SSIM_C1)
    return (lightness * (2 * covariance + SSIM_C2) / (variances + SSIM_C2)).mean()


def psnr(result: Tensor, target: Tensor) -> float:
    """Return the peak signal-to-noise ratio in dB."""
    return float(-10 * torch.log10((result - target).square().mean()))
