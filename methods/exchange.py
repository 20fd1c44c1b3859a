"""Networks exported to ONNX or TorchScript, described by options instead of code."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from methods.base import (
    Image,
    Inpainter,
    Mask,
    MethodError,
    MissingRequirementError,
    Resolution,
    composite,
)
from methods.files import sha256
from methods.images import resample_nearest

InputKind = Literal["image", "mask", "image+mask", "mask+image"]
Run = Callable[[list[NDArray[Any]]], NDArray[Any]]
# The name of a file in a serialised ONNX network: a key, then the length of the name.
LOCATION = re.compile(rb"\n\x08location\x12([\x01-\x7f])")
TYPES = {"float32": np.float32, "uint8": np.uint8}


@dataclass(kw_only=True)
class Exchange(Inpainter):
    """Run a network from a file.

    Parameters
    ----------
    file
        An .onnx file, or TorchScript with any other suffix.
    inputs
        The network's inputs in its order; "image+mask" is one tensor of four channels.
    image_range, output_range
        Values of black and white in the image and in the result.
    mask_values
        Values of known and of hole.
    hole_value
        Value of the image in the hole; by default that of black.
    dtype
        Type of all inputs.
    colours
        Order of the channels.
    multiple
        Both sides are padded to a multiple of it by repeating the border.
    size
        For networks of a fixed size: both sides are resampled to it, and the hole back.
    """

    name: ClassVar[str] = "exchange"
    summary: ClassVar[str] = "a network exported to ONNX or TorchScript"

    file: str
    inputs: list[InputKind] = field(default_factory=lambda: ["image", "mask"])
    image_range: tuple[float, float] = (0.0, 1.0)
    mask_values: tuple[float, float] = (0.0, 1.0)
    output_range: tuple[float, float] = (0.0, 1.0)
    hole_value: float | None = None
    dtype: Literal["float32", "uint8"] = "float32"
    colours: Literal["RGB", "BGR"] = "RGB"
    multiple: Annotated[int, Field(ge=1)] = 1
    size: Annotated[int, Field(ge=16)] | None = None
    _run: Run | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not Path(self.file).is_file():
            raise ValueError(f"network {self.file}: there is no such file")
        if self.size is not None and self.size % self.multiple:
            raise ValueError(f"size {self.size} is not a multiple of {self.multiple}")
        if self.output_range[0] == self.output_range[1]:
            raise ValueError("output_range: black and white are the same value")

    def load(self) -> None:
        super().load()
        path = Path(self.file)
        load = _load_onnx if path.suffix.lower() == ".onnx" else _load_torchscript
        self._run = load(path, self.device)

    def identity(self, resolution: Resolution, image_name: str) -> dict[str, Any]:
        """Identify the network by the content of its file, not by where the file is."""
        identity = super().identity(resolution, image_name)
        return {**identity, "options": {**self.options(), "file": self._sha256()}}

    def weights_used(self) -> dict[str, str]:
        return {Path(self.file).name: self._sha256()}

    def _sha256(self) -> str:
        path = Path(self.file)
        return sha256(path, *_external_data(path))

    def fill(self, image: Image, mask: Mask) -> Image:
        if self.size is None:
            return self._fill_at_size(image, mask)
        # One rule samples image and mask: pixels that are known in the small mask were known.
        small_image = resample_nearest(image, self.size, self.size)
        small_mask = resample_nearest(mask, self.size, self.size)
        raw = self._fill_at_size(small_image, small_mask)
        height, width = mask.shape
        small = composite(small_image, raw, small_mask)
        return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)

    def _fill_at_size(self, image: Image, mask: Mask) -> Image:
        height, width = mask.shape
        margins = ((0, -height % self.multiple), (0, -width % self.multiple))
        padded = np.pad(image, (*margins, (0, 0)), mode="edge")
        holes = np.pad(mask, margins, mode="edge")
        if self._run is None:
            self.load()
        assert self._run is not None
        output = self._run([self._input(kind, padded, holes) for kind in self.inputs])
        return self._to_image(output, padded)[:height, :width]

    def _input(self, kind: InputKind, image: Image, mask: Mask) -> NDArray[Any]:
        """Return one input of the network, (1, C, H, W)."""
        planes = {"image": self._image_planes(image, mask), "mask": self._mask_plane(mask)}
        joined = np.concatenate([planes[part] for part in kind.split("+")], axis=0)
        return np.ascontiguousarray(joined[None].astype(TYPES[self.dtype]))

    def _image_planes(self, image: Image, mask: Mask) -> NDArray[np.float32]:
        black, white = (np.float32(value) for value in self.image_range)
        ordered = image if self.colours == "RGB" else image[..., ::-1]
        pixels: NDArray[np.float32] = ordered.astype(np.float32) / np.float32(255)
        pixels = pixels * (white - black) + black
        if self.hole_value is not None:
            pixels[mask] = self.hole_value
        return pixels.transpose(2, 0, 1)

    def _mask_plane(self, mask: Mask) -> NDArray[np.float32]:
        known, hole = np.float32(self.mask_values[0]), np.float32(self.mask_values[1])
        return np.where(mask, hole, known)[None]

    def _to_image(self, output: NDArray[Any], like: Image) -> Image:
        if output.ndim == 4 and output.shape[0] == 1:
            output = output[0]
        if output.shape != (3, *like.shape[:2]):
            raise MethodError(
                f"{self.file} returned {output.shape} for an input of {like.shape[1]}x"
                f"{like.shape[0]}, (1, 3, H, W) was expected; is `multiple` or `size` right?"
            )
        black, white = self.output_range
        values = (output.astype(np.float32) - black) / (white - black) * 255
        if not np.isfinite(values).all():
            raise MethodError(f"{self.file} returned values that are not finite")
        pixels = np.clip(np.rint(values), 0, 255).astype(np.uint8).transpose(1, 2, 0)
        return np.ascontiguousarray(pixels if self.colours == "RGB" else pixels[..., ::-1])


def _external_data(path: Path) -> list[Path]:
    """Return the files beside an .onnx file in which it stores weights (`x.onnx.data`)."""
    if path.suffix.lower() != ".onnx" or path.stat().st_size == 0:
        return []
    with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as content:
        names = {
            content[match.end() : match.end() + match[1][0]].decode(errors="replace")
            for match in LOCATION.finditer(content)
        }
    files = (path.parent / name for name in sorted(names))
    return [file for file in files if file.is_file()]


def _load_onnx(path: Path, device: str) -> Run:
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingRequirementError(
            f"exchange cannot import onnxruntime ({error}): pip install onnxruntime"
        ) from None
    available = onnxruntime.get_available_providers()
    if device.startswith("cuda") and "CUDAExecutionProvider" not in available:
        raise MissingRequirementError(
            f"device {device!r}: this onnxruntime has no CUDA; pip install onnxruntime-gpu"
        )
    providers = ["CPUExecutionProvider"] if device == "cpu" else available
    try:
        session = onnxruntime.InferenceSession(str(path), providers=providers)
    except Exception as error:
        raise MethodError(f"{path} is not an ONNX network that can be run: {error}") from None
    names = [item.name for item in session.get_inputs()]

    def run(inputs: list[NDArray[Any]]) -> NDArray[Any]:
        if len(inputs) != len(names):
            raise MethodError(
                f"{path} takes {len(names)} inputs ({', '.join(names)}), `inputs` has {len(inputs)}"
            )
        try:
            return session.run(None, dict(zip(names, inputs, strict=True)))[0]
        except Exception as error:
            raise MethodError(f"{path}: {error}") from None

    return run


def _load_torchscript(path: Path, device: str) -> Run:
    import torch

    from methods.network import full_precision, torch_device

    target = torch_device(device)
    try:
        network = torch.jit.load(str(path), map_location=target).eval()
    except (RuntimeError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise MethodError(f"{path} is neither .onnx nor TorchScript: {reason}") from None

    def run(inputs: list[NDArray[Any]]) -> NDArray[Any]:
        with full_precision():
            output = network(*(torch.from_numpy(array).to(target) for array in inputs))
        if isinstance(output, tuple | list):
            output = output[0]
        return output.float().cpu().numpy()

    return run
