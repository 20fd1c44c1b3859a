"""Training of a compact stage one: DFNet's architecture, narrower, at a small working size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from methods.architectures.dfnet import FUSED_SCALES, DFNet, masked_input
from methods.architectures.unet import PlainConv
from methods.base import Image, Mask
from methods.network import to_image
from methods.training.augment import mirrored, random_mask, random_square, recoloured
from methods.training.losses import L1_WEIGHT, multiscale_l1, psnr
from methods.training.photos import Photo
from methods.training.task import Batch

SHOWN = 6


@dataclass
class StageOne:
    """Training of stage one, a `Task`."""

    training: Sequence[Photo]
    validation: Sequence[Photo]
    size: int = 128  # working size in pixels
    width: float = 0.375  # channels, relative to DFNet's
    l2: float = 0.0  # weight of the mean squared error
    largest: float = 0.9  # share of the image that the largest holes cover
    depth: int = 7  # how often DFNet halves the image
    seed: int = 0

    def network(self) -> DFNet:
        network = DFNet(self.width, relative=True, depth=self.depth)
        for scale in range(FUSED_SCALES):
            # The initial result is the smooth fill.
            make_constant(network.fusion(scale).map2img[0])
        return network

    def metadata(self) -> dict[str, str]:
        return {
            "colour_order": "RGB",
            "fill": "smooth",
            "working_size": str(self.size),
            "width": str(self.width),
            "profile": "paper",
        }

    def sample(self, index: int) -> Batch:
        rng = np.random.default_rng([self.seed, index])
        photo = self.training[int(rng.integers(len(self.training)))]
        pixels = random_square(rng, photo.pixels, self.size)
        pixels = recoloured(rng, mirrored(rng, pixels))
        return _as_batch(pixels, random_mask(rng, self.size, self.largest))

    def loss(self, network: nn.Module, batch: Batch) -> dict[str, Tensor]:
        image, hole = batch["image"].float() / 255, batch["hole"].float()
        filled = masked_input(image, 1 - hole, "smooth")
        results = network(filled, 1 - hole)[0]
        terms = {"l1": L1_WEIGHT * multiscale_l1(results, image)}
        if self.l2:
            terms["l2"] = self.l2 * (results[0] - image).square().mean()
        return terms

    @torch.no_grad()
    def validate(self, network: nn.Module) -> tuple[dict[str, float], Image]:
        """Return the mean PSNR in dB over whole images with middle-third holes, and that of the
        smooth fill; the picture shows input, smooth fill, result and original."""
        results: list[float] = []
        fills: list[float] = []
        pictures: list[Image] = []
        device = next(network.parameters()).device
        for photo in self.validation:
            batch = _as_batch(_centre(photo.pixels, self.size), middle_third(self.size))
            image = batch["image"][None].to(device).float() / 255
            known = 1 - batch["hole"][None].to(device).float()
            filled = masked_input(image, known, "smooth")
            result = network(filled, known)[0][0] * (1 - known) + image * known
            results.append(psnr(result.clamp(0, 1), image))
            fills.append(psnr(filled.clamp(0, 1), image))
            if len(pictures) < SHOWN:
                shown = [image * known, filled, result, image]
                pictures.append(to_image(torch.cat(shown, dim=3)))
        mean, smooth = float(np.mean(results)), float(np.mean(fills))
        scores = {"score": mean, "psnr": mean, "smooth": smooth, "gain": mean - smooth}
        return scores, np.concatenate(pictures)


def middle_third(size: int) -> Mask:
    """Return the hole of the benchmark's protocol, bool (size, size)."""
    mask = np.zeros((size, size), bool)
    third = slice(-(-size // 3), 2 * size // 3 + 1)
    mask[third, third] = True
    return mask


def _as_batch(pixels: Image, mask: Mask) -> Batch:
    return {
        "image": torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1))),
        "hole": torch.from_numpy(mask[None]),
    }


def _centre(pixels: Image, size: int) -> Image:
    """Return the largest centred square, reduced by nearest neighbour as in the benchmark."""
    height, width = pixels.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = pixels[top : top + side, left : left + side]
    return cv2.resize(square, (size, size), interpolation=cv2.INTER_NEAREST)


def make_constant(layer: nn.Module, value: float = 0.0) -> None:
    """Initialise a convolution so that its output is `value` everywhere."""
    assert isinstance(layer, PlainConv) and layer.conv.bias is not None
    nn.init.zeros_(layer.conv.weight)
    nn.init.constant_(layer.conv.bias, value)
