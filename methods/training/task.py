"""What a training consists of, apart from the loop that does it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor, nn

from methods.base import Image

Batch = dict[str, Tensor]


class Task(Protocol):
    """What is trained: a network, its samples and its loss."""

    def network(self) -> nn.Module:
        """A fresh network."""

    def sample(self, index: int) -> Batch:
        """Training sample number `index`, the same whenever it is asked for."""

    def loss(self, network: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """The weighted terms of the loss, to be added."""

    def validate(self, network: nn.Module) -> tuple[dict[str, float], Image]:
        """Scores on validation photographs, "score" among them (more is better), and a picture of
        some, uint8 (H, W, 3) RGB."""

    def metadata(self) -> dict[str, str]:
        """What a weights file of this network must say of itself."""


@dataclass(frozen=True)
class Settings:
    """steps: optimizer steps in all; batch: samples in each, on all devices together;
    learning_rate: the highest, after `warmup` steps and before a cosine decay to nothing;
    device: auto, cpu, cuda; devices: how many of them; precision: of Lightning Fabric
    ("32-true", "bf16-mixed"); workers: processes that make samples."""

    steps: int
    batch: int = 16
    learning_rate: float = 1e-3
    warmup: int = 200
    seed: int = 0
    device: str = "auto"
    devices: int = 1
    precision: str = "32-true"
    workers: int = 1
    checkpoint_minutes: float = 5.0
