"""From an image and a mask to the inputs of an exported network, and what its file says of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import lcm
from typing import Any

import numpy as np
from numpy.typing import NDArray

from methods.base import Image, Mask, MethodError
from methods.exported.errors import try_it
from methods.exported.format import Layout, Network, Port, multiple_of
from methods.shown_text import counted

# Channels of what an input may be joined from with "+".
CHANNELS = {"image": 3, "mask": 1, "ones": 1}
USUAL = ["image", "mask"]
ALL = ", ".join(CHANNELS)


@dataclass(frozen=True)
class Feed:
    """What one input of a network is given: parts joined by "+", their type and their layout."""

    name: str
    kind: str
    dtype: np.dtype[Any]
    layout: Layout
    rank: int
    channels: int

    @property
    def is_integer(self) -> bool:
        return self.dtype.kind in "iu"

    def array(self, image: NDArray[np.float32], mask: NDArray[np.float32]) -> NDArray[Any]:
        """Return the input.

        Parameters
        ----------
        image
            float32 (3, H, W), in the values of the network.
        mask
            float32 (1, H, W), in the values of the network.
        """
        planes = {"image": image, "mask": mask, "ones": np.ones_like(mask)}
        joined = np.concatenate([planes[part] for part in self.kind.split("+")])
        if self.kind == "mask":
            joined = np.repeat(joined, self.channels, axis=0)
        if self.is_integer:
            joined = np.rint(joined)
        if self.layout == "NHWC":
            joined = joined.transpose(1, 2, 0)
        if self.rank == 2:
            joined = joined.reshape(mask.shape[1:])
        elif self.rank != 3:
            joined = joined[None]
        return np.ascontiguousarray(joined.astype(self.dtype))


def feeds(
    network: Network,
    kinds: Sequence[str] | None,
    names: Sequence[str] | None,
    dtype: str | None,
    mask_dtype: str | None,
    layout: Layout | None,
) -> list[Feed]:
    """Return what each input of a network is given; None stands for what its file says.

    Raises
    ------
    MethodError
        If an option contradicts the file, or the file does not tell what an option must.
    """
    kinds = list(kinds or _usual(network))
    ports = _ports(network, kinds, names)
    found: list[Feed] = []
    for port, kind in zip(ports, kinds, strict=True):
        given = mask_dtype or dtype if kind == "mask" else dtype
        option = "mask_dtype" if kind == "mask" and mask_dtype else "dtype"
        rank = 4 if port.shape is None else len(port.shape)
        own = layout or port.layout or (_layout(ports) if rank == 4 else None) or "NCHW"
        if port.layout not in (None, own):
            raise MethodError(
                f"{network.path}: input {port.name!r} ({port.described()}) looks like "
                f"{port.layout}, `layout` is {own}: remove `layout`, the file tells it"
            )
        channels = _channels(network, port, kind, own)
        batch = port.shape[0] if port.shape and rank == 4 else 1
        if isinstance(batch, int) and batch != 1:
            raise MethodError(
                f"{network.path}: input {port.name!r} ({port.described()}) takes {batch} images at "
                "a time: export the network for one image, or any number"
            )
        found.append(
            Feed(port.name, kind, _dtype(network, port, given, option), own, rank, channels)
        )
    return found


def fixed_sides(network: Network, layout: Layout | None) -> tuple[int, int] | None:
    """Return height and width if the file says that the network takes no others."""
    for port in network.inputs or ():
        sides = port.sides(layout or port.layout or "NCHW")
        fixed = [side for side in sides or () if isinstance(side, int)]
        if fixed:
            return fixed[0], fixed[-1]
    return None


def told_multiple(network: Network) -> int:
    """Return the number of which the file says that both sides must be multiples."""
    sides = [side for port in network.inputs or () for side in port.shape or ()]
    return lcm(*map(multiple_of, sides))


def image_planes(
    image: Image, hole: Mask, values: tuple[float, float], hole_value: float | None
) -> NDArray[np.float32]:
    """Return uint8 (H, W, 3) as float32 (3, H, W) in the values (black, white) of a network."""
    black, white = (np.float32(value) for value in values)
    pixels: NDArray[np.float32] = image.astype(np.float32) / np.float32(255)
    pixels = pixels * (white - black) + black
    if hole_value is not None:
        pixels[hole] = hole_value
    return pixels.transpose(2, 0, 1)


def mask_plane(mask: Mask, values: tuple[float, float]) -> NDArray[np.float32]:
    """Return bool (H, W) as float32 (1, H, W) in the values (known, hole) of a network."""
    known, hole = np.float32(values[0]), np.float32(values[1])
    return np.where(mask, hole, known)[None]


def _usual(network: Network) -> list[str]:
    """Return the inputs in the file's order, as far as it tells them apart."""
    ports = network.inputs or ()
    if len(ports) == 2 and ports[0].is_mask and not ports[1].is_mask:
        return USUAL[::-1]
    if len(ports) != 1:
        return USUAL
    channels = ports[0].channels(ports[0].layout or "NCHW")
    if channels == CHANNELS["image"]:
        return ["image"]
    many = f" of {channels} channels" if channels else ""
    raise MethodError(
        f'{network.path} takes one input{many} ({ports[0].name}): set `inputs` to ["image+mask"] '
        f'or ["mask+image"], {ALL} may be joined; {try_it(network.path)}'
    )


