"""What all methods with a neural network share: weights, device, exact arithmetic, tensors."""

from __future__ import annotations

import contextlib
import importlib
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from methods.base import Image, Inpainter, Mask, MissingRequirementError, Resolution
from methods.weights import RANDOM, WeightsError, files
from methods.weights.files import State, load_state

__all__ = [
    "NetworkInpainter",
    "State",
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
    from torch import Tensor, nn

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
    """

    requires: ClassVar[dict[str, str]] = {"torch": "torch"}
    # Name of the weights in the registry.
    weights_name: ClassVar[str]

    weights: str | None = None
    _file: files.WeightsFile | None = field(init=False, repr=False, compare=False)
    # An `nn.Module`, a name that pydantic cannot look up here.
    _network: Any = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._file = None
        if self.weights != RANDOM:
            self._file = files.find(self.weights_name, self.weights)

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
        """Return the network with the tensors of a weights file, or random weights for None.

        Raise WeightsError if the tensors are not those of this network.
        """

    def load(self) -> None:
        super().load()
        import torch

        device = self.torch_device()
        # The fastest memory layout of each device.
        layout = torch.channels_last if device.type == "cpu" else torch.contiguous_format
        network = self._built().eval().requires_grad_(False).to(device)
        self._network = network.to(memory_format=layout)  # type: ignore[call-overload]

    def check(self) -> None:
        """Raise WeightsError if the weights file is not one of this network."""
        self._built()

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
        """Return the metadata of the weights file; empty for formats other than safetensors."""
        return {} if self._file is None else files.metadata(self._file.path)

    def torch_device(self) -> torch.device:
        """Return the device of the network; raise MissingRequirementError if it is missing."""
        return torch_device(self.device)

    def loaded(self) -> nn.Module:
        """Return the network; load it first if necessary."""
        if self._network is None:
            self.load()
        assert self._network is not None
        return self._network

    def weights_used(self) -> dict[str, str]:
        return {self.weights_name: RANDOM if self._file is None else self._file.sha256}

    def identity(self, resolution: Resolution, image_name: str) -> dict[str, Any]:
        """Identify the weights by their content, not by where the file is."""
        weights = self.weights_used().get(self.weights_name)
        identity = super().identity(resolution, image_name)
        return {**identity, "options": {**self.options(), "weights": weights}}


def network_classes(module: str, *names: str) -> Callable[[str], Any]:
    """Return the `__getattr__` of a method's module, which imports its networks when asked for.

    Parameters
    ----------
    module
        In `methods.architectures`.
    *names
        Of the classes.
    """

    def get(name: str) -> Any:
        if name in names:
            return getattr(importlib.import_module(f"methods.architectures.{module}"), name)
        raise AttributeError(f"no attribute {name!r}")

    return get


def torch_device(name: str) -> torch.device:
    """Return the device for "auto" (a GPU if there is one), "cpu", "cuda", "cuda:1"...

    Raise MissingRequirementError if the machine or the installed PyTorch has no such device.
    """
    import torch

    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise MissingRequirementError(f"device {name!r} cannot be used: {reason}") from None
    return device


@contextlib.contextmanager
def full_precision() -> Iterator[None]:
    """Run inference in full float32: no gradients and, on a GPU, no TF32 (10-bit mantissa)."""
    import torch

    with (
        torch.inference_mode(),
        torch.backends.cudnn.flags(
            enabled=True, benchmark=False, deterministic=True, allow_tf32=False
        ),
    ):
        before = torch.backends.cuda.matmul.allow_tf32
        torch.backends.cuda.matmul.allow_tf32 = False
        try:
            yield
        finally:
            torch.backends.cuda.matmul.allow_tf32 = before


def to_tensor(array: Image | Mask, device: torch.device) -> Tensor:
    """Return uint8 (H, W, C) or bool (H, W) as float32 (1, C, H, W) with the same values."""
    import torch

    planes = array[..., None] if array.ndim == 2 else array
    tensor = torch.from_numpy(np.ascontiguousarray(planes)).to(device)
    return tensor.permute(2, 0, 1)[None].float()


def pad_to_multiple(tensor: Tensor, multiple: int) -> Tensor:
    """Extend (1, C, H, W) at the bottom and the right to a multiple by repeating the border."""
    from torch.nn.functional import pad

    height, width = tensor.shape[-2:]
    return pad(tensor, (0, -width % multiple, 0, -height % multiple), mode="replicate")


def to_image(tensor: Tensor, rounding: str = "nearest") -> Image:
    """Return float (1, 3, H, W) in [0, 1] as uint8 (H, W, 3).

    rounding: "nearest", or "truncate" like most published test scripts.
    """
    values = tensor[0].permute(1, 2, 0) * 255
    if rounding == "nearest":
        values = values.round()
    return values.clamp(0, 255).byte().cpu().contiguous().numpy()


def stored_width(
    metadata: Mapping[str, str], state: State, weight: str, published_channels: int
) -> float:
    """Return the width of the network in a weights file, relative to the published network: the
    "width" in its metadata, else from the output channels of the convolution `weight`."""
    if "width" in metadata:
        return float(metadata["width"])
    return state[weight].shape[0] / published_channels if weight in state else 1.0
