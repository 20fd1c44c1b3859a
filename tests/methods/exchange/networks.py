"""Tiny networks with the interfaces of published exports.

All fill the hole with the mean colour of the known pixels and return these as they were.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

SPACE = [2, 3]
TYPES = {
    "float32": TensorProto.FLOAT,
    "float16": TensorProto.FLOAT16,
    "uint8": TensorProto.UINT8,
    "bool": TensorProto.BOOL,
    "int64": TensorProto.INT64,
}


def mean_filled(image: Tensor, hole: Tensor) -> Tensor:
    known = image * (1 - hole)
    mean = known.mean([2, 3], keepdim=True) / (1 - hole).mean([2, 3], keepdim=True)
    return known + mean * hole


class LaMa(nn.Module):
    """big-lama.pt: image in [0, 1], mask 1 = hole, sides multiples of 8."""

    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        blocks = image.reshape(1, 3, image.shape[2] // 8, 8, image.shape[3] // 8, 8)
        return mean_filled(blocks.reshape(image.shape), mask).clamp(0, 1)


class LaMaTrainer(nn.Module):
    """LaMa before its export: dictionaries; the result is not the first output."""

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        image, mask = batch["image"], batch["mask"]
        filled = mean_filled(image, mask).clamp(0, 1)
        return {"mask": mask, "predicted": filled * mask, "inpainted": filled}


class MIGAN(nn.Module):
    """The generator of MI-GAN: mask - 0.5 with 1 = known, and the image in [-1, 1]."""

    def forward(self, x: Tensor) -> Tensor:
        return mean_filled(x[:, 1:], 0.5 - x[:, :1]).clamp(-1, 1)


class DeepFill(nn.Module):
    """DeepFill v2 in PyTorch: image, ones and mask in one tensor, and the mask; two stages."""

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        assert x.shape[1] == 5, "five channels"
        filled = mean_filled(x[:, :3] * x[:, 3:4], x[:, 4:])
        return filled * mask, filled


class BoolMask(nn.Module):
    """A mask with True = known, before the image; inputs in a tuple, outputs in a list."""

    def forward(self, inputs: tuple[Tensor, Tensor]) -> list[Tensor]:
        mask, image = inputs
        return [mean_filled(image, (~mask).to(torch.float32)).clamp(0, 1)]


class Half(nn.Module):
    """Weights in half precision."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1, 3, 1, 1))

    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        return mean_filled(self.weight * image, mask).clamp(0, 1)


class ChannelsLast(nn.Module):
    """AOT-GAN's export: bytes, channels last, 255 = hole."""

    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        # As a convolution would, this takes three channels only.
        planes = image.permute(0, 3, 1, 2).float() * torch.ones(1, 3, 1, 1)
        hole = (mask.permute(0, 3, 1, 2) > 127).float()
        return mean_filled(planes, hole).round().to(torch.uint8).permute(0, 2, 3, 1)


def scripted(network: nn.Module, path: Path) -> str:
    torch.jit.script(network).save(str(path))
    return str(path)


def exported(network: nn.Module, path: Path, *example: Any, dynamic: Any = None) -> str:
    torch.export.save(torch.export.export(network, example, dynamic_shapes=dynamic), path)
    return str(path)


def eights() -> dict[int, Any]:
    """Dynamic height and width that are multiples of 8, for `exported`."""
    return {
        2: 8 * torch.export.Dim("rows", min=2, max=99),
        3: 8 * torch.export.Dim("columns", min=2, max=99),
    }


def onnx_network(
    path: Path,
    *,
    image: str = "float32",
    mask: str = "float32",
    white: float = 1,
    hole: float = 1,
    known: float = 0,
    result_white: float | None = None,
    sides: Sequence[int | str] = ("height", "width"),
    channels_last: bool = False,
    mask_first: bool = False,
    coarse: bool = False,
    ranks: tuple[int, int] = (4, 4),
    images: int = 1,
) -> str:
    """Write an ONNX network that takes [0, white] and returns [0, result_white].

    coarse: a number and the image in grey come before the result; ranks: of image and mask.
    """
    inner = "float16" if image == "float16" else "float32"
    nodes: list[Any] = []
    constants: list[Any] = []

    def op(kind: str, *inputs: str, **attributes: Any) -> str:
        name = f"{kind}{len(nodes)}"
        nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def number(value: float | list[int], dtype: str = inner) -> str:
        constants.append(numpy_helper.from_array(np.array(value, dtype), f"c{len(constants)}"))
        return constants[-1].name

    def cast(name: str, dtype: str) -> str:
        return op("Cast", name, to=TYPES[dtype])

    scaled = op("Div", cast("image", inner), number(white))
    plane = op("Div", op("Sub", cast("mask", inner), number(known)), number(hole - known))
    if ranks == (3, 2):
        # (H, W, 3) and (H, W), as some exports for the browser.
        plane = op("Unsqueeze", plane, number([2], "int64"))
    axes = ([0, 1] if ranks == (3, 2) else [1, 2]) if channels_last else SPACE
    free = op("Sub", number(1), plane)
    visible = op("Mul", scaled, free)
    mean = op("Div", op("ReduceMean", visible, axes=axes), op("ReduceMean", free, axes=axes))
    filled = op("Add", visible, op("Mul", mean, plane))
    clipped = op("Clip", filled, number(0), number(1))
    large = op("Mul", clipped, number(white if result_white is None else result_white))
    result = cast(op("Round", large), image) if image == "uint8" else large
    results = {"result": result}
    if coarse:
        grey = op("Mul", clipped, number(0.5))
        results = {"score": op("ReduceMean", clipped), "coarse": grey, **results}
    for name, value in results.items():
        nodes.append(helper.make_node("Identity", [value], [name]))

    def shape(channels: int, rank: int) -> list[int | str]:
        if rank == 2:
            return [*sides]
        batch = [] if rank == 3 else [images]
        return [*batch, *sides, channels] if channels_last else [*batch, channels, *sides]

    inputs = [
        helper.make_tensor_value_info("image", TYPES[image], shape(3, ranks[0])),
        helper.make_tensor_value_info("mask", TYPES[mask], shape(1, ranks[1])),
    ]
    outputs = [
        helper.make_tensor_value_info(name, TYPES[image if name == "result" else inner], None)
        for name in results
    ]
    graph = helper.make_graph(
        nodes, "tiny", inputs[::-1] if mask_first else inputs, outputs, constants
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 16)])
    model.ir_version = 8
    onnx.save(model, path)
    return str(path)
