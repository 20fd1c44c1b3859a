"""The compact refinement network of this project: it adds detail of the shifted copies to the
coarse result, band by band of Laplacian pyramids, and generates no pixels of its own.

The paper's network, made small and trained for hours instead of days, drew line patterns where it
knew nothing (docs/model_card.md); a photograph's own detail cannot.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

from methods.architectures.refinement import IMAGE, check_size
from methods.architectures.spans import Span
from methods.architectures.two_stage_input import INPUTS
from methods.architectures.unet import InputAt, PlainConv, UNet

# The U-Net works at this part of the resolution, because gains are smooth.
REDUCTION = 4
# Channels and kernel of each encoder block: the paper's, two fewer.
ENCODER = ((96, 7), (192, 5), (384, 5), (512, 3), (512, 3), (512, 3))
COPIES = 4
# Bands of detail, at 1, 1/2, 1/4... of the resolution.
BANDS = 5
# Bands that the reduction removes; the U-Net gets their strength as extra channels.
REMOVED_BANDS = 2
CHANNELS = INPUTS + REMOVED_BANDS * (1 + COPIES)
LARGEST_GAIN = 2.0
# Where a copy begins, its detail fades in over about half of FADE pixels of 1/8 of the resolution.
FADE, FADE_REDUCTION = 5, 8
TINY = 1e-6
# A box begins and ends at multiples of this, so that its pyramids are those of the frame.
GRID = 2**BANDS


class Band(NamedTuple):
    """The finest band of an image.

    detail: (N, C, H, W), 0 where unknown; low: the rest at half the size; known: (N, 1, H / 2,
    W / 2), 1 where `low` is known.
    """

    detail: Tensor
    low: Tensor
    known: Tensor


class DetailNet(UNet):
    """A U-Net that predicts a gain for each band of each shifted copy.

    Parameters
    ----------
    width
        Factor of the encoder's channels.

    References
    ----------
    The 20 input channels and the U-Net: A. Moskalenko, M. Erofeev, D. Vatolin, Deep Two-Stage
    High-Resolution Image Inpainting, 2020, section 3. The bands: P. J. Burt, E. H. Adelson, A
    Multiresolution Spline with Application to Image Mosaics, ACM Trans. Graphics 2(4), 1983.
    """

    def __init__(self, width: float = 1.0) -> None:
        super().__init__(CHANNELS, ENCODER, width)
        self.last_conv = PlainConv(CHANNELS, COPIES * BANDS, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return the image with its hole refined.

        Parameters
        ----------
        x
            As of `RefinementNet.forward`.

        Returns
        -------
        Tensor
            (N, 3, H, W) RGB in [0, 1]; known pixels are those of the input.
        """
        check_size(*x.shape[-2:])
        mask = x[:, :1]
        return mask * add_detail(x, self.gains(x)) + (1 - mask) * x[:, IMAGE]

    def gains(self, x: Tensor) -> Tensor:
        """Return by how much each copy's bands of detail are added.

        Parameters
        ----------
        x
            As of `RefinementNet.forward`.

        Returns
        -------
        Tensor
            (N, 4 * 5, H / 4, W / 4) in [0, 2]: all bands of the first copy, of the second...
        """
        features = self.outputs(_reduced_input(x))[0]
        return LARGEST_GAIN * torch.sigmoid(self.last_conv(features))

    def predict_in(
        self, input_at: InputAt, size: tuple[int, int], rows: Span, columns: Span
    ) -> Tensor:
        """Return the image in a box, before known pixels are restored.

        Parameters
        ----------
        input_at, size
            As of `RefinementNet.predict_in`.
        rows, columns
            Of the box, in pixels.

        Returns
        -------
        Tensor
            (N, 3, rows, columns) in [0, 1].
        """
        check_size(*size)
        gains = self.gains(input_at(Span(0, size[0]), Span(0, size[1])))
        around = [_on_grid(span, side) for span, side in zip((rows, columns), size, strict=True)]
        small = [slice(*span.reduced(REDUCTION)) for span in around]
        image = add_detail(input_at(*around), gains[..., small[0], small[1]])
        inner = [
            slice(*span.shifted(-outer.start))
            for span, outer in zip((rows, columns), around, strict=True)
        ]
        return image[..., inner[0], inner[1]]


def _on_grid(span: Span, size: int) -> Span:
    """Extend a span so that what is beyond it has no influence on the result inside."""
    cells = span.reduced(GRID).grown(2)
    return Span(cells.start * GRID, cells.stop * GRID).clipped(size)


def _reduced_input(x: Tensor) -> Tensor:
    """Return the U-Net's input, (N, 30, H / 4, W / 4): the means of the 20 channels, and the
    strength of the removed bands in the image and in each copy."""
    parts = [avg_pool2d(x, REDUCTION)]
    for image, mask in _images_and_masks(x):
        grey, known = image.mean(dim=1, keepdim=True), 1 - mask
        for level in range(REMOVED_BANDS):
            band = _finest_band(grey, known)
            power = avg_pool2d(band.detail.square(), REDUCTION // 2**level)
            parts.append((power + TINY).sqrt())
            grey, known = band.low, band.known
    return torch.cat(parts, dim=1)


def _images_and_masks(x: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Return the image and its four copies, each with its mask."""
    copies = [(x[:, i : i + 3], x[:, i + 3 : i + 4]) for i in range(IMAGE.stop, INPUTS, 4)]
    return [(x[:, IMAGE], x[:, :1]), *copies]


def _finest_band(image: Tensor, known: Tensor) -> Band:
    """Split an image; pixels that are not known, (N, 1, H, W), have no influence."""
    share = avg_pool2d(known, 2)
    low = avg_pool2d(image * known, 2) / share.clamp_min(TINY)
    low_known = (share > 0).to(image.dtype)
    smooth = _doubled(low * low_known) / _doubled(low_known).clamp_min(TINY)
    return Band((image - smooth) * known, low, low_known)


def add_detail(x: Tensor, gains: Tensor) -> Tensor:
    """Return the coarse image plus the copies' detail times the gains, (N, 3, H, W) in [0, 1]."""
    by_copy = gains.to(x.dtype).unflatten(1, (COPIES, BANDS)).unbind(dim=1)
    bands: list[Tensor] = []
    for (image, mask), gain in zip(_images_and_masks(x)[1:], by_copy, strict=True):
        known = 1 - mask
        weight = gain * _resized(_fade_in(known), gain)
        for level in range(BANDS):
            band = _finest_band(image, known)
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


def _fade_in(known: Tensor) -> Tensor:
    """Return 1 well inside the known area, falling to 0 at its border; (N, 1, H / 8, W / 8)."""
    share = avg_pool2d(known, FADE_REDUCTION)
    around = avg_pool2d(share, FADE, stride=1, padding=FADE // 2, count_include_pad=False)
    return (2 * around - 1).clamp_min(0)


def _doubled(x: Tensor) -> Tensor:
    return interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


def _resized(x: Tensor, like: Tensor) -> Tensor:
    """Resize by means if smaller, else bilinearly."""
    factor = x.shape[-1] // like.shape[-1]
    if factor > 1:
        return avg_pool2d(x, factor)
    return interpolate(x, size=like.shape[-2:], mode="bilinear", align_corners=False)
