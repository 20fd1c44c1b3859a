"""Training a compact stage one: DFNet's architecture, narrower, at a small working size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from methods.architectures.unet import PlainConv
from methods.base import Image, Mask
from methods.dfnet import FUSED_SCALES, DFNet, prepared_input
from methods.training.augment import mirrored, random_square, recoloured
from methods.training.losses import (
    L1_WEIGHT,
    Features,
    Loss,
    dfnet_loss,
    resized,
)
from methods.training.masks import random_mask
from methods.training.photos import Photo
from methods.training.task import Batch

SHOWN = 6


@dataclass
class StageOne:
    """size: working size in pixels; width: of DFNet's channels; l2: weight of the mean squared
    error, which PSNR measures; features: what the perceptual and style terms look through, None to
    leave them out; largest: share of the largest holes; depth: of DFNet."""

    training: Sequence[Photo]
    validation: Sequence[Photo]
    size: int = 128
    width: float = 0.375
    l2: float = 0.0
    features: Features | None = None
    largest: float = 0.9
    depth: int = 7
    seed: int = 0

    def network(self) -> DFNet:
        network = DFNet(self.width, relative=True, depth=self.depth)
        for scale in range(FUSED_SCALES):
            # Begins as the smooth fill itself.
            last = network.fusion(scale).map2img[0]
            assert isinstance(last, PlainConv) and last.conv.bias is not None
            nn.init.zeros_(last.conv.weight)
            nn.init.zeros_(last.conv.bias)
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
        pixels = random_square(rng, photo.pixels, self.size, smallest=0.5)
        pixels = recoloured(rng, mirrored(rng, pixels))
        return as_batch(pixels, random_mask(rng, self.size, self.largest))

    def loss(self, network: nn.Module, batch: Batch) -> dict[str, Tensor]:
        image, hole = batch["image"].float() / 255, batch["hole"].float()
        # In half precision it would not be smooth.
        with torch.autocast(image.device.type, enabled=False):
            given = prepared_input(image, 1 - hole, "smooth")
        results = network(given, 1 - hole)[0]
        if self.features is None:
            l1 = [(result - resized(image, result)).abs().mean() for result in results]
            terms = {"l1": L1_WEIGHT * torch.stack(l1).mean()}
        else:
            terms = _named(dfnet_loss(results, image, hole, self.features))
        if self.l2:
            terms["l2"] = self.l2 * (results[0] - image).square().mean()
        return terms

    @torch.no_grad()
    def validate(self, network: nn.Module) -> tuple[dict[str, float], Image]:
        """PSNR in dB over the whole image, middle-third holes, beside that of the smooth fill."""
        rows: list[Tensor] = []
        found, plain = [], []
        device = next(network.parameters()).device
        for photo in self.validation:
            pixels, mask = centre(photo.pixels, self.size), middle_third(self.size)
            batch = as_batch(pixels, mask)
            image = batch["image"][None].to(device).float() / 255
            known = 1 - batch["hole"][None].to(device).float()
            given = prepared_input(image, known, "smooth")
            result = network(given, known)[0][0] * (1 - known) + image * known
            found.append(_psnr(result, image))
            plain.append(_psnr(given, image))
            if len(rows) < SHOWN:
                shown = torch.cat([image * known, given, result, image], dim=3)[0]
                rows.append((shown.permute(1, 2, 0) * 255).round().clamp(0, 255).byte().cpu())
        psnr, smooth = float(np.mean(found)), float(np.mean(plain))
        scores = {"score": psnr, "psnr": psnr, "smooth": smooth, "gain": psnr - smooth}
        return scores, torch.cat(rows).numpy()


def as_batch(pixels: Image, mask: Mask) -> Batch:
    """image: uint8 (3, H, W); hole: bool (1, H, W)."""
    return {
        "image": torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1))),
        "hole": torch.from_numpy(mask[None]),
    }


def centre(pixels: Image, size: int) -> Image:
    """The largest centred square, reduced by nearest neighbour as the benchmark does."""
    height, width = pixels.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = pixels[top : top + side, left : left + side]
    return cv2.resize(square, (size, size), interpolation=cv2.INTER_NEAREST)


def middle_third(size: int) -> Mask:
    mask = np.zeros((size, size), bool)
    third = slice(-(-size // 3), 2 * size // 3 + 1)
    mask[third, third] = True
    return mask


def _psnr(result: Tensor, image: Tensor) -> float:
    return float(-10 * torch.log10((result.clamp(0, 1) - image).square().mean()))


def _named(loss: Loss) -> dict[str, Tensor]:
    return {
        "l1": loss.l1,
        "perceptual": loss.perceptual,
        "style": loss.style,
        "tv": loss.total_variation,
    }
