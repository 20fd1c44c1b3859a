"""What methods have in common whose authors, or others, publish an exported network."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from methods.base import Image, Inpainter, Mask, Resolution
from methods.exchange import Exchange
from methods.weights import RANDOM, files
from methods.weights.content import Kind


@dataclass(kw_only=True)
class PublishedExport(Inpainter):
    """A published file that `Exchange` runs, with the options that its authors' code implies.

    Parameters
    ----------
    weights
        Path of the file; by default the one that `python -m methods fetch NAME` stored.
    """

    # Name of the file in the registry of weights.
    weights_name: ClassVar[str]
    kind: ClassVar[Kind]
    # Options of `Exchange`.
    described: ClassVar[dict[str, Any]]

    weights: str | None = None
    _file: files.WeightsFile = field(init=False, repr=False, compare=False)
    _exchange: Exchange = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.weights == RANDOM:
            raise ValueError(
                f"{self.name} has no random weights: its network comes with the file only"
            )
        self._file = files.find(self.weights_name, self.weights, {self.kind})
        self._exchange = Exchange(file=str(self._file.path), device=self.device, **self.described)

    def load(self) -> None:
        super().load()
        self._exchange.load()

    def weights_used(self) -> dict[str, str]:
        return {self.weights_name: self._file.sha256}

    def identity(self, resolution: Resolution, image_name: str) -> dict[str, Any]:
        """Identify the network by the content of its file, not by where the file is."""
        identity = super().identity(resolution, image_name)
        return {**identity, "options": {**self.described, "weights": self._file.sha256}}

    def fill(self, image: Image, mask: Mask) -> Image:
        result = self._exchange.fill(image, mask)
        self.log = self._exchange.log
        return result
