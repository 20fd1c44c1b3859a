"""Networks exported to ONNX, TorchScript or torch.export, described by options, not by code."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from methods.base import Image, Inpainter, Mask, MethodError, composite
from methods.exported import files, inputs, outputs
from methods.exported.errors import try_it
from methods.exported.format import Layout, Network, Outputs
from methods.exported.inputs import Feed
from methods.exported.outputs import Rounding
from methods.images import resample_nearest

Side = Annotated[int, Field(ge=16)]
FLOATS = (0.0, 1.0)
BYTES = (0.0, 255.0)
# Options that came later: a case that does not set them is the case that it was before.
LATER = ("mask_dtype", "layout", "output", "input_names", "padding", "rounding")


@dataclass(kw_only=True)
class Exchange(Inpainter):
    """Run a network from a file. `python -m methods inspect FILE` proposes the options.

    Parameters
    ----------
    file
        An .onnx file, or TorchScript or torch.export (.pt2) with any other suffix.
    inputs
        The network's inputs in its order, each of "image", "mask" and "ones" (a plane of ones);
        "image+mask" is one tensor of four channels. By default what the file tells, else image
        and mask.
    image_range, output_range
        Values of black and white in the image and in the result. By default [0, 255] for
        integers, else [0, 1].
    mask_values
        Values of known and of hole.
    hole_value
        Value of the image in the hole; by default that of black.
    dtype, mask_dtype
        Type of all inputs, and of the mask. By default what the file tells, else float32.
    colours
        Order of the channels.
    layout
        Where the channels are. By default what the file tells, else NCHW.
    input_names
        Names of the inputs in the order of `inputs`, for networks that take a dictionary. By
        default "image" and "mask".
    output
        Name or number of the output, counted from 0; by default the first of the image's shape.
    multiple
        Both sides are padded to a multiple of it.
    padding
        "edge" repeats the border, as by default; "symmetric" mirrors the image there.
    rounding
        From the output to 0..255: "nearest", as by default, or "truncate".
    size
        For networks of a fixed size, one number or height and width: images are resampled to
        it, and the hole back. By default what the file tells.
    """

    name: ClassVar[str] = "exchange"
    summary: ClassVar[str] = "a network exported to ONNX, TorchScript or torch.export"

    file: str
    inputs: list[str] | None = None
    image_range: tuple[float, float] | None = None
    mask_values: tuple[float, float] = (0.0, 1.0)
    output_range: tuple[float, float] | None = None
    hole_value: float | None = None
    dtype: Literal["float32", "float16", "float64", "uint8"] | None = None
    mask_dtype: (
        Literal["float32", "float16", "float64", "bool", "uint8", "int32", "int64"] | None
    ) = None
    colours: Literal["RGB", "BGR"] = "RGB"
    layout: Layout | None = None
    input_names: list[str] | None = None
    output: int | str | None = None
    multiple: Annotated[int, Field(ge=1)] = 1
    padding: Literal["edge", "symmetric"] | None = None
    rounding: Rounding | None = None
    size: Side | tuple[Side, Side] | None = None
    _network: Network | None = field(default=None, init=False, repr=False, compare=False)
    feeds: list[Feed] = field(default_factory=list, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not Path(self.file).is_file():
            raise ValueError(f"network {self.file}: there is no such file")
        if any(side % self.multiple for side in self._size or ()):
            raise ValueError(f"size {self.size} is not a multiple of {self.multiple}")
        for name in ("image_range", "output_range", "mask_values"):
            values = getattr(self, name)
            if values is not None and values[0] == values[1]:
                raise ValueError(f"{name}: the two values are the same")
        parts = [part for kind in self.inputs or () for part in kind.split("+")]
        for part in parts:
            if part not in inputs.CHANNELS:
                raise ValueError(
                    f'inputs: {part!r} is not one of {inputs.ALL}, joined as "image+mask"'
                )
        if self.inputs is not None and "image" not in parts:
            raise ValueError("inputs: no input is the image")
        kinds = self.inputs or inputs.USUAL
        if self.input_names is not None and len(self.input_names) != len(kinds):
            raise ValueError("input_names: as many names as `inputs` are needed")

    def load(self) -> None:
        super().load()
        self.use(files.load(Path(self.file), self.device))

    def use(self, network: Network) -> None:
        """Run a network that has been loaded; raise MethodError if the options contradict it."""
        self.feeds = inputs.feeds(
            network, self.inputs, self.input_names, self.dtype, self.mask_dtype, self.layout
        )
        fixed = inputs.fixed_sides(network, self.layout)
        if fixed and self._size and fixed != self._size:
            raise MethodError(
                f"{self.file} takes {fixed[1]}x{fixed[0]} pixels, `size` is {self.size}: remove "
                f"`size`, the file tells it"
            )
        self._network = network

    def identity(self, resolution: Any, image_name: str) -> dict[str, Any]:
        """Identify the network by the content of its file, not by where the file is."""
        identity = super().identity(resolution, image_name)
        return {**identity, "options": {**self._described(), "file": self._sha256()}}

    def weights_used(self) -> dict[str, str]:
        return {Path(self.file).name: self._sha256()}

    def fill(self, image: Image, mask: Mask) -> Image:
        size = self._sides_for(mask)
        if size is None:
            return self._fill_at_size(image, mask)
        # Here: methods are listed without OpenCV.
        import cv2

        # One rule samples image and mask: pixels that are known in the small mask were known.
        small_image = resample_nearest(image, *size)
        small_mask = resample_nearest(mask, *size)
        raw = self._fill_at_size(small_image, small_mask)
        height, width = mask.shape
        small = composite(small_image, raw, small_mask)
        return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)

    def outputs(self, image: Image, mask: Mask) -> Outputs:
        """Return all that the network returns for an image of a size that it takes."""
        network = self._loaded()
        ordered = image if self.colours == "RGB" else image[..., ::-1]
        pixels = inputs.image_planes(ordered, mask, self._image_range, self.hole_value)
        plane = inputs.mask_plane(mask, self.mask_values)
        return network.run({feed.name: feed.array(pixels, plane) for feed in self.feeds})

    def image_of(self, returned: Outputs, image: Image, mask: Mask) -> Image:
        """Return the image that is among the outputs; raise MethodError if it looks wrong."""
        path = Path(self.file)
        output = outputs.choose(path, returned, self.output, *mask.shape)
        output = output if self.colours == "RGB" else output[..., ::-1]
        values = self.output_range or outputs.range_of(output)
        given = self._given(image, mask)
        self.log = outputs.check(path, output, values, image, mask, given)
        return outputs.to_image(output, values, self.rounding or "nearest")

    def _fill_at_size(self, image: Image, mask: Mask) -> Image:
        height, width = mask.shape
        margins = tuple((0, -side % self._multiple) for side in mask.shape)
        mode = self.padding or "edge"
        padded = np.pad(image, (*margins, (0, 0)), mode=mode)
        holes = np.pad(mask, margins, mode=mode)
        return self.image_of(self.outputs(padded, holes), padded, holes)[:height, :width]

    def _loaded(self) -> Network:
        if self._network is None:
            self.load()
        assert self._network is not None
        return self._network

    @property
    def _size(self) -> tuple[int, int] | None:
        return (self.size, self.size) if isinstance(self.size, int) else self.size

    @property
    def _multiple(self) -> int:
        return int(np.lcm(self.multiple, inputs.told_multiple(self._loaded())))

    @property
    def _image_range(self) -> tuple[float, float]:
        is_integer = any(feed.is_integer for feed in self.feeds if "image" in feed.kind)
        return self.image_range or (BYTES if is_integer else FLOATS)

    def _sides_for(self, mask: Mask) -> tuple[int, int] | None:
        """Return height and width to resample an image to; None if the network takes its size."""
        if self._size is not None:
            return self._size
        fixed = inputs.fixed_sides(self._loaded(), self.layout)
        padded = tuple(side + -side % self._multiple for side in mask.shape)
        if fixed == padded:
            return None
        if fixed and any(side % self._multiple for side in fixed):
            raise MethodError(
                f"{self.file} takes {fixed[1]}x{fixed[0]} pixels, which is no multiple of "
                f"{self._multiple}: `multiple` looks wrong; {try_it(Path(self.file))}"
            )
        return fixed

    def _given(self, image: Image, mask: Mask) -> Image:
        """Return the image as the network was given it, with its values under the hole."""
        if self.hole_value is None:
            return image
        black, white = self._image_range
        grey = np.clip((self.hole_value - black) / (white - black) * 255, 0, 255)
        given = image.copy()
        given[mask] = np.uint8(np.rint(grey))
        return given

    def _described(self) -> dict[str, Any]:
        """Return the options as they were before there were others, for cases of that time."""
        options = self.options()
        usual = BYTES if self.dtype == "uint8" else FLOATS
        defaults: dict[str, Any] = {
            "inputs": inputs.USUAL,
            "image_range": usual,
            "output_range": usual,
            "dtype": "float32",
        }
        for name, default in defaults.items():
            if options[name] is None:
                options[name] = default
        return {
            key: value for key, value in options.items() if key not in LATER or value is not None
        }

    def _sha256(self) -> str:
        return files.content_sha256(Path(self.file))
