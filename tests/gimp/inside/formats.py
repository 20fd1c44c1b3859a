"""Every type and precision: what changes in the bytes of the layer and of the new one."""

from __future__ import annotations

from typing import Any

from gi.repository import Gimp
from inside import COLOUR, fill, picture, put, raw, report

SIZE = (24, 20)
CANVAS = (30, 30)
OFFSET = (-3, 6)
TYPES = ("RGB_IMAGE", "RGBA_IMAGE", "GRAY_IMAGE", "GRAYA_IMAGE", "INDEXED_IMAGE", "INDEXEDA_IMAGE")
KINDS = ("LINEAR", "NON_LINEAR", "PERCEPTUAL")
NUMBERS = ("U8", "U16", "U32", "HALF", "FLOAT", "DOUBLE")
PRECISIONS = [f"{number}_{kind}" for number in NUMBERS for kind in KINDS]


def check(type_name: str, precision: str, output: str) -> dict[str, Any]:
    image = _picture(type_name, precision)
    layer = image.get_layers()[0]
    # Smooth at its edge, and beyond the layer at the left.
    image.select_ellipse(Gimp.ChannelOps.REPLACE, -8, 10, 17, 13)
    hole = _hole(image)
    before = raw(layer)
    told = fill(image, [layer], output=output)
    if told["status"] == "success":
        told |= {"hole": sum(hole), "pixels": len(hole), "layers": len(image.get_layers())}
        look = _look_in_place if output == "in-place" else _look_above
        told |= look(image, layer, hole, before)
    image.delete()
    return told


def _look_in_place(
    image: Gimp.Image, layer: Gimp.Layer, hole: list[bool], before: bytes
) -> dict[str, Any]:
    after, size, alpha = raw(layer), layer.get_bpp(), _alpha(layer)
    colours, wanted = _colours(layer), _painted(image, layer)
    return {
        "known": all(
            _pixel(before, at, size) == _pixel(after, at, size) for at in _at(hole, False)
        ),
        "filled": all(_near(_pixel(colours, at, 3), wanted) for at in _at(hole, True)),
        "alpha": all(
            _pixel(before, at, size)[size - alpha :] == _pixel(after, at, size)[size - alpha :]
            for at in _at(hole, True)
        ),
    }


def _look_above(
    image: Gimp.Image, layer: Gimp.Layer, hole: list[bool], before: bytes
) -> dict[str, Any]:
    new, under = image.get_layers()[0], raw(layer)
    pixels, size, alpha = raw(new), new.get_bpp(), _alpha(layer)
    colours, wanted, places = _colours(new), _painted(image, new), _places(new)
    filled = [(index, at) for index, at in enumerate(places) if hole[at]]
    known = [index for index, at in enumerate(places) if not hole[at]]
    return {
        "known": under == before and all(not any(_pixel(pixels, at, size)) for at in known),
        "filled": len(filled) == sum(hole)
        and all(_near(_pixel(colours, index, 3), wanted) for index, _ in filled),
        "alpha": all(
            _pixel(pixels, index, size)[size - alpha :] == _pixel(before, at, size)[size - alpha :]
            if alpha
            else any(_pixel(pixels, index, size)[-size // 4 :])
            for index, at in filled
        ),
    }


def _picture(type_name: str, precision: str) -> Gimp.Image:
    indexed = type_name.startswith("INDEXED")
    plain = {"INDEXED_IMAGE": "RGB_IMAGE", "INDEXEDA_IMAGE": "RGBA_IMAGE"}.get(type_name, type_name)
    image = picture(SIZE, getattr(Gimp.ImageType, plain), getattr(Gimp.Precision, precision))
    if indexed:
        image.convert_indexed(
            Gimp.ConvertDitherType.NONE, Gimp.ConvertPaletteType.GENERATE, 200, False, False, ""
        )
        palette = image.get_palette()
        # Twice the same colour: indices that go through colours would come back as others.
        palette.set_entry_color(7, palette.get_entry_color(90))
    image.resize(*CANVAS, 0, 0)
    image.get_layers()[0].set_offsets(*OFFSET)
    return image


def _hole(image: Gimp.Image) -> list[bool]:
    selected = raw(image.get_selection(), "Y u8")
    rows = [selected[y * CANVAS[0] : (y + 1) * CANVAS[0]] for y in range(CANVAS[1])]
    hole = []
    for y in range(OFFSET[1], OFFSET[1] + SIZE[1]):
        for x in range(OFFSET[0], OFFSET[0] + SIZE[0]):
            inside = 0 <= x < CANVAS[0] and 0 <= y < CANVAS[1]
            hole.append(inside and rows[y][x] >= 128)
    return hole


def _alpha(layer: Gimp.Layer) -> int:
    """Bytes of a pixel's alpha, the last of its two or four components."""
    return layer.get_bpp() // (2 if not layer.is_rgb() else 4) if layer.has_alpha() else 0


def _colours(layer: Gimp.Layer) -> bytes:
    return raw(layer, "R'G'B' u8")


def _painted(image: Gimp.Image, like: Gimp.Layer) -> bytes:
    """The painter's colour as this type of layer can show it: grey, or of the palette."""
    one = Gimp.Layer.new(image, "one", 1, 1, like.type(), 100, Gimp.LayerMode.NORMAL)
    put(one, COLOUR, "R'G'B' u8")
    return _colours(one)


def _near(found: bytes, wanted: bytes) -> bool:
    # GEGL's conversions differ in their last bits from process to process: it takes the fastest.
    return all(abs(a - b) <= 1 for a, b in zip(found, wanted, strict=True))


def _places(new: Gimp.Layer) -> list[int]:
    """For each pixel of the new layer, which one of the layer lies under it."""
    told = new.get_offsets()
    left, top = told.offset_x - OFFSET[0], told.offset_y - OFFSET[1]
    rows = range(top, top + new.get_height())
    return [y * SIZE[0] + x for y in rows for x in range(left, left + new.get_width())]


def _at(hole: list[bool], which: bool) -> list[int]:
    return [index for index, inside in enumerate(hole) if inside is which]


def _pixel(pixels: bytes, index: int, size: int) -> bytes:
    return pixels[index * size : (index + 1) * size]


def run() -> dict[str, Any]:
    checks = {}
    for type_name in TYPES:
        indexed = type_name.startswith("INDEXED")
        for precision in ["U8_NON_LINEAR"] if indexed else PRECISIONS:
            for output in ("new-layer", "in-place"):
                checks[f"{type_name} {precision} {output}"] = check(type_name, precision, output)
    return checks


report(run())
