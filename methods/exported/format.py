"""What is known of an exported network, whatever its format: inputs, outputs, how to run it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Layout = Literal["NCHW", "NHWC"]
# Number of sides: fixed, or the name of one that may vary.
Side = int | str
# Name of an output -> a NumPy array or a PyTorch tensor.
Outputs = Mapping[str, Any]

# A fixed dimension up to this one is taken for channels, not for a side of the image.
MOST_CHANNELS = 9
MASK_NAME = re.compile(r"(^|[^a-z])(masks?|holes?)($|[^a-z])", re.IGNORECASE)
# PyTorch's exporter writes a side that must be a multiple of 8 as "8*s0".
MULTIPLE_OF = re.compile(r"(\d+)\*\w+")


@dataclass(frozen=True)
class Port:
    """One input or output of a network.

    Parameters
    ----------
    name
        As the file calls it.
    dtype
        NumPy's name of the type, or the format's own name if NumPy has none; None if the file
        does not tell it.
    shape
        Fixed dimensions as numbers, the others as text; None if the file does not tell it.
    """

    name: str
    dtype: str | None = None
    shape: tuple[Side, ...] | None = None

    @property
    def layout(self) -> Layout | None:
        """Return where the channels are; None if the shape does not tell it."""
        if self.shape is None or len(self.shape) < 3:
            return None
        first, last = (_may_be_channels(self.shape[index]) for index in (-3, -1))
        if first == last:
            return None
        return "NCHW" if first else "NHWC"

    def channels(self, layout: Layout) -> int | None:
        """Return the number of channels; None if the shape does not tell it."""
        if self.shape is None:
            return None
        if len(self.shape) < 3:
            return 1
        size = self.shape[-3 if layout == "NCHW" else -1]
        return size if isinstance(size, int) else None

    def sides(self, layout: Layout) -> tuple[Side, Side] | None:
        """Return height and width; None if the file does not tell the shape."""
        if self.shape is None or len(self.shape) < 2:
            return None
        channels_last = layout == "NHWC" and len(self.shape) > 2
        height, width = self.shape[-3:-1] if channels_last else self.shape[-2:]
        return height, width

    @property
    def is_mask(self) -> bool:
        """Whether name or number of channels say that this input is the mask."""
        channels = self.channels(self.layout or "NCHW")
        return channels == 1 or (channels in (None, 3) and bool(MASK_NAME.search(self.name)))

    def described(self) -> str:
        """Return type and shape in words, such as "float32, 1 x 3 x height x width"."""
        shape = "any shape" if self.shape is None else " x ".join(map(str, self.shape))
        return f"{self.dtype or 'type not told'}, {shape or 'a single number'}"


@dataclass(frozen=True)
class Network:
    """A network that has been loaded.

    Parameters
    ----------
    path
        Its file.
    form
        "ONNX", "TorchScript" or "torch.export".
    inputs
        In the order of the file; None if the network takes a dictionary whose keys are unknown.
    outputs
        As far as the file tells them; they may be known only after a run.
    run
        Takes name -> array for all inputs, in their order. Raises MethodError.
    """

    path: Path
    form: str
    inputs: tuple[Port, ...] | None
    outputs: tuple[Port, ...]
    run: Callable[[Mapping[str, NDArray[Any]]], Outputs]


def as_array(output: Any) -> NDArray[Any]:
    """Return an output as an array; half precision becomes float32."""
    if not isinstance(output, np.ndarray):
        output = (output.float() if output.is_floating_point() else output).cpu().numpy()
    return output.astype(np.float32) if output.dtype == np.float16 else output


def multiple_of(side: Side) -> int:
    """Return the number of which the file says that a side must be a multiple."""
    match = MULTIPLE_OF.fullmatch(str(side))
    return int(match[1]) if match else 1


def _may_be_channels(size: Side) -> bool:
    return isinstance(size, int) and size <= MOST_CHANNELS
