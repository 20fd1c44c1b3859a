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
    if told["status"] != "success":
        image.delete()
        return told
    after, painted = raw(layer), _painted(image, layer.type())
    found: dict[str, Any] = {"hole": sum(hole), "pixels": len(hole)}
    size = layer.get_bpp()
    alpha = 0 if "A_" not in type_name else size // {"R": 4, "G": 2, "I": 2}[type_name[0]]
    if output == "in-place":
        known = [_pixel(before, at, size) == _pixel(after, at, size) for at in _at(hole, False)]
        filled = [
            _pixel(after, at, size)
            == painted[: size - alpha] + _pixel(before, at, size)[size - alpha :]
            for at in _at(hole, True)
        ]
        layers = 1
    else:
        known = [before == after]
        new = image.get_layers()[0]
        filled, layers = _above(layer, new, hole, before, alpha), 2
    found |= {
        "known": all(known),
        "filled": all(filled),
        "layers": len(image.get_layers()) == layers,
    }
    image.delete()
    return found | told


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


def _painted(image: Gimp.Image, layer_type: Gimp.ImageType) -> bytes:
    """One pixel of the painter's colour in the layer's format, as GIMP converts it."""
    one = Gimp.Layer.new(image, "one", 1, 1, layer_type, 100, Gimp.LayerMode.NORMAL)
    put(one, COLOUR, "R'G'B' u8")
    return raw(one)


def _above(
    layer: Gimp.Layer, new: Gimp.Layer, hole: list[bool], before: bytes, alpha: int
) -> list[bool]:
    """Whether the new layer holds the colour over the hole, with the alpha below, and else 0."""
    painted, size = _painted(layer.get_image(), new.type()), new.get_bpp()
    pixels, offset = raw(new), new.get_offsets()
    width, height = new.get_width(), new.get_height()
    found, seen = [], 0
    for index in range(width * height):
        x = index % width + offset.offset_x - OFFSET[0]
        y = index // width + offset.offset_y - OFFSET[1]
        under = y * SIZE[0] + x
        expected = bytes(size)
        if hole[under]:
            seen += 1
            expected = painted
            if alpha:
                expected = painted[:-alpha] + _pixel(before, under, size)[-alpha:]
        found.append(_pixel(pixels, index, size) == expected)
    return [*found, seen == sum(hole)]


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