def _ports(network: Network, kinds: list[str], names: Sequence[str] | None) -> list[Port]:
    """Return the ports that are fed, in the order of the kinds."""
    if network.inputs is None:
        return [Port(name) for name in names or kinds]
    if names is not None:
        unknown = sorted(set(names) - {port.name for port in network.inputs})
        if unknown:
            raise MethodError(
                f"{network.path} has no input {unknown[0]!r}, `input_names` may be: "
                f"{_list(network)}"
            )
        ports = [port for name in names for port in network.inputs if port.name == name]
    else:
        ports = list(network.inputs)
    if len(ports) != len(network.inputs) or len(ports) != len(kinds):
        raise MethodError(
            f"{network.path} takes {counted(len(network.inputs), 'input')} ({_list(network)}), "
            f"`inputs` has {len(kinds)}: {', '.join(kinds)}; a network that needs other inputs "
            f"than {ALL} needs a method of its own (docs/add_a_method.md)"
        )
    return ports


def _list(network: Network) -> str:
    return ", ".join(port.name for port in network.inputs or ())


def _layout(ports: list[Port]) -> Layout | None:
    """Return the layout that another input of the network tells."""
    return next((port.layout for port in ports if port.layout), None)


def _channels(network: Network, port: Port, kind: str, layout: Layout) -> int:
    count = sum(CHANNELS[part] for part in kind.split("+"))
    wanted = port.channels(layout) or count
    if wanted == count or (kind == "mask" and wanted == CHANNELS["image"]):
        return wanted
    raise MethodError(
        f"{network.path}: input {port.name!r} ({port.described()}) has {wanted} channels in layout "
        f"{layout}, `inputs` gives it {kind!r} with {count}: `inputs` or `layout` looks wrong; "
        f"{try_it(network.path)}"
    )


def _dtype(network: Network, port: Port, given: str | None, option: str) -> np.dtype[Any]:
    if given and port.dtype and given != port.dtype and network.form != "TorchScript":
        raise MethodError(
            f"{network.path}: input {port.name!r} is {port.dtype}, `{option}` is {given}: remove "
            f"`{option}`, the file tells the type"
        )
    name = given or port.dtype or "float32"
    try:
        return np.dtype(name)
    except TypeError:
        raise MethodError(
            f"{network.path}: input {port.name!r} has the type {name}, which cannot be made here; "
            "export the network with float32 inputs"
        ) from None
