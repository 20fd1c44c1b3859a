"""Photographs filled by a real method: seconds, memory, what was touched."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from gi.repository import Gimp, Gio
from inside import ARGUMENTS, SHARED, fill, raw, report

# A 6000 x 4000 photograph with a hole of 200 pixels.
LARGE = (6000, 4000)
SMALL_HOLE = (3100, 1700, 200, 200)


def _opened() -> Gimp.Image:
    image = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(ARGUMENTS["photo"]))
    assert isinstance(image, Gimp.Image)
    return image


def _filled(image: Gimp.Image) -> dict[str, Any]:
    begun = time.monotonic()
    told = fill(image, [image.get_layers()[-1]], method="two-stage")
    return told | {"seconds": time.monotonic() - begun}


def _saved(image: Gimp.Image, name: str) -> None:
    flat = image.duplicate()
    flat.flatten()
    Gimp.Selection.none(flat)
    file = Gio.File.new_for_path(str(SHARED / name))
    assert Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, flat, file, None)
    flat.delete()


def _worker_mb() -> float:
    """The worker's peak memory, in MB of 2**20 bytes."""
    (state,) = (SHARED / "run").glob("*/gimp-*.json")
    pid = json.loads(state.read_text())["pid"]
    status = Path(f"/host/proc/{pid}/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


def middle_third() -> dict[str, Any]:
    image = _opened()
    side = image.get_width() // 3
    image.select_rectangle(Gimp.ChannelOps.REPLACE, side, side, side, side)
    _saved(image, "before.png")
    first = _filled(image)
    _saved(image, "after.png")
    image.remove_layer(image.get_layers()[0])
    second = _filled(image)
    return {"size": image.get_width(), "first": first, "second": second, "mb": _worker_mb()}


def large() -> dict[str, Any]:
    image = _opened()
    image.scale(*LARGE)
    image.select_rectangle(Gimp.ChannelOps.REPLACE, *SMALL_HOLE)
    before = raw(image.get_layers()[0])
    told = _filled(image)
    new = image.get_layers()[0]
    offsets = new.get_offsets()
    place = [offsets.offset_x, offsets.offset_y, new.get_width(), new.get_height()]
    known = raw(image.get_layers()[1]) == before
    return told | {"place": place, "known": known, "mb": _worker_mb()}


report({"middle_third": middle_third(), "large": large()})
