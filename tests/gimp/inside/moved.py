"""A fill where the suite's Python is not there."""

from __future__ import annotations

from typing import Any

from gi.repository import Gimp
from inside import fill, picture, report, state


def run() -> dict[str, Any]:
    image = picture((40, 30))
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 10, 10, 8, 8)
    before = state(image)
    told = fill(image, image.get_layers())
    return told | {"unchanged": state(image) == before}


report(run())
