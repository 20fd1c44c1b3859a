"""The dialog: method, device, result, hole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import gi

gi.require_version("Gimp", "3.0")
gi.require_version("GimpUi", "3.0")
gi.require_version("Gtk", "3.0")
from gi.repository import Gimp, GimpUi, Gtk

import filling
from environment import PlugInError

SELECTION = "Selection"
LEVEL = "A pixel is filled where at least half (128 of 255) of it is selected, or white."
OUTPUTS = {filling.NEW_LAYER: "As new layer", filling.IN_PLACE: "In place"}
SPACING = 6
NOTE_CHARACTERS = 60


def ask(
    procedure: Gimp.Procedure,
    config: Gimp.ProcedureConfig,
    image: Gimp.Image,
    told: dict[str, Any],
) -> bool:
    """Lets the user choose; True when the fill is wanted. told: the worker's list of methods."""
    GimpUi.init("inpaint_selection")
    ready = [method for method in told["methods"] if method["ready"]]
    if not ready:
        raise PlugInError(f"No method is ready. {_others(told['methods'])}")
    dialog = GimpUi.ProcedureDialog.new(procedure, config, "Inpaint selection")
    grid = Gtk.Grid(row_spacing=SPACING, column_spacing=2 * SPACING, border_width=2 * SPACING)
    names = {method["name"]: method["name"] for method in ready}
    _add_row(grid, 0, "_Method", _choice(config, "method", names))
    grid.attach(_note(_others(told["methods"])), 1, 1, 1, 1)
    _add_row(
        grid, 2, "_Device", _choice(config, "device", {name: name for name in told["devices"]})
    )
    _add_row(grid, 3, "_Hole", _masks(config, image))
    grid.attach(_note(LEVEL), 1, 4, 1, 1)
    _add_row(grid, 5, "_Result", _choice(config, "output", OUTPUTS))
    dialog.get_content_area().pack_start(grid, False, False, 0)
    grid.show_all()
    dialog.fill(["whole-layer"])
    wanted = bool(dialog.run())
    dialog.destroy()
    return wanted


def _add_row(grid: Gtk.Grid, row: int, text: str, widget: Gtk.Widget) -> None:
    label = Gtk.Label(label=text, use_underline=True, xalign=0.0, mnemonic_widget=widget)
    grid.attach(label, 0, row, 1, 1)
    widget.set_hexpand(True)
    grid.attach(widget, 1, row, 1, 1)


def _choice(
    config: Gimp.ProcedureConfig, argument: str, labels: Mapping[str, str]
) -> Gtk.ComboBoxText:
    """A choice among values by their labels; a last value that is no longer there becomes the
    first. Follows the dialog's Reset button too."""
    combo = Gtk.ComboBoxText()
    for value, label in labels.items():
        combo.append(value, label)
    combo.connect("changed", lambda box: config.set_property(argument, box.get_active_id()))

    def follow(*_: Any) -> None:
        if not combo.set_active_id(config.get_property(argument)):
            combo.set_active(0)

    config.connect(f"notify::{argument}", follow)
    follow()
    return combo


def _masks(config: Gimp.ProcedureConfig, image: Gimp.Image) -> Gtk.ComboBoxText:
    """The selection, or any layer of the image that is no group."""
    layers = {str(layer.get_id()): layer for layer in _layers(image.get_layers())}
    combo = Gtk.ComboBoxText()
    combo.append("", SELECTION)
    for key, layer in layers.items():
        combo.append(key, f"White of “{layer.get_name()}”")
    combo.connect(
        "changed", lambda box: config.set_property("mask", layers.get(box.get_active_id()))
    )

    def follow(*_: Any) -> None:
        chosen = config.get_property("mask")
        if not combo.set_active_id(str(chosen.get_id()) if chosen is not None else ""):
            combo.set_active_id("")

    config.connect("notify::mask", follow)
    follow()
    return combo


def _layers(items: Iterable[Gimp.Layer]) -> list[Gimp.Layer]:
    found: list[Gimp.Layer] = []
    for item in items:
        found += _layers(item.get_children()) if item.is_group() else [item]
    return found


def _note(text: str) -> Gtk.Label:
    return Gtk.Label(label=text, xalign=0.0, wrap=True, max_width_chars=NOTE_CHARACTERS)


def _others(methods: Iterable[dict[str, Any]]) -> str:
    """Why the methods that are not offered are not."""
    lines = [method["why"] for method in methods if not method["ready"]]
    return "\n".join(["Not ready:", *lines]) if lines else ""
