"""What all methods with a neural network share: weights, device, exact arithmetic, tensors."""

from __future__ import annotations

import contextlib
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import pad

from methods.base import Image, Inpainter, Mask, MissingRequirementError
from methods.weights import RANDOM, WeightsError, files

State = Mapping[str, Tensor]
N = TypeVar("N", bound=nn.Module)
RANDOM_SEED = 0


@dataclass(kw_only=True)
class NetworkInpainter(Inpainter):
    """weights: path of a weights file in any of the published formats; "random" for seeded random
    ones, with which results mean nothing; by default the file that
    `python -m methods fetch NAME` stored."""

    requires: ClassVar[dict[str, str]] = {"torch": "torch"}
    # Name of the weights in the registry; None for methods that take none.
    weights_name: ClassVar[str]

    weights: str | None = None
    _file: files.WeightsFile | None = field(init=False, repr=False, compare=False)
    _network: nn.Module | None = field(default=None, init=False, repr=False, compare=False)

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
        """What the weights file says of itself."""
        return "random weights" if self.weights == RANDOM else self.metadata().get("remark", "")

    @abstractmethod
    def build(self, state: State | None) -> nn.Module:
        """The network with the tensors of a weights file, by the names they have there; with
        fresh random ones for None. Raises WeightsError when they are not this network's."""

    def load(self) -> None:
        super().load()
        self._network = prepared(self._built(), self.torch_device())

    def check(self) -> None:
        """Raise WeightsError if the weights file is not one of this network."""
        self._built()

    def _built(self) -> nn.Module:
        if self._file is None:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(RANDOM_SEED)
                return self.build(None)
        path = self._file.path
        try:
            return self.build(files.read(path))
        except WeightsError as error:
            text = str(error)
            raise WeightsError(text if str(path) in text else f"{path}: {text}") from None

    def metadata(self) -> Mapping[str, str]:
        """What the weights file says of itself (safetensors only); empty for others."""
        return {} if self._file is None else files.metadata(self._file.path)

    def torch_device(self) -> torch.device:
        """Where the network runs. Raises MissingRequirementError if there is no such device."""
        return torch_device(self.device)

    def loaded(self) -> nn.Module:
        """The network, loaded now if it was not before."""
        if self._network is None:
            self.load()
        assert self._network is not None
        return self._network

    def weights_used(self) -> dict[str, str]:
        return {self.weights_name: RANDOM if self._file is None else self._file.sha256}

    def identity(self, resolution: int, image_name: str) -> dict[str, Any]:
        """The bytes of the weights count, not where the file lies."""
        weights = self.weights_used().get(self.weights_name)
        found = super().identity(resolution, image_name)
        return {**found, "options": {**self.options(), "weights": weights}}


def torch_device(name: str) -> torch.device:
    """The device for "auto" (a GPU if there is one), "cpu", "cuda", "cuda:1"...

    Raises MissingRequirementError if this machine or this PyTorch has none of that kind."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise MissingRequirementError(f"device {name!r} cannot be used: {reason}") from None
    return device


def prepared(network: nn.Module, device: torch.device) -> nn.Module:
    """`network` ready for inference: evaluation mode, on `device`, in the memory layout that is
    fastest there."""
    layout = torch.channels_last if device.type == "cpu" else torch.contiguous_format
    network.eval().requires_grad_(False).to(device)
    return network.to(memory_format=layout)  # type: ignore[call-overload]


@contextlib.contextmanager
def exact() -> Iterator[None]:
    """Inference in full float32: no gradients and, on a GPU, no TF32 (10 bits of mantissa)."""
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


def to_tensor(array: Image | Mask | NDArray[np.uint8], device: torch.device) -> Tensor:
    """uint8 (H, W, C) or bool (H, W) as float32 (1, C, H, W) of the same values."""
    planes = array[..., None] if array.ndim == 2 else array
    tensor = torch.from_numpy(np.ascontiguousarray(planes)).to(device)
    return tensor.permute(2, 0, 1)[None].float()


def pad_to_multiple(tensor: Tensor, multiple: int, mode: str = "constant") -> Tensor:
    """(1, C, H, W) enlarged at the bottom and the right to multiples of `multiple`, with zeros or
    by another mode of `torch.nn.functional.pad`."""
    height, width = tensor.shape[-2:]
    below, right = -height % multiple, -width % multiple
    return pad(tensor, (0, right, 0, below), mode=mode)


def to_image(tensor: Tensor, rounding: str = "nearest") -> Image:
    """float (1, 3, H, W) in [0, 1] as uint8 (H, W, 3).

    rounding: "nearest", or "truncate" as most published test scripts do."""
    values = tensor[0].permute(1, 2, 0) * 255
    if rounding == "nearest":
        values = values.round()
    return values.clamp(0, 255).byte().cpu().contiguous().numpy()


def width_of(said: Mapping[str, str], state: State, name: str, published: int) -> float:
    """How wide the network was that these tensors are of, relative to the published one.

    said: what their file says of itself; name: of a convolution's weight that has `published`
    output channels there, to be measured where the file says nothing."""
    if "width" in said:
        return float(said["width"])
    return state[name].shape[0] / published if name in state else 1.0


def load_state(network: N, state: State) -> N:
    """`network` with `state` loaded strictly. Raises WeightsError that says what differs."""
    files.check_state(state, {n: tuple(t.shape) for n, t in network.state_dict().items()})
    network.load_state_dict(dict(state), strict=True)
    return network
