"""What a training consists of, separate from the loop that runs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor, nn

from methods.architectures.unet import PlainConv
from methods.base import Image

Batch = dict[str, Tensor]


class Task(Protocol):
    """A network to train, with its samples and its loss."""

    def network(self) -> nn.Module:
        """Return a newly initialised network."""

    def sample(self, index: int) -> Batch:
        """Return training sample number `index`, which is always the same."""

    def loss(self, network: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """Return the weighted terms of the loss, which is their sum."""

    def validate(self, network: nn.Module) -> tuple[dict[str, float], Image]:
        """Return scores on validation photographs and a picture of some results.

        The scores include "score", of which more is better."""

    def metadata(self) -> dict[str, str]:
        """Return the metadata of the weights file."""


@dataclass(frozen=True)
class Settings:
    """Settings of the training loop.

    `batch` counts the samples of a step on all devices together; `learning_rate` is the highest,
    after `warmup` steps and before a cosine decay to zero; `precision` is that of Lightning Fabric
    ("32-true", "bf16-mixed"); `workers` are processes that prepare samples."""

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


def make_constant(layer: nn.Module, value: float = 0.0) -> None:
    """Initialise a convolution so that its output is `value` everywhere."""
    assert isinstance(layer, PlainConv) and layer.conv.bias is not None
    nn.init.zeros_(layer.conv.weight)
    nn.init.constant_(layer.conv.bias, value)
