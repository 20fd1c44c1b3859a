"""Any inpainting network that somebody exported: ONNX or TorchScript, described by its options."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from methods.base import Image, Inpainter, Mask, MethodError, MissingRequirementError, composite
from methods.files import sha256
from methods.images import nearest

Part = Literal["image", "mask", "image+mask", "mask+image"]
Run = Callable[[list[NDArray[Any]]], NDArray[Any]]
TYPES = {"float32": np.float32, "uint8": np.uint8}


@dataclass(kw_only=True)
class Exchange(Inpainter):
    """file: an .onnx file, or TorchScript under any other suffix.

    inputs: what the network takes, in its order; "image+mask" is one tensor of four channels.
    image_range: values of black and white; mask_values: of known and of hole; output_range: of
    black and white in the result; hole_value: of the image's hole, None for black; dtype: of all
    inputs; colours: order of the channels; multiple: both sides are padded to it, by repeating the
    border; size: both sides are brought to it, for networks of a fixed size, and the hole back."""

    name: ClassVar[str] = "exchange"
    summary: ClassVar[str] = "a network exported to ONNX or TorchScript"

    file: str
    inputs: list[Part] = field(default_factory=lambda: ["image", "mask"])
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
        opened = _onnx if self._is_onnx() else _torchscript
        self._run = opened(Path(self.file), self.device)

    def identity(self, resolution: int, image_name: str) -> dict[str, Any]:
        """The bytes of the network count, not where the file lies."""
        found = super().identity(resolution, image_name)
        return {**found, "options": {**self.options(), "file": sha256(Path(self.file))}}

    def _is_onnx(self) -> bool:
        return Path(self.file).suffix.lower() == ".onnx"

    def fill(self, image: Image, mask: Mask) -> Image:
        if self.size is None:
            return self._at_size(image, mask)
        # Image and mask are sampled by one rule: what is known in the small mask was known.
        small = nearest(image, self.size, self.size), nearest(mask, self.size, self.size)
        found = composite(small[0], self._at_size(*small), small[1])
        height, width = mask.shape
        return cv2.resize(found, (width, height), interpolation=cv2.INTER_LINEAR)

    def _at_size(self, image: Image, mask: Mask) -> Image:
        height, width = mask.shape
        below, right = -height % self.multiple, -width % self.multiple
        padded = np.pad(image, ((0, below), (0, right), (0, 0)), mode="edge")
        holes = np.pad(mask, ((0, below), (0, right)), mode="edge")
        if self._run is None:
            self.load()
        assert self._run is not None
        output = self._run([self._tensor(part, padded, holes) for part in self.inputs])
        return self._to_image(output, padded)[:height, :width]

    def _tensor(self, part: Part, image: Image, mask: Mask) -> NDArray[Any]:
        """(1, C, H, W) as the network expects it."""
        made = {"image": self._pixels(image, mask), "mask": self._holes(mask)}
        joined = np.concatenate([made[name] for name in part.split("+")], axis=0)
        return np.ascontiguousarray(joined[None].astype(TYPES[self.dtype]))

    def _pixels(self, image: Image, mask: Mask) -> NDArray[np.float32]:
        black, white = (np.float32(value) for value in self.image_range)
        ordered = image if self.colours == "RGB" else image[..., ::-1]
        pixels: NDArray[np.float32] = ordered.astype(np.float32) / np.float32(255)
        pixels = pixels * (white - black) + black
        if self.hole_value is not None:
            pixels[mask] = self.hole_value
        return pixels.transpose(2, 0, 1)

    def _holes(self, mask: Mask) -> NDArray[np.float32]:
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


def _onnx(path: Path, device: str) -> Run:
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingRequirementError(
            f"exchange cannot import onnxruntime ({error}): pip install onnxruntime"
        ) from None
    there = onnxruntime.get_available_providers()
    wanted = {"cpu": ["CPUExecutionProvider"]}.get(device, there)
    if device.startswith("cuda") and "CUDAExecutionProvider" not in there:
        raise MissingRequirementError(
            f"device {device!r}: this onnxruntime has no CUDA; pip install onnxruntime-gpu"
        )
    try:
        session = onnxruntime.InferenceSession(str(path), providers=wanted)
    except Exception as error:
        raise MethodError(f"{path} is not an ONNX network that can be run: {error}") from None
    names = [item.name for item in session.get_inputs()]

    def run(given: list[NDArray[Any]]) -> NDArray[Any]:
        if len(given) != len(names):
            raise MethodError(
                f"{path} takes {len(names)} inputs ({', '.join(names)}), `inputs` has {len(given)}"
            )
        try:
            return session.run(None, dict(zip(names, given, strict=True)))[0]
        except Exception as error:
            raise MethodError(f"{path}: {error}") from None

    return run


def _torchscript(path: Path, device: str) -> Run:
    import torch

    from methods.network import exact, torch_device

    where = torch_device(device)
    try:
        network = torch.jit.load(str(path), map_location=where).eval()
    except (RuntimeError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise MethodError(f"{path} is neither .onnx nor TorchScript: {reason}") from None

    def run(given: list[NDArray[Any]]) -> NDArray[Any]:
        with exact():
            output = network(*(torch.from_numpy(array).to(where) for array in given))
        if isinstance(output, tuple | list):
            output = output[0]
        return output.float().cpu().numpy()

    return run
