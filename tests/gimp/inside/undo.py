"""Undo and redo of a fill, by the keyboard: plug-ins have no procedure for it."""

from __future__ import annotations

from typing import Any

from gi.repository import Gimp
from inside import add_layer, fill, picture, put, report, state
from window import MAIN, press, show, until

SIZE = (40, 30)


def check(hole: str, output: str) -> dict[str, Any]:
    image = picture(SIZE, Gimp.ImageType.RGBA_IMAGE)
    layer = image.get_layers()[0]
    mask = _mask_layer(image) if hole == "mask" else None
    image.select_ellipse(Gimp.ChannelOps.REPLACE, 5, 5, 12, 12)
    image.set_selected_layers([layer])
    # Nothing before the fill can be undone.
    image.undo_disable()
    image.undo_enable()
    display = show(image)
    before = state(image)
    told = fill(image, [layer], output=output, mask=mask)
    after = state(image)
    told |= {"changed": after != before, "selection": after[1] == before[1]}
    press(MAIN, "ctrl+z")
    told["undone"] = until(lambda: state(image) == before)
    press(MAIN, "ctrl+y")
    told["redone"] = until(lambda: state(image) == after)
    display.delete()
    return told


def _mask_layer(image: Gimp.Image) -> Gimp.Layer:
    mask = add_layer(image, SIZE, Gimp.ImageType.RGB_IMAGE, "Mask")
    white, black = bytes([255]) * SIZE[0] * 3 * 10, bytes(SIZE[0] * 3 * (SIZE[1] - 10))
    put(mask, white + black)
    return mask


def run() -> dict[str, Any]:
    cases = [
        (hole, output) for hole in ("selection", "mask") for output in ("new-layer", "in-place")
    ]
    return {f"{hole} {output}": check(hole, output) for hole, output in cases}


report(run())
