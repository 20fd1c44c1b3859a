"""What may be tried on an exported network whose file does not tell everything."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from methods.base import Image, Mask
from methods.exported.format import Network, Port
from methods.exported.inputs import USUAL, fixed_sides, told_multiple

Options = dict[str, Any]
Pair = tuple[float, float]
# Options for the sizes that a network takes, and an example of such a size.
Size = tuple[Options, tuple[int, int]]

MULTIPLES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
# Least side of the image: odd multiples are taken, so that half a multiple does not do.
SIDE = 100
# Sides of networks that take one size only.
FIXED = (512, 256, 1024, 128)
LARGE_MASKS: tuple[Pair, ...] = ((0.0, 255.0), (255.0, 0.0))
UNIT_MASKS: tuple[Pair, ...] = ((0.0, 1.0), (1.0, 0.0))
RARE_MASKS: tuple[Pair, ...] = ((0.5, -0.5), (-0.5, 0.5), (-1.0, 1.0), (1.0, -1.0), *LARGE_MASKS)


def picture(height: int, width: int) -> tuple[Image, Mask]:
    """Return an image with all greys and colours, and a hole in its middle."""
    rng = np.random.default_rng(0)
    coarse = rng.uniform(-20, 275, (5, 6, 3)).astype(np.float32)
    smooth = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    image = np.clip(smooth + rng.normal(0, 4, smooth.shape), 0, 255).astype(np.uint8)
    mask = np.zeros((height, width), bool)
    mask[height * 3 // 8 : height * 5 // 8, width * 3 // 8 : width * 5 // 8] = True
    return image, mask


def arrangements(network: Network) -> list[list[str]]:
    """Return what the inputs may be, the likeliest first."""
    ports = network.inputs
    if ports is None or len(ports) > 2:
        return [USUAL]
    choices = [_kinds(port) for port in ports]
    if len(ports) == 1:
        return [[kind] for kind in choices[0]]
    if ports[0].is_mask and not ports[1].is_mask:
        return [["mask", kind] for kind in choices[1]]
    if ports[1].is_mask and not ports[0].is_mask:
        return [[kind, "mask"] for kind in choices[0]]
    return [USUAL, USUAL[::-1]]


def _kinds(port: Port) -> list[str]:
    by_channels = {
        3: ["image"],
        4: ["image+mask", "mask+image"],
        5: ["image+ones+mask", "image+mask+ones"],
    }
    channels = port.channels(port.layout or "NCHW")
    if channels is None:
        return ["image", *by_channels[4], *by_channels[5]]
    return by_channels.get(channels, ["image"])


def types(network: Network) -> list[Options]:
    if network.form != "TorchScript":
        return [{}]
    return [{}, {"mask_dtype": "bool"}, {"dtype": "uint8"}, {"mask_dtype": "int64"}]


def layouts(network: Network) -> list[Options]:
    if any(port.layout for port in network.inputs or ()):
        return [{}]
    return [{}, {"layout": "NHWC"}]


def sizes(network: Network) -> list[Size]:
    """Return what says which sizes the network takes, and an example of such a size."""
    fixed = fixed_sides(network, None)
    if fixed:
        return [({}, fixed)]
    told = told_multiple(network)
    multiples: list[Size] = [
        ({"multiple": multiple} if multiple > 1 else {}, _odd(max(multiple, told)))
        for multiple in MULTIPLES
        if multiple == 1 or multiple % told == 0
    ]
    return [*multiples, *(({"size": side}, (side, side)) for side in FIXED)]


def _odd(multiple: int) -> tuple[int, int]:
    """Return two different odd multiples of a number, at least SIDE."""
    count = -(-SIDE // multiple) | 1
    return count * multiple, (count + 2) * multiple


def mask_values(kind: str) -> tuple[Pair, ...]:
    """Return the usual values of masks, the likeliest first, of NumPy's kind of type."""
    if not kind:
        return UNIT_MASKS[:1]
    if kind == "u":
        return (*LARGE_MASKS, *UNIT_MASKS)
    return (*UNIT_MASKS, *LARGE_MASKS) if kind == "i" else UNIT_MASKS
