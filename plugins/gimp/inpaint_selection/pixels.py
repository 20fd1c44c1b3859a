"""Read and write pixels of GIMP's drawables, in their own format or as 8-bit R'G'B'."""

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
    """Return the position and size of a drawable in the image."""
    _, x, y = drawable.get_offsets()
    return Box(x, y, drawable.get_width(), drawable.get_height())


def read(drawable: Gimp.Drawable, box: Box, encoding: str | None) -> bytes:
    """Return the pixels of a box (image coordinates) in the drawable's own colour space."""
    inside, name = _inside(drawable, box), _name(drawable, encoding)
    return bytes(drawable.get_buffer().get(inside, 1.0, name, _NO_EDGE))


def write(drawable: Gimp.Drawable, box: Box, encoding: str | None, pixels: bytes) -> None:
    """Write the pixels of a box, in the format that `read` returns, without an undo step."""
    inside, buffer = _inside(drawable, box), drawable.get_buffer()
    buffer.set(inside, _name(drawable, encoding), pixels)
    buffer.flush()
    drawable.update(inside.x, inside.y, inside.width, inside.height)


def alpha_bytes(drawable: Gimp.Drawable) -> int:
    """Return how many of the last bytes of a pixel are its alpha; 0 without alpha."""
    if not drawable.has_alpha():
        return 0
    return drawable.get_bpp() // Babl.format_get_n_components(drawable.get_format())


def selection_mask(image: Gimp.Image, layer: Box) -> tuple[bytes, Box] | None:
    """Return the selection's mask and its box within a layer; None if they do not overlap."""
    _, _, left, top, right, bottom = Gimp.Selection.bounds(image)
    box = Box(left, top, right - left, bottom - top).intersection(layer)
    if box is None:
        return None
    return region.threshold(read(image.get_selection(), box, SELECTED)), box


def drawable_mask(mask: Gimp.Drawable, layer: Box) -> tuple[bytes, Box] | None:
    """Return the mask of another layer's white pixels, and its box within a layer."""
    box = layer_box(mask).intersection(layer)
    if box is None:
        return None
    return region.threshold_with_alpha(read(mask, box, GREY_ALPHA)), box


_NO_EDGE = Gegl.AbyssPolicy.NONE


def _name(drawable: Gimp.Drawable, encoding: str | None) -> str:
    own = drawable.get_format()
    # GEGL takes names only; creating a format with a colour space registers its name.
    return Babl.get_name(own if encoding is None else Babl.format_with_space(encoding, own))


def _inside(drawable: Gimp.Drawable, box: Box) -> Gegl.Rectangle:
    own = layer_box(drawable)
    return Gegl.Rectangle.new(box.x - own.x, box.y - own.y, *box.size)
