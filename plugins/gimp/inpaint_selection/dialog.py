"""The dialog: method, device, hole, result."""

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
    listing: dict[str, Any],
) -> bool:
    """Show the dialog with the worker's list of methods; return whether the user confirms it."""
    GimpUi.init("inpaint_selection")
    ready = [method for method in listing["methods"] if method["ready"]]
    not_ready = _reasons(listing["methods"])
    if not ready:
        raise PlugInError(f"No method is ready. {not_ready}")
    dialog = GimpUi.ProcedureDialog.new(procedure, config, "Inpaint selection")
    grid = Gtk.Grid(row_spacing=SPACING, column_spacing=2 * SPACING, border_width=2 * SPACING)
    labels = {method["name"]: method["label"] for method in ready}
    _add_row(grid, 0, "_Method", _choice(config, "method", labels))
    grid.attach(_note(not_ready), 1, 1, 1, 1)
    devices = {name: name for name in listing["devices"]}
    _add_row(grid, 2, "_Device", _choice(config, "device", devices))
    _add_row(grid, 3, "_Hole", _masks(config, image))
    grid.attach(_note(LEVEL), 1, 4, 1, 1)
    _add_row(grid, 5, "_Result", _choice(config, "output", OUTPUTS))
    dialog.get_content_area().pack_start(grid, False, False, 0)
    grid.show_all()
    dialog.fill(["whole-layer"])
    confirmed = bool(dialog.run())
    dialog.destroy()
    return confirmed


def _add_row(grid: Gtk.Grid, row: int, text: str, widget: Gtk.Widget) -> None:
    label = Gtk.Label(label=text, use_underline=True, xalign=0.0, mnemonic_widget=widget)
    grid.attach(label, 0, row, 1, 1)
    widget.set_hexpand(True)
    grid.attach(widget, 1, row, 1, 1)


def _choice(
    config: Gimp.ProcedureConfig, argument: str, labels: Mapping[str, str]
) -> Gtk.ComboBoxText:
    """Return a list of labelled values that follows the dialog's Reset button, too.

    If the last value used no longer exists, the first one is selected."""
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
    """Return a list of the selection and all layers of the image that are not groups."""
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
    layers: list[Gimp.Layer] = []
    for item in items:
        layers += _layers(item.get_children()) if item.is_group() else [item]
    return layers


def _note(text: str) -> Gtk.Label:
    return Gtk.Label(label=text, xalign=0.0, wrap=True, max_width_chars=NOTE_CHARACTERS)


def _reasons(methods: Iterable[dict[str, Any]]) -> str:
    """Return why the methods that are not offered cannot run."""
    lines = [method["why"] for method in methods if not method["ready"]]
    return "\n".join(["Not ready:", *lines]) if lines else ""
