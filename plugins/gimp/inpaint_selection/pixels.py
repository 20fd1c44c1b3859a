"""Pixels out of GIMP's drawables and back, in their own format or as 8-bit R'G'B'."""

from __future__ import annotations

import gi

gi.require_version("Babl", "0.1")
gi.require_version("Gegl", "0.4")
gi.require_version("Gimp", "3.0")
from gi.repository import Babl, Gegl, Gimp

import region
from region import Box

RGB = "R'G'B' u8"
GREY_ALPHA = "Y'A u8"
SELECTED = "Y u8"
OWN = None


def layer_box(drawable: Gimp.Drawable) -> Box:
    """The drawable's place in the image."""
    _, x, y = drawable.get_offsets()
    return Box(x, y, drawable.get_width(), drawable.get_height())


def read(drawable: Gimp.Drawable, box: Box, encoding: str | None) -> bytes:
    """The pixels of a box, given in the image's coordinates, in the drawable's own colour space."""
    inside, name = _inside(drawable, box), _name(drawable, encoding)
    return bytes(drawable.get_buffer().get(inside, 1.0, name, _NO_EDGE))


def write(drawable: Gimp.Drawable, box: Box, encoding: str | None, pixels: bytes) -> None:
    """Sets the pixels of a box, as `read` gives them, without an undo step."""
    inside, buffer = _inside(drawable, box), drawable.get_buffer()
    buffer.set(inside, _name(drawable, encoding), pixels)
    buffer.flush()
    drawable.update(inside.x, inside.y, inside.width, inside.height)


def alpha_bytes(drawable: Gimp.Drawable) -> int:
    """How many of a pixel's bytes are its alpha, the last ones; 0 without alpha."""
    if not drawable.has_alpha():
        return 0
    return drawable.get_bpp() // Babl.format_get_n_components(drawable.get_format())


def selection_mask(image: Gimp.Image, layer: Box) -> tuple[bytes, Box] | None:
    """The selection's mask and box within a layer; None where they do not meet."""
    _, _, left, top, right, bottom = Gimp.Selection.bounds(image)
    box = Box(left, top, right - left, bottom - top).intersection(layer)
    if box is None:
        return None
    return region.threshold(read(image.get_selection(), box, SELECTED)), box


def drawable_mask(mask: Gimp.Drawable, layer: Box) -> tuple[bytes, Box] | None:
    """The mask that another layer's white pixels are, and its box within a layer."""
    box = layer_box(mask).intersection(layer)
    if box is None:
        return None
    return region.threshold_with_alpha(read(mask, box, GREY_ALPHA)), box


_NO_EDGE = Gegl.AbyssPolicy.NONE


def _name(drawable: Gimp.Drawable, encoding: str | None) -> str:
    own = drawable.get_format()
    # Once made, a format with a colour space is known to GEGL under its name.
    return Babl.get_name(own if encoding is None else Babl.format_with_space(encoding, own))


def _inside(drawable: Gimp.Drawable, box: Box) -> Gegl.Rectangle:
    own = layer_box(drawable)
    return Gegl.Rectangle.new(box.x - own.x, box.y - own.y, *box.size)
