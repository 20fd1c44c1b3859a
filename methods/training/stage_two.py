"""Training of the refinement network (Moskalenko et al. 2020, section 3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor, nn

from methods.architectures.backbones.squeezenet import TEXTURE_LAYERS
from methods.architectures.detail import DetailNet
from methods.architectures.refinement import IMAGE, RefinementNet
from methods.architectures.stacking import Stack, matched, prepared_as_in_paper
from methods.architectures.unet import PlainConv, Span
from methods.base import Image
from methods.training.augment import colour_table
from methods.training.coarse import Square
from methods.training.losses import (
    L1_WEIGHT,
    PERCEPTUAL_WEIGHT,
    STYLE_WEIGHT,
    TV_WEIGHT,
    distance_loss,
    perceptual_loss,
    structural_similarity,
    style_loss,
    total_variation,
)
from methods.training.masks import LARGEST_SHARE, SMALLEST_SHARE
from methods.training.task import Batch

Kind = Literal["detail", "paper"]

TRIES = 20
# Before the sigmoid: an eighth of each copy's detail to begin with.
FIRST_GAIN = -2.7
SHOWN = 6
# Pixels after which the grid of the features repeats.
GRID = 8
# Stage one's results are also seen reduced by up to this much, so that refinement learns to
# sharpen what was enlarged up to eight times, as at 2048 px, from photographs of 512 px.
MOST_REDUCED = 4.0


@dataclass
class StageTwo:
    """training, validation: squares whose stage-one results are there; patch: side of the patches
    in pixels; width: of the network's channels; kind: "paper" is RefinementNet, "detail" is
    DetailNet; perceptual, style, distance, ssim: weights of these terms, which trade PSNR and SSIM
    for sharpness; the paper has no `distance` and no `ssim`."""

    training: Sequence[Square]
    validation: Sequence[Square]
    features: nn.Module
    working_size: int = 256
    patch: int = 512
    width: float = 0.25
    kind: Kind = "detail"
    perceptual: float = PERCEPTUAL_WEIGHT
    style: float = STYLE_WEIGHT
    distance: float = 0.0
    ssim: float = 0.0
    seed: int = 0

    def network(self) -> RefinementNet | DetailNet:
        if self.kind == "detail":
            detail = DetailNet(self.width)
            assert detail.last_conv.conv.bias is not None
            nn.init.zeros_(detail.last_conv.conv.weight)
            nn.init.constant_(detail.last_conv.conv.bias, FIRST_GAIN)
            return detail
        network = RefinementNet(self.width, relative=True)
        # Begins as stage one's result itself.
        last = network.last_conv[0]
        assert isinstance(last, PlainConv) and last.conv.bias is not None
        nn.init.zeros_(last.conv.weight)
        nn.init.zeros_(last.conv.bias)
        return network

    def metadata(self) -> dict[str, str]:
        return {
            "colour_order": "RGB",
            "distance": str(self.distance),
            "network": self.kind,
            "patch": str(self.patch),
            "perceptual": str(self.perceptual),
            "profile": "paper",
            "relative": "yes",
            "ssim": str(self.ssim),
            "style": str(self.style),
            "width": str(self.width),
            "working_size": str(self.working_size),
        }

    def sample(self, index: int) -> Batch:
        rng = np.random.default_rng([self.seed, index])
        while True:
            square = self.training[int(rng.integers(len(self.training)))]
            found = self._patch(rng, square, colour_table(rng), mirror=bool(rng.random() < 0.5))
            if found is not None:
                return found

    def _patch(
        self, rng: Generator, square: Square, colours: Image | None = None, mirror: bool = False
    ) -> Batch | None:
        """A patch with a hole share of 10-90 %; None if none was found."""
        reduction = float(np.exp(rng.uniform(0, np.log(MOST_REDUCED))))
        stack, target = self._framed(square, reduction, colours, mirror)
        for _ in range(TRIES):
            corner = [int(rng.integers(0, max(1, n - self.patch + 1))) for n in target.shape[:2]]
            rows, columns = (Span(start, start + self.patch) for start in corner)
            share = stack.mask[slice(*rows), slice(*columns)].mean()
            if SMALLEST_SHARE <= share <= LARGEST_SHARE:
                wanted = target[slice(*rows), slice(*columns)].transpose(2, 0, 1)
                return {
                    "stack": torch.from_numpy(stack.bytes_at(rows, columns)),
                    "target": torch.from_numpy(np.ascontiguousarray(wanted)),
                }
        return None

    def _framed(
        self, square: Square, reduction: float, colours: Image | None, mirror: bool
    ) -> tuple[Stack, Image]:
        """The square's 20 channels, to be made where they are needed, and what is wanted."""
        pixels, mask, coarse = square.pixels, square.mask, square.stage_one_result()
        if mirror:
            pixels, mask, coarse = pixels[:, ::-1], mask[:, ::-1], coarse[:, ::-1]
        if colours is not None:
            pixels, coarse = (cv2.LUT(np.ascontiguousarray(p), colours) for p in (pixels, coarse))
        frame = prepared_as_in_paper(pixels, np.ascontiguousarray(mask), self.working_size)
        if reduction > 1:
            side = round(self.working_size / reduction)
            coarse = cv2.resize(coarse, (side, side), interpolation=cv2.INTER_AREA)
        return Stack(matched(frame, coarse), frame.mask | frame.invalid, frame.shift), pixels

    def loss(self, network: nn.Module, batch: Batch) -> dict[str, Tensor]:
        x, target = batch["stack"].float() / 255, batch["target"].float() / 255
        result = network(x)
        perceptual, style, distance = self._texture(result, target)
        terms = {
            "l1": L1_WEIGHT * (result - target).abs().mean(),
            "perceptual": self.perceptual * perceptual,
            "style": self.style * style,
            "tv": TV_WEIGHT * total_variation(result, x[:, :1]),
        }
        if self.distance:
            terms["distance"] = self.distance * distance
        if self.ssim:
            terms["ssim"] = self.ssim * (1 - structural_similarity(result, target))
        return terms

    def _texture(self, image: Tensor, target: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Perceptual, style and distance terms, not weighted.

        The features' own grid lies elsewhere on every call: where it always fell on the same
        pixels, refinement learned patterns of that grid."""
        network = self.features.to(image.device)
        top, left = torch.randint(GRID, (2,)).tolist()
        found, wanted = (network(x[..., top:, left:]) for x in (image, target))
        # Style compares sums over many products, which half precision would round away.
        with torch.autocast(image.device.type, enabled=False):
            found, wanted = [f.float() for f in found], [f.float() for f in wanted]
            shallow = found[:TEXTURE_LAYERS], wanted[:TEXTURE_LAYERS]
            return (
                perceptual_loss(*shallow),
                style_loss(*shallow),
                distance_loss(found, wanted),
            )

    @torch.no_grad()
    def validate(self, network: nn.Module) -> tuple[dict[str, float], Image]:
        """Means over one patch of each validation square; `coarse` ones are of stage one's result.

        perceptual, style, distance: those terms, not weighted; score: minus the loss."""
        device = next(network.parameters()).device
        rows: list[Tensor] = []
        found: list[dict[str, float]] = []
        for number, square in enumerate(self.validation):
            patch = self._patch(np.random.default_rng([self.seed, number, 2]), square)
            if patch is None:
                continue
            batch = {name: tensor[None].to(device) for name, tensor in patch.items()}
            x, target = batch["stack"].float() / 255, batch["target"].float() / 255
            result, coarse = network(x), x[:, IMAGE]
            loss = float(torch.stack(list(self.loss(network, batch).values())).sum())
            found.append(
                {
                    "score": -loss,
                    "psnr": _psnr(result, target),
                    "coarse_psnr": _psnr(coarse, target),
                    "ssim": float(structural_similarity(result, target)),
                    "coarse_ssim": float(structural_similarity(coarse, target)),
                    **self._named("", result, target),
                    **self._named("coarse_", coarse, target),
                }
            )
            if len(rows) < SHOWN:
                shown = torch.cat([x[:, IMAGE] * (1 - x[:, :1]), coarse, result, target], dim=3)[0]
                rows.append((shown.permute(1, 2, 0) * 255).round().clamp(0, 255).byte().cpu())
        scores = {name: float(np.mean([one[name] for one in found])) for name in found[0]}
        return scores, torch.cat(rows).numpy()

    def _named(self, prefix: str, image: Tensor, target: Tensor) -> dict[str, float]:
        terms = zip(("perceptual", "style", "distance"), self._texture(image, target), strict=True)
        return {f"{prefix}{name}": float(term) for name, term in terms}


def _psnr(result: Tensor, target: Tensor) -> float:
    return float(-10 * torch.log10((result - target).square().mean()))
