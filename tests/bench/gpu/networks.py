"""The networks of the bench, their weights, and their outputs before any rounding."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from safetensors.numpy import save_file
from torch import Tensor
from torch.nn import Module

import methods
from methods.architectures.deepfillv2 import DeepFillV2
from methods.architectures.detail import DetailNet
from methods.architectures.dfnet import DFNet, masked_input
from methods.architectures.hifill import HiFill
from methods.architectures.hifill_layers import tensorflow_names
from methods.architectures.refinement import RefinementNet
from methods.architectures.spans import Span
from methods.architectures.two_stage_input import RefinementInput
from methods.base import Image, Mask
from methods.images import read_rgb
from methods.network import NetworkInpainter, full_precision, to_tensor
from tests.conformance import deepfillv2, dfnet, hifill, two_stage
from tests.conformance.deepfillv2_recipe import weights as deepfillv2_weights
from tests.conformance.fill import fill
from tests.conformance.hifill_recipe import weights as hifill_weights
from tests.paths import DEMO

SALT = "bench:"
PHOTO = DEMO / "lake_mountains.jpg"
# Side of the networks' inputs whose outputs are compared as floats.
SIDE = 512
RANDOM = "random weights"
COMPACT = "two-stage, compact"
# Row of the table -> method, and option -> name of a file of random weights.
NETWORKS: dict[str, tuple[str, dict[str, str]]] = {
    COMPACT: ("two-stage", {}),
    f"two-stage, {RANDOM}": ("two-stage", {"weights": "refinement", "stage_one": "dfnet"}),
    f"dfnet, {RANDOM}": ("dfnet", {"weights": "dfnet"}),
    f"deepfillv2, {RANDOM}": ("deepfillv2", {"weights": "deepfillv2"}),
    f"hifill, {RANDOM}": ("hifill", {"weights": "hifill"}),
}


def write_weights(folder: str, names: Sequence[str]) -> dict[str, Any]:
    """Write random weights of the conformance tests, for which their tolerances were chosen."""
    for name in names:
        # Not ascontiguousarray, which would give counters a dimension.
        arrays = {key: np.array(array, order="C") for key, array in _WEIGHTS[name]().items()}
        save_file(arrays, Path(folder) / f"{name}.safetensors")
    return {}


def _hifill_weights() -> Mapping[str, Any]:
    state = HiFill().state_dict()
    shapes = {theirs: tuple(state[ours].shape) for ours, theirs in tensorflow_names().items()}
    kernels = {
        name: (shape[2], shape[3], shape[1], shape[0]) if len(shape) == 4 else shape
        for name, shape in shapes.items()
    }
    return hifill_weights(kernels, SALT)


def _filled(network: Module) -> Mapping[str, Any]:
    shapes = {key: tuple(tensor.shape) for key, tensor in network.state_dict().items()}
    return fill(shapes, SALT)


_WEIGHTS: dict[str, Callable[[], Mapping[str, Any]]] = {
    "dfnet": lambda: _filled(DFNet()),
    "refinement": lambda: _filled(RefinementNet()),
    "deepfillv2": lambda: deepfillv2_weights(SALT),
    "hifill": _hifill_weights,
}


def create(what: str, folder: str, device: str, precision: str) -> NetworkInpainter:
    """Return the method of a row of `NETWORKS`, not loaded."""
    name, files = NETWORKS[what]
    paths = {option: str(Path(folder) / f"{file}.safetensors") for option, file in files.items()}
    options: dict[str, Any] = {"networks": "compact"} if what == COMPACT else {}
    if "stage_one" in paths:
        options["stage_one_options"] = {"weights": paths.pop("stage_one")}
    method = methods.create(name, device=device, precision=precision, **options, **paths)
    assert isinstance(method, NetworkInpainter)
    return method


def case(size: int) -> tuple[Image, Mask]:
    """Return a photograph, uint8 (size, size, 3), and a middle-third hole."""
    photo = read_rgb(PHOTO)
    smaller = size < photo.shape[0]
    image = cv2.resize(
        photo, (size, size), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_CUBIC
    )
    mask = np.zeros((size, size), bool)
    third = slice(-(-size // 3), 2 * size // 3 + 1)
    mask[third, third] = True
    return image, mask


def outputs(method: NetworkInpainter, device: str) -> tuple[dict[str, Tensor], float]:
    """Return the outputs of a method's network, on the CPU, and how much they may differ."""
    compute, tolerance = OUTPUTS[type(method.loaded())]
    image, mask = case(SIDE)
    with full_precision():
        found = compute(method.loaded(), image, mask, torch.device(device))
        return {name: tensor.float().cpu() for name, tensor in found.items()}, tolerance


Compute = Callable[[Any, Image, Mask, torch.device], dict[str, Tensor]]


def _dfnet(network: DFNet, image: Image, mask: Mask, device: torch.device) -> dict[str, Tensor]:
    known = 1 - to_tensor(mask, device)
    fill_ = "smooth" if network.fusion(0).relative else "black"
    given = masked_input(to_tensor(image, device) / 255, known, fill_)
    scales = zip(("result", "alpha", "raw"), network(given, known), strict=True)
    return {f"{kind} {i}": tensor for kind, all_ in scales for i, tensor in enumerate(all_)}


def _refinement(
    network: RefinementNet | DetailNet, image: Image, mask: Mask, device: torch.device
) -> dict[str, Tensor]:
    everything = Span(0, SIDE)
    stack = RefinementInput(image, mask, (SIDE // 5, SIDE // 5))
    return {"result": network(stack.at(everything, everything, device))}


def _bgr(image: Image, device: torch.device) -> Tensor:
    return to_tensor(np.ascontiguousarray(image[..., ::-1]), device) / 127.5 - 1


def _deepfillv2(
    network: DeepFillV2, image: Image, mask: Mask, device: torch.device
) -> dict[str, Tensor]:
    hole = to_tensor(mask, device)
    coarse, refined = network(_bgr(image, device) * (1 - hole), hole)
    return {"coarse": coarse, "refined": refined}


def _hifill(network: HiFill, image: Image, mask: Mask, device: torch.device) -> dict[str, Tensor]:
    found = network(_bgr(image, device), to_tensor(mask, device))
    return dict(zip(("coarse", "refined", "attention"), found, strict=True))


OUTPUTS: dict[type, tuple[Compute, float]] = {
    DFNet: (_dfnet, dfnet.FORWARD),
    RefinementNet: (_refinement, two_stage.FLOATS),
    DetailNet: (_refinement, two_stage.FLOATS),
    DeepFillV2: (_deepfillv2, deepfillv2.RESULT),
    HiFill: (_hifill, hifill.NETWORK),
}
