"""The compact refinement network of this project: it decides how much detail of each shifted copy
to lay over stage one's result, and makes no pixel of its own.

It sees the 20 channels of A. Moskalenko, M. Erofeev, D. Vatolin, Deep Two-Stage High-Resolution
Image Inpainting, 2020, section 3, and like the paper's network it is a U-Net; the detail is taken
band by band from Laplacian pyramids (P. J. Burt, E. H. Adelson, A Multiresolution Spline with
Application to Image Mosaics, 1983). The paper's network, made small and trained for hours instead
of days, drew line patterns where it knew nothing (docs/model_card.md); a photograph's own detail
cannot.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

from methods.architectures.refinement import IMAGE, INPUTS, UNet, check_size
from methods.architectures.unet import PlainConv, Span

# The U-Net works at this part of the resolution: what it makes is smooth.
REDUCTION = 4
# Channels and kernel of each encoder block: the paper's, two fewer.
ENCODER = ((96, 7), (192, 5), (384, 5), (512, 3), (512, 3), (512, 3))
COPIES = 4
# Bands of detail, at 1, 1/2, 1/4... of the resolution.
BANDS = 5
# Bands too fine for the reduced resolution, whose strength the U-Net is told.
UNSEEN = 2
LOOKS = INPUTS + UNSEEN * (1 + COPIES)
# A band is laid over twice as strong as it is, at most.
STRONGEST = 2.0
# Detail fades in over about half this many pixels of 1/8 of the resolution, where a copy begins.
FADE, FADE_REDUCTION = 5, 8
TINY = 1e-6
# A box that is cut out begins and ends at multiples of this, so that its pyramids are the frame's.
GRID = 2**BANDS


class Band(NamedTuple):
    """detail: (N, C, H, W), zero where nothing is known; low: what is left at half the size;
    known: (N, 1, H / 2, W / 2), 1 where `low` is known."""

    detail: Tensor
    low: Tensor
    known: Tensor


class DetailNet(UNet):
    """width: multiplies the channels of the encoder.

    The input (N, 20, H, W) is that of RefinementNet; both sides must be multiples of 256."""

    def __init__(self, width: float = 1.0) -> None:
        super().__init__(LOOKS, ENCODER, width)
        self.last_conv = PlainConv(LOOKS, COPIES * BANDS, 1)

    def forward(self, x: Tensor) -> Tensor:
        """The image with its hole refilled, (N, 3, H, W) in [0, 1]; known pixels as they came."""
        check_size(*x.shape[-2:])
        mask = x[:, :1]
        return mask * detailed(x, self.gains(x)) + (1 - mask) * x[:, IMAGE]

    def gains(self, x: Tensor) -> Tensor:
        """How strong each band of each copy is wanted, (N, 4 * 5, H / 4, W / 4) in [0, 2]: all
        bands of the first copy, of the second..."""
        return STRONGEST * torch.sigmoid(self.last_conv.conv(self.features(looks(x))))

    def refilled_in(
        self,
        input_at: Callable[[Span, Span], Tensor],
        size: tuple[int, int],
        rows: Span,
        columns: Span,
    ) -> Tensor:
        """The image in a box, before known pixels are put back; arguments as in RefinementNet."""
        check_size(*size)
        gains = self.gains(input_at(Span(0, size[0]), Span(0, size[1])))
        wide = [_on_grid(span, side) for span, side in zip((rows, columns), size, strict=True)]
        small = [slice(span.start // REDUCTION, span.stop // REDUCTION) for span in wide]
        image = detailed(input_at(*wide), gains[..., small[0], small[1]])
        inner = [
            slice(span.start - box.start, span.stop - box.start)
            for span, box in zip((rows, columns), wide, strict=True)
        ]
        return image[..., inner[0], inner[1]]


def _on_grid(span: Span, size: int) -> Span:
    """With enough around it that cutting changes nothing inside."""
    start, stop = span.start // GRID - 2, -(-span.stop // GRID) + 2
    return Span(start * GRID, stop * GRID).clipped(size)


def looks(x: Tensor) -> Tensor:
    """What the U-Net sees of the 20 channels: their means at 1/4 of the resolution, and for the
    image and each copy how strong the bands are that are lost by that; (N, 30, H / 4, W / 4)."""
    seen = [avg_pool2d(x, REDUCTION)]
    for image, mask in pictures(x):
        grey, known = image.mean(dim=1, keepdim=True), 1 - mask
        for level in range(UNSEEN):
            band = split(grey, known)
            power = avg_pool2d(band.detail.square(), REDUCTION // 2**level)
            seen.append((power + TINY).sqrt())
            grey, known = band.low, band.known
    return torch.cat(seen, dim=1)


def pictures(x: Tensor) -> list[tuple[Tensor, Tensor]]:
    """The image and the four copies, each with its mask."""
    first = IMAGE.stop
    copies = [x[:, start : start + 4] for start in range(first, INPUTS, 4)]
    return [(x[:, IMAGE], x[:, :1]), *((copy[:, :3], copy[:, 3:]) for copy in copies)]


def split(image: Tensor, known: Tensor) -> Band:
    """The finest band of an image. known: (N, 1, H, W), 1 where it is known; what is not known
    takes no part."""
    share = avg_pool2d(known, 2)
    low = avg_pool2d(image * known, 2) / share.clamp_min(TINY)
    there = (share > 0).to(image.dtype)
    back = _doubled(low * there) / _doubled(there).clamp_min(TINY)
    return Band((image - back) * known, low, there)


def detailed(x: Tensor, gains: Tensor) -> Tensor:
    """Stage one's result with the copies' detail laid over it, (N, 3, H, W) in [0, 1]."""
    by_copy = gains.to(x.dtype).unflatten(1, (COPIES, BANDS)).unbind(dim=1)
    bands: list[Tensor] = []
    for (image, mask), wanted in zip(pictures(x)[1:], by_copy, strict=True):
        known = 1 - mask
        weight = wanted * _resized(faded(known), wanted)
        for level in range(BANDS):
            band = split(image, known)
            part = _resized(weight[:, level : level + 1], band.detail) * band.detail
            if len(bands) > level:
                bands[level] = bands[level] + part
            else:
                bands.append(part)
            image, known = band.low, band.known
    detail = bands.pop()
    while bands:
        detail = _doubled(detail) + bands.pop()
    return (x[:, IMAGE] + detail).clamp(0, 1)


def faded(known: Tensor) -> Tensor:
    """1 well inside of what is known, falling to 0 where it ends; (N, 1, H / 8, W / 8)."""
    share = avg_pool2d(known, FADE_REDUCTION)
    around = avg_pool2d(share, FADE, stride=1, padding=FADE // 2, count_include_pad=False)
    return (2 * around - 1).clamp_min(0)


def _doubled(x: Tensor) -> Tensor:
    return interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


def _resized(x: Tensor, like: Tensor) -> Tensor:
    """Smaller by means, larger bilinearly."""
    smaller = x.shape[-1] // like.shape[-1]
    if smaller > 1:
        return avg_pool2d(x, smaller)
    return interpolate(x, size=like.shape[-2:], mode="bilinear", align_corners=False)
