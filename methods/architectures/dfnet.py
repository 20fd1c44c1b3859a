"""DFNet: a U-Net that blends its prediction with the known image at six scales."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, pad

from methods.architectures.boxes import crop_or_pad
from methods.architectures.spans import Span
from methods.architectures.unet import SLOPE, PlainConv, UNet, relative_sigmoid

# Channels and kernel of each encoder block.
ENCODER = ((64, 7), (128, 5), (256, 5), (512, 3), (512, 3), (512, 3), (512, 3), (512, 3))
FUSED_SCALES = 6
# Of `smooth_fill`: side of the coarsest grid, relaxations on each, and what no divisor is below.
COARSEST = 2
RELAXATIONS = 8
TINY = 1e-6


class Blend(nn.Module):
    """Predicts alpha from the known and the raw image."""

    def __init__(self) -> None:
        super().__init__()
        self.blend = nn.Sequential(
            PlainConv(6, 32, 1),
            nn.BatchNorm2d(32),
            nn.LeakyReLU(SLOPE),
            PlainConv(32, 3, 3),
            nn.BatchNorm2d(3),
            nn.LeakyReLU(SLOPE),
            PlainConv(3, 3, 1),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.blend(x)


class FusionBlock(nn.Module):
    """Fusion block (paper, section 3.2): predicts a raw image, and blends it with the known image
    by an alpha for each colour. With `relative` the raw image is a change of the known image."""

    def __init__(self, channels: int, relative: bool) -> None:
        super().__init__()
        self.relative = relative
        self.map2img = nn.Sequential(PlainConv(channels, 3, 1), nn.Sigmoid())
        self.blend = Blend()

    def forward(self, img_miss: Tensor, features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return result, alpha and raw image, (N, 3, h, w) in [0, 1]."""
        size = features.shape[-2:]
        known = interpolate(img_miss, size=size, mode="bilinear", align_corners=False)
        raw = self._raw(known, features)
        alpha = self.blend(torch.cat([known, raw], dim=1))
        return alpha * raw + (1 - alpha) * known, alpha, raw

    def _raw(self, known: Tensor, features: Tensor) -> Tensor:
        if self.relative:
            return relative_sigmoid(self.map2img[0](features), known)
        return self.map2img(features)

    def result_in(self, known: Tensor, features: Tensor, box: tuple[Span, Span]) -> Tensor:
        """Return the result in a box of both inputs.

        The inputs extend one pixel beyond the box, except where the frame ends.
        """
        raw = self._raw(known, features)
        layers = self.blend.blend
        hidden = layers[:3](torch.cat([known, raw], dim=1))
        everything = (Span(0, hidden.shape[-2]), Span(0, hidden.shape[-1]))
        hidden = crop_or_pad(hidden, everything, [span.grown(1) for span in box])
        alpha = layers[4:](layers[3].forward_valid(hidden))  # type: ignore[operator]
        known, raw = crop_or_pad(known, everything, box), crop_or_pad(raw, everything, box)
        return alpha * raw + (1 - alpha) * known


class DFNet(UNet):
    """Deep Fusion Network.

    Parameters
    ----------
    width
        Factor of the encoder's channels; 1.0 is the published size (32,880,504 parameters).
    relative
        Whether the network predicts a change of its input image, for inputs whose hole is already
        filled; False is the published network.
    depth
        Number of halvings; the published network has 8.

    References
    ----------
    X. Hong, P. Xiong, R. Ji, H. Fan, Deep Fusion Network for Image Completion, ACM Multimedia 2019.
    """

    def __init__(
        self, width: float = 1.0, relative: bool = False, depth: int = len(ENCODER)
    ) -> None:
        encoder_names = [f"en_{level}" for level in range(depth)]
        decoder_names = {f"de_{level}": level for level in range(depth)}
        super().__init__(4, ENCODER[:depth], width, encoder_names, decoder_names)
        self.multiple = 2**depth
        for scale in range(FUSED_SCALES):
            self.add_module(f"fuse_{scale}", FusionBlock(self.channels[scale], relative))

    def fusion(self, scale: int) -> FusionBlock:
        """Return the fusion block of a scale.

        Parameters
        ----------
        scale
            0 (full size) to 5 (1/32).

        Returns
        -------
        FusionBlock
            A submodule.
        """
        return self.get_submodule(f"fuse_{scale}")  # type: ignore[return-value]

    def forward(
        self, img_miss: Tensor, mask: Tensor
    ) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
        """Return results, alphas and raw images at scales 0 (full size) to 5 (1/32).

        Parameters
        ----------
        img_miss
            Image times mask, (N, 3, H, W) in [0, 1]; BGR for the published weights. Both sides are
            multiples of 2**depth: 256.
        mask
            (N, 1, H, W), 1 = known.

        Returns
        -------
        three lists of Tensor
            (N, 3, H / 2**scale, W / 2**scale) in [0, 1].

        Raises
        ------
        ValueError
            If a side is not a multiple of 2**depth.
        """
        outputs = self.outputs(self._joined(img_miss, mask))
        fused = [self.fusion(scale)(img_miss, outputs[scale]) for scale in range(FUSED_SCALES)]
        results, alphas, raws = zip(*fused, strict=True)
        return list(results), list(alphas), list(raws)

    def result_in(self, img_miss: Tensor, mask: Tensor, rows: Span, columns: Span) -> Tensor:
        """Return the full-size result in a box, computed only where necessary.

        Parameters
        ----------
        img_miss, mask
            As of `forward`.
        rows, columns
            Of the box, in pixels.

        Returns
        -------
        Tensor
            (N, 3, rows, columns) in [0, 1].
        """
        x = self._joined(img_miss, mask)
        height, width = x.shape[-2:]
        around = rows.grown(1).clipped(height), columns.grown(1).clipped(width)

        def input_at(rows: Span, columns: Span) -> Tensor:
            return x[..., slice(*rows), slice(*columns)]

        features = self.output_in(input_at, (height, width), *around)
        known = img_miss[..., slice(*around[0]), slice(*around[1])]
        box = rows.shifted(-around[0].start), columns.shifted(-around[1].start)
        return self.fusion(0).result_in(known, features, box)

    def _joined(self, img_miss: Tensor, mask: Tensor) -> Tensor:
        height, width = img_miss.shape[-2:]
        if height % self.multiple or width % self.multiple:
            raise ValueError(f"DFNet takes multiples of {self.multiple} px, not {width}x{height}")
        return torch.cat([img_miss, mask], dim=1)


def masked_input(image: Tensor, known: Tensor, fill: str = "black") -> Tensor:
    """Return DFNet's input image, (N, 3, H, W): its hole is black as in the paper or, for weights
    trained with it, filled by a smooth continuation of the known pixels."""
    if fill != "smooth":
        return image * known
    # In half precision the fill would not be smooth.
    with torch.autocast(image.device.type, enabled=False):
        return smooth_fill(image, known)


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
