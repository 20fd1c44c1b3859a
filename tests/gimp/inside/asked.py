"""The dialog, as a user at the keyboard meets it: once confirmed, once left."""

from __future__ import annotations

import subprocess
import threading
from typing import Any

from gi.repository import Gimp, Gio
from inside import ARGUMENTS, SHARED, report
from window import find, press, show, until

DIALOG = "^Inpaint selection$"


def _ask(image: Gimp.Image, keys: list[str], picture: str, mode: Gimp.RunMode) -> dict[str, Any]:
    """Runs the plug-in with its dialog, presses keys, a picture of the screen before the last."""
    seen: dict[str, Any] = {}

    def user() -> None:
        seen["dialog"] = until(lambda: bool(find(DIALOG)))
        if seen["dialog"]:
            for key in keys[:-1]:
                press(DIALOG, key)
            subprocess.run(["import", "-window", "root", str(SHARED / picture)], check=True)
            press(DIALOG, keys[-1])

    hands = threading.Thread(target=user)
    if mode == Gimp.RunMode.INTERACTIVE:
        hands.start()
    procedure = Gimp.get_pdb().lookup_procedure("plug-in-inpaint-selection")
    config = procedure.create_config()
    config.set_property("run-mode", mode)
    config.set_property("image", image)
    config.set_core_object_array("drawables", [image.get_layers()[-1]])
    result = procedure.run(config)
    if hands.ident:
        hands.join()
    failed = result.index(0) != Gimp.PDBStatusType.SUCCESS
    return seen | {
        "status": result.index(0).value_nick,
        "message": Gimp.get_pdb().get_last_error() * failed,
        "layers": [layer.get_name() for layer in image.get_layers()],
    }


def run() -> dict[str, Any]:
    image = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(ARGUMENTS["photo"]))
    image.scale(600, 600)
    image.select_ellipse(Gimp.ChannelOps.REPLACE, 250, 250, 100, 60)
    show(image)
    procedure = Gimp.get_pdb().lookup_procedure("plug-in-inpaint-selection")
    return {
        "default": procedure.create_config().get_property("method"),
        "left": _ask(image, ["Escape"], "left.png", Gimp.RunMode.INTERACTIVE),
        "confirmed": _ask(
            image, ["Tab", "End", "alt+o"], "confirmed.png", Gimp.RunMode.INTERACTIVE
        ),
        "again": _ask(image, [], "", Gimp.RunMode.WITH_LAST_VALS),
    }


report(run())
