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
from methods.architectures.spans import Span
from methods.architectures.two_stage_input import RefinementInput, frame_as_in_paper, paste_upscaled
from methods.base import Image
from methods.network import to_image
from methods.training import losses
from methods.training.augment import LARGEST_SHARE, SMALLEST_SHARE, colour_table
from methods.training.coarse import Square
from methods.training.stage_one import SHOWN, make_constant
from methods.training.task import Batch

Architecture = Literal["detail", "paper"]

SETTINGS_IN_FILE = ("distance", "patch", "perceptual", "ssim", "style", "width", "working_size")
TRIES = 20
# Before the sigmoid: the network starts with an eighth of each copy's detail.
FIRST_GAIN = -2.7
# Pixels after which the grid of the features repeats.
GRID = 8
# Stage one's results are reduced by up to this factor, so that refinement learns from photographs
# of 512 px to sharpen results that are enlarged up to eight times, as at 2048 px.
MOST_REDUCED = 4.0


@dataclass
class StageTwo:
    """Training of the refinement network, a `Task`. The squares must have stage one's results."""

    training: Sequence[Square]
    validation: Sequence[Square]
    features: nn.Module
    working_size: int = 256
    patch: int = 512  # side of the patches in pixels
    width: float = 0.25  # channels, relative to the published network's
    architecture: Architecture = "detail"  # DetailNet; "paper": RefinementNet
    # Weights that trade PSNR and SSIM for sharpness; the paper does not have the last two terms.
    perceptual: float = losses.PERCEPTUAL_WEIGHT
    style: float = losses.STYLE_WEIGHT
    distance: float = 0.0
    ssim: float = 0.0
    seed: int = 0

    def network(self) -> RefinementNet | DetailNet:
        if self.architecture == "detail":
            detail = DetailNet(self.width)
            make_constant(detail.last_conv, FIRST_GAIN)
            return detail
        network = RefinementNet(self.width, relative=True)
        # The initial result is stage one's.
        make_constant(network.last_conv[0])
        return network

    def metadata(self) -> dict[str, str]:
        fixed = {"colour_order": "RGB", "profile": "paper", "relative": "yes"}
        settings = {name: str(getattr(self, name)) for name in SETTINGS_IN_FILE}
        return {**fixed, "network": self.architecture, **settings}

    def sample(self, index: int) -> Batch:
        rng = np.random.default_rng([self.seed, index])
        while True:
            square = self.training[int(rng.integers(len(self.training)))]
            patch = self._patch(rng, square, colour_table(rng), mirror=bool(rng.random() < 0.5))
            if patch is not None:
                return patch

    def loss(self, network: nn.Module, batch: Batch) -> dict[str, Tensor]:
        x, target = batch["stack"].float() / 255, batch["target"].float() / 255
        result = network(x)
        texture = self._texture(result, target)
        terms = {
            "l1": losses.L1_WEIGHT * (result - target).abs().mean(),
            "perceptual": self.perceptual * texture["perceptual"],
            "style": self.style * texture["style"],
            "tv": losses.TV_WEIGHT * losses.total_variation(result, x[:, :1]),
        }
        if self.distance:
            terms["distance"] = self.distance * texture["distance"]
        if self.ssim:
            terms["ssim"] = self.ssim * (1 - losses.structural_similarity(result, target))
        return terms

    @torch.no_grad()
    def validate(self, network: nn.Module) -> tuple[dict[str, float], Image]:
        """Return means over one patch of each validation square, and those of stage one's result.
        "score" is minus the loss; the picture shows input, coarse and final result, original."""
        device = next(network.parameters()).device
        pictures: list[Image] = []
        scores: list[dict[str, float]] = []
        for number, square in enumerate(self.validation):
            patch = self._patch(np.random.default_rng([self.seed, number, 2]), square)
            if patch is None:
                continue
            batch = {name: tensor[None].to(device) for name, tensor in patch.items()}
            x, target = batch["stack"].float() / 255, batch["target"].float() / 255
            result, coarse = network(x), x[:, IMAGE]
            loss = float(torch.stack(list(self.loss(network, batch).values())).sum())
            scores.append(
                {
                    "score": -loss,
                    "psnr": losses.psnr(result, target),
                    "coarse_psnr": losses.psnr(coarse, target),
                    "ssim": float(losses.structural_similarity(result, target)),
                    "coarse_ssim": float(losses.structural_similarity(coarse, target)),
                    **{n: float(v) for n, v in self._texture(result, target).items()},
                    **{f"coarse_{n}": float(v) for n, v in self._texture(coarse, target).items()},
                }
            )
            if len(pictures) < SHOWN:
                shown = [x[:, IMAGE] * (1 - x[:, :1]), coarse, result, target]
                pictures.append(to_image(torch.cat(shown, dim=3)))
        means = {name: float(np.mean([score[name] for score in scores])) for name in scores[0]}
        return means, np.concatenate(pictures)

    def _patch(
        self, rng: Generator, square: Square, colours: Image | None = None, mirror: bool = False
    ) -> Batch | None:
        """Return a patch with a hole share of 10-90 %; None if a number of tries found none."""
        reduction = float(np.exp(rng.uniform(0, np.log(MOST_REDUCED))))
        stack, target = self._stacked(square, reduction, colours, mirror)
        for _ in range(TRIES):
            corner = [int(rng.integers(0, max(1, n - self.patch + 1))) for n in target.shape[:2]]
            rows, columns = (Span(start, start + self.patch) for start in corner)
            share = stack.mask[slice(*rows), slice(*columns)].mean()
            if SMALLEST_SHARE <= share <= LARGEST_SHARE:
                cut = target[slice(*rows), slice(*columns)].transpose(2, 0, 1)
                return {
                    "stack": torch.from_numpy(stack.bytes_at(rows, columns)),
                    "target": torch.from_numpy(np.ascontiguousarray(cut)),
                }
        return None

    def _stacked(
        self, square: Square, reduction: float, colours: Image | None, mirror: bool
    ) -> tuple[RefinementInput, Image]:
        """Return the 20 input channels, which are computed for a patch only, and the original."""
        pixels, mask, coarse = square.pixels, square.mask, square.stage_one_result()
        if mirror:
            pixels, mask, coarse = pixels[:, ::-1], mask[:, ::-1], coarse[:, ::-1]
        if colours is not None:
            pixels, coarse = (cv2.LUT(np.ascontiguousarray(p), colours) for p in (pixels, coarse))
        frame = frame_as_in_paper(pixels, np.ascontiguousarray(mask), self.working_size)
        if reduction > 1:
            side = round(self.working_size / reduction)
            coarse = cv2.resize(coarse, (side, side), interpolation=cv2.INTER_AREA)
        whole = paste_upscaled(frame, coarse)
        return RefinementInput(whole, frame.mask | frame.invalid, frame.shift), pixels

    def _texture(self, image: Tensor, target: Tensor) -> dict[str, Tensor]:
        """Return the perceptual, style and distance terms, not weighted."""
        # With a fixed grid of the features, refinement learned patterns of that grid.
        network = self.features.to(image.device)
        top, left = torch.randint(GRID, (2,)).tolist()
        layers, target_layers = (network(x[..., top:, left:]) for x in (image, target))
        # Style compares sums of many products, which half precision would round away.
        with torch.autocast(image.device.type, enabled=False):
            layers, target_layers = [f.float() for f in layers], [f.float() for f in target_layers]
            shallow = layers[:TEXTURE_LAYERS], target_layers[:TEXTURE_LAYERS]
            return {
                "perceptual": losses.perceptual_loss(*shallow),
                "style": losses.style_loss(*shallow),
                "distance": losses.distance_loss(layers, target_layers),
            }
