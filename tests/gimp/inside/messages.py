"""What cannot be filled: what the user is told, and that nothing of the image has changed.

Beside it what is near to that, and can."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gi.repository import Gimp
from inside import add_layer, fill, picture, put, report, state

SIZE = (40, 30)
ODD = "tests.methods.gimp.odd"

Prepared = tuple[list[Gimp.Item], dict[str, Any]]


def nothing_selected(image: Gimp.Image) -> Prepared:
    Gimp.Selection.none(image)
    return image.get_layers(), {}


def weakly_selected(image: Gimp.Image) -> Prepared:
    _select(image, 127)
    return image.get_layers(), {}


def all_selected(image: Gimp.Image) -> Prepared:
    Gimp.Selection.all(image)
    return image.get_layers(), {}


def selected_beside_the_layer(image: Gimp.Image) -> Prepared:
    image.get_layers()[0].set_offsets(30, 0)
    return image.get_layers(), {}


def mask_without_white(image: Gimp.Image) -> Prepared:
    layer, mask = image.get_layers()[0], _mask(image, 127)
    return [layer], {"mask": mask}


def mask_beside_the_layer(image: Gimp.Image) -> Prepared:
    layer, mask = image.get_layers()[0], _mask(image, 255)
    mask.set_offsets(0, SIZE[1])
    return [layer], {"mask": mask}


def transparent_hole(image: Gimp.Image) -> Prepared:
    layer = image.get_layers()[0]
    layer.add_alpha()
    layer.edit_clear()
    return [layer], {}


def half_selected(image: Gimp.Image) -> Prepared:
    _select(image, 128)
    return image.get_layers(), {}


def locked_below(image: Gimp.Image) -> Prepared:
    drawables, _ = locked(image)
    return drawables, {"output": "new-layer"}


def two_layers(image: Gimp.Image) -> Prepared:
    add_layer(image, SIZE, Gimp.ImageType.RGB_IMAGE, "Second")
    return image.get_layers(), {}


def group(image: Gimp.Image) -> Prepared:
    return [_group(image)], {}


def layer_mask(image: Gimp.Image) -> Prepared:
    layer = image.get_layers()[0]
    mask = layer.create_mask(Gimp.AddMaskType.WHITE)
    layer.add_mask(mask)
    return [mask], {}


def channel(image: Gimp.Image) -> Prepared:
    return [Gimp.Selection.save(image)], {}


def locked(image: Gimp.Image) -> Prepared:
    image.get_layers()[0].set_lock_content(True)
    return image.get_layers(), {"output": "in-place"}


def locked_group(image: Gimp.Image) -> Prepared:
    around = _group(image)
    around.set_lock_content(True)
    return around.get_children(), {"output": "in-place"}


def with_method(name: str, device: str = "auto") -> Callable[[Gimp.Image], Prepared]:
    """A fill that finds nothing wrong until the worker says so."""
    return lambda image: (image.get_layers(), {"method": name, "device": device})


def _select(image: Gimp.Image, value: int) -> None:
    """Selects the left ten columns as strongly as a value of 255."""
    channel = Gimp.Selection.save(image)
    put(channel, (bytes([value]) * 10 + bytes(SIZE[0] - 10)) * SIZE[1])
    image.select_item(Gimp.ChannelOps.REPLACE, channel)
    image.remove_channel(channel)


def _mask(image: Gimp.Image, value: int) -> Gimp.Layer:
    mask = add_layer(image, SIZE, Gimp.ImageType.RGB_IMAGE, "Mask")
    put(mask, bytes([value]) * (SIZE[0] * SIZE[1] * 3))
    return mask


def _group(image: Gimp.Image) -> Gimp.GroupLayer:
    around = Gimp.GroupLayer.new(image, "Group")
    image.insert_layer(around, None, 0)
    image.reorder_item(image.get_layers()[1], around, 0)
    return around


CASES = [
    nothing_selected,
    weakly_selected,
    all_selected,
    selected_beside_the_layer,
    mask_without_white,
    mask_beside_the_layer,
    transparent_hole,
    two_layers,
    group,
    layer_mask,
    channel,
    locked,
    locked_group,
]
FILLED = [half_selected, locked_below]
REFUSED = {
    "unknown method": with_method("nonsense"),
    "unknown device": with_method("two-stage", "abacus"),
    "no weights": with_method("dfnet"),
    "failing": with_method(f"{ODD}:Failing"),
    "crashing": with_method(f"{ODD}:Crashing"),
    "out of memory": with_method(f"{ODD}:OutOfMemory"),
    "dying": with_method(f"{ODD}:Dying"),
}


def check(prepare: Callable[[Gimp.Image], Prepared]) -> dict[str, Any]:
    image = picture(SIZE)
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 8, 8, 9, 9)
    drawables, arguments = prepare(image)
    image.clean_all()
    before = state(image)
    told = fill(image, drawables, **arguments)
    told["unchanged"] = state(image) == before
    image.delete()
    return told


def run() -> dict[str, Any]:
    cases = {case.__name__.replace("_", " "): case for case in CASES + FILLED} | REFUSED
    return {name: check(prepare) for name, prepare in cases.items()}


report(run())
