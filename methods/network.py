"""What all methods with a neural network share: weights, device, network."""

from __future__ import annotations

import importlib
from abc import abstractmethod
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from methods.base import Inpainter, Resolution
from methods.tensors import (
    Precision,
    full_precision,
    inference,
    pad_to_multiple,
    to_image,
    to_tensor,
    torch_device,
)
from methods.weights import RANDOM, WeightsError, files
from methods.weights.files import State, built, load_state

__all__ = [
    "NetworkInpainter",
    "State",
    "built",
    "full_precision",
    "load_state",
    "network_classes",
    "pad_to_multiple",
    "stored_width",
    "to_image",
    "to_tensor",
    "torch_device",
]

# PyTorch takes seconds to import: methods are listed and checked without it.
if TYPE_CHECKING:
    import torch
    from torch import nn

RANDOM_SEED = 0


@dataclass(kw_only=True)
class NetworkInpainter(Inpainter):
    """A method with a PyTorch network. A subclass sets `weights_name`, implements `build`, and
    calls `loaded()` in `fill`; these two import what needs PyTorch.

    Parameters
    ----------
    weights
        Path of a weights file in any of the published formats, or "random" for seeded random
        weights, which only test the pipeline; by default the file that
        `python -m methods fetch NAME` stored.
    precision
        Arithmetic of the network: "float32"; or, for speed on a GPU, "tf32" or "bf16", which
        change results.
    """

    requires: ClassVar[dict[str, str]] = {"torch": "torch"}
    # Name of the weights in the registry.
    weights_name: ClassVar[str]

    weights: str | None = None
    precision: Precision = "float32"
    _file: files.WeightsFile | None = field(init=False, repr=False, compare=False)
    # An `nn.Module`, a name that pydantic cannot look up here.
    _network: Any = field(default=None, init=False, repr=False, compare=False)
    # The network that `check` has built, until it is loaded.
    _checked: Any = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        is_random = self.weights == RANDOM
        self._file = None if is_random else files.find(self.weights_name, self.weights)

    @property
    def note(self) -> str:
        if self.weights == RANDOM:
            return "RANDOM WEIGHTS: for trying the pipeline only, the results mean nothing"
        return ""

    @property
    def remark(self) -> str:
        return "random weights" if self.weights == RANDOM else self.metadata().get("remark", "")

    @abstractmethod
    def build(self, state: State | None) -> nn.Module:
        """Return the network.

        Parameters
        ----------
        state
            Name -> tensor of a weights file; None for random weights.

        Returns
        -------
        torch.nn.Module
            On the CPU, in float32.

        Raises
        ------
        WeightsError
            If the tensors are not those of this network.
        """

    def load(self) -> None:
        super().load()
        import torch

        device = self.torch_device()
        # The fastest memory layout of each device.
        layout = torch.channels_last if device.type == "cpu" else torch.contiguous_format
        network = self._built() if self._checked is None else self._checked
        self._checked = None
        network = network.eval().requires_grad_(False).to(device)
        self._network = network.to(memory_format=layout)  # type: ignore[call-overload]

    def check(self) -> None:
        """Check the weights file; called once before a run.

        Raises
        ------
        WeightsError
            If it is not one of this network.
        """
        self._checked = self._built()

    def _built(self) -> nn.Module:
        import torch

        if self._file is None:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(RANDOM_SEED)
                return self.build(None)
        path = self._file.path
        try:
            return self.build(files.read(path))
        except WeightsError as error:
            message = str(error)
            raise WeightsError(message if str(path) in message else f"{path}: {message}") from None

    def metadata(self) -> Mapping[str, str]:
        """Return the metadata of the weights file.

        Returns
        -------
        mapping
            Name -> text; empty for formats other than safetensors.
        """
        return {} if self._file is None else files.metadata(self._file.path)

    def torch_device(self) -> torch.device:
        """Return the device of the network.

        Returns
        -------
        torch.device
            As of the function of this name, for `device`.
        """
        return torch_device(self.device)

    def inference(self) -> AbstractContextManager[None]:
        """Return the context in which `fill` runs the network.

        Returns
        -------
        context manager
            Of `methods.tensors.inference`, for `precision`.
        """
        return inference(self.precision, self.torch_device())

    def loaded(self) -> nn.Module:
        """Return the network; load it first if necessary.

        Returns
        -------
        torch.nn.Module
            On its device, in evaluation mode, without gradients.
        """
        if self._network is None:
            self.load()
        return self._network

    def weights_used(self) -> dict[str, str]:
        """Return the weights by their content.

        Returns
        -------
        dict
            `weights_name` -> SHA-256 of the file, or "random".
        """
        return {self.weights_name: RANDOM if self._file is None else self._file.sha256}

    def identity(self, resolution: Resolution, image_name: str) -> dict[str, Any]:
        """Identify the weights by their content, not by where the file is.

        Parameters
        ----------
        resolution, image_name
            As in `Inpainter.identity`.

        Returns
        -------
        dict
            As of `Inpainter.identity`.
        """
        weights = self.weights_used().get(self.weights_name)
        identity = super().identity(resolution, image_name)
        options = {**self.options(), "weights": weights}
        if self.precision == "float32":
            # Cases of earlier versions, which had no other, are the same.
            del options["precision"]
        return {**identity, "options": options}


def network_classes(module: str, network: str) -> Callable[[str], Any]:
    """Return the `__getattr__` of a method's module, which imports its network when asked for.

    Parameters
    ----------
    module
        In `methods.architectures`.
    network
        Name of the class.

    Returns
    -------
    callable
        Takes a name; raises AttributeError for others.
    """

    def get(name: str) -> Any:
        if name == network:
            return getattr(importlib.import_module(f"methods.architectures.{module}"), name)
        raise AttributeError(f"no attribute {name!r}")

    return get


def stored_width(
    metadata: Mapping[str, str], state: State, weight: str, published_channels: int
) -> float:
    """Return the width of the network in a weights file, relative to the published network.

    Parameters
    ----------
    metadata
        Of the file; "width" there decides.
    state
        Name -> tensor.
    weight
        Name of the convolution whose output channels decide otherwise.
    published_channels
        How many it has in the published network.

    Returns
    -------
    float
        1 for the published network.
    """
    if "width" in metadata:
        return float(metadata["width"])
    return state[weight].shape[0] / published_channels if weight in state else 1.0
