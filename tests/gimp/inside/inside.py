"""What the scripts share: pictures, calls of the plug-in, raw bytes, the report."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import Any

import gi

gi.require_version("Babl", "0.1")
from gi.repository import Babl, Gegl, Gimp

SHARED = Path(os.environ["GIMP_TEST_SHARED"])
ARGUMENTS = json.loads((SHARED / "arguments.json").read_text())
PROCEDURE = "plug-in-inpaint-selection"
PAINTER = "tests.gimp.painter:Painter"
COLOUR = bytes((200, 100, 50))


def report(found: dict[str, Any]) -> None:
    (SHARED / "report.json").write_text(json.dumps(found))


def picture(
    size: tuple[int, int],
    layer_type: Gimp.ImageType = Gimp.ImageType.RGB_IMAGE,
    precision: Gimp.Precision = Gimp.Precision.U8_NON_LINEAR,
) -> Gimp.Image:
    """An image of one layer of random bytes: in float formats NaN and infinity among them."""
    grey = layer_type in (Gimp.ImageType.GRAY_IMAGE, Gimp.ImageType.GRAYA_IMAGE)
    base = Gimp.ImageBaseType.GRAY if grey else Gimp.ImageBaseType.RGB
    image = Gimp.Image.new_with_precision(*size, base, precision)
    add_layer(image, size, layer_type)
    return image


def add_layer(
    image: Gimp.Image, size: tuple[int, int], layer_type: Gimp.ImageType, name: str = "Photo"
) -> Gimp.Layer:
    layer = Gimp.Layer.new(image, name, *size, layer_type, 100, Gimp.LayerMode.NORMAL)
    image.insert_layer(layer, None, 0)
    put(layer, random.Random(8).randbytes(size[0] * size[1] * layer.get_bpp()))
    return layer


def raw(drawable: Gimp.Drawable, encoding: str | None = None) -> bytes:
    """All pixels, in the drawable's own format unless another is named."""
    name = (
        Babl.get_name(Babl.format_with_space(encoding, drawable.get_format())) if encoding else None
    )
    return bytes(drawable.get_buffer().get(_all(drawable), 1.0, name, Gegl.AbyssPolicy.NONE))


def put(drawable: Gimp.Drawable, pixels: bytes, encoding: str | None = None) -> None:
    own = drawable.get_format()
    buffer = drawable.get_buffer()
    name = Babl.get_name(Babl.format_with_space(encoding, own) if encoding else own)
    buffer.set(_all(drawable), name, pixels)
    buffer.flush()


def _all(drawable: Gimp.Drawable) -> Gegl.Rectangle:
    return Gegl.Rectangle.new(0, 0, drawable.get_width(), drawable.get_height())


def fill(image: Gimp.Image, drawables: list[Gimp.Item], **arguments: Any) -> dict[str, Any]:
    """Calls the plug-in as a script does; its status and message."""
    procedure = Gimp.get_pdb().lookup_procedure(PROCEDURE)
    config = procedure.create_config()
    config.set_property("image", image)
    config.set_core_object_array("drawables", drawables)
    for name, value in ({"method": PAINTER} | arguments).items():
        config.set_property(name.replace("_", "-"), value)
    result = procedure.run(config)
    status = result.index(0)
    failed = status != Gimp.PDBStatusType.SUCCESS
    return {"status": status.value_nick, "message": Gimp.get_pdb().get_last_error() * failed}


def state(image: Gimp.Image) -> list[Any]:
    """All that a failing fill must leave as it was."""
    layers = [(layer.get_name(), raw(layer).hex()) for layer in image.get_layers()]
    selection = raw(image.get_selection()).hex()
    channels = [channel.get_name() for channel in image.get_channels()]
    return [layers, selection, channels, image.is_dirty()]
