"""What the training loop asks of a network to be trained."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor, nn

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
        """Return scores on validation photographs, among them "score", of which more is better, and
        a picture of some results."""

    def metadata(self) -> dict[str, str]:
        """Return the metadata of the weights file."""
