#!/usr/bin/env python3
"""GIMP 3 plug-in: fill the selection with a method of the inpainting suite."""

from __future__ import annotations

import os
import sys
import traceback
from typing import Any

import gi

gi.require_version("Gimp", "3.0")
gi.require_version("Gegl", "0.4")
from gi.repository import Gegl, Gimp, GLib, GObject

import environment
import filling
from environment import PlugInError
from worker_client import Worker

PROCEDURE = "plug-in-inpaint-selection"
# The best that runs without any download; where it is not ready the dialog begins with another.
METHOD = "two-stage:patchmatch"
LABEL = "_Inpaint selection..."
HELP = (
    "Fills the selection, or the white of a mask layer, with a method of the inpainting suite. "
    "A pixel is filled where at least half of it (128 of 255) is selected; all others stay as "
    "they are, bit for bit."
)


class InpaintSelection(Gimp.PlugIn):
    """The plug-in with its one procedure."""

    def do_set_i18n(self, _name: str) -> bool:
        return False

    def do_query_procedures(self) -> list[str]:
        return [PROCEDURE]

    def do_create_procedure(self, name: str) -> Gimp.Procedure:
        procedure = Gimp.ImageProcedure.new(self, name, Gimp.PDBProcType.PLUGIN, run, None)
        procedure.set_image_types("*")
        procedure.set_sensitivity_mask(Gimp.ProcedureSensitivityMask.DRAWABLE)
        procedure.set_menu_label(LABEL)
        procedure.add_menu_path("<Image>/Filters/Enhance")
        procedure.set_documentation("Fill the selection by image inpainting", HELP, name)
        procedure.set_attribution("The inpainting suite", "MIT licence", "2026")
        _add_arguments(procedure)
        return procedure


def _add_arguments(procedure: Gimp.Procedure) -> None:
    flags = GObject.ParamFlags.READWRITE
    procedure.add_string_argument(
        "method", "_Method", "A method of the suite, by name", METHOD, flags
    )
    procedure.add_string_argument(
        "device", "_Device", "Where networks run: auto, cpu or cuda", "auto", flags
    )
    outputs = Gimp.Choice.new()
    outputs.add(filling.NEW_LAYER, 0, "As new layer", "A layer with the filled pixels alone")
    outputs.add(filling.IN_PLACE, 1, "In place", "The filled pixels of the layer are replaced")
    procedure.add_choice_argument(
        "output", "_Result", "Where the result goes", outputs, filling.NEW_LAYER, flags
    )
    procedure.add_layer_argument(
        "mask", "_Hole", "A layer whose white is filled; none: the selection", True, flags
    )
    procedure.add_boolean_argument(
        "whole-layer",
        "Show the method the _whole layer",
        "Otherwise the surroundings of the hole: three times its width and height",
        False,
        flags,
    )


def run(
    procedure: Gimp.Procedure,
    run_mode: Gimp.RunMode,
    image: Gimp.Image,
    drawables: list[Gimp.Drawable],
    config: Gimp.ProcedureConfig,
    _data: Any,
) -> Gimp.ValueArray:
    """Run the procedure; after a failure the user sees one line, and the image is unchanged."""
    Gegl.init(None)
    interactive = run_mode == Gimp.RunMode.INTERACTIVE
    try:
        done = _run(procedure, interactive, image, drawables, config)
    except PlugInError as error:
        return _ended(procedure, Gimp.PDBStatusType.EXECUTION_ERROR, str(error))
    except Exception as error:  # unexpected: GIMP shows one line, the terminal the traceback
        traceback.print_exc()
        message = f"Inpainting failed: {' '.join(str(error).split()) or type(error).__name__}"
        return _ended(procedure, Gimp.PDBStatusType.EXECUTION_ERROR, message)
    status = Gimp.PDBStatusType.SUCCESS if done else Gimp.PDBStatusType.CANCEL
    return _ended(procedure, status, "")


def _run(
    procedure: Gimp.Procedure,
    interactive: bool,
    image: Gimp.Image,
    drawables: list[Gimp.Drawable],
    config: Gimp.ProcedureConfig,
) -> bool:
    filling.layer_of(drawables, filling.NEW_LAYER)
    suite = environment.read()
    worker = Worker(suite, environment.private_folder(), gimp=os.getppid())
    Gimp.progress_init("Inpaint selection")
    if interactive:
        # Scripts without a display have no GTK and need none.
        import dialog

        if not dialog.ask(procedure, config, image, worker.methods(_report)):
            return False
        Gimp.progress_init("Inpaint selection")
    filling.fill(_job(image, drawables, config), worker, _report)
    Gimp.progress_end()
    Gimp.displays_flush()
    return True


def _job(
    image: Gimp.Image, drawables: list[Gimp.Drawable], config: Gimp.ProcedureConfig
) -> filling.Job:
    output = config.get_property("output")
    return filling.Job(
        image=image,
        layer=filling.layer_of(drawables, output),
        method=config.get_property("method"),
        device=config.get_property("device"),
        output=output,
        mask=config.get_property("mask"),
        whole_layer=config.get_property("whole-layer"),
    )


def _report(fraction: float | None, text: str) -> None:
    Gimp.progress_set_text(text)
    if fraction is None:
        Gimp.progress_pulse()
    else:
        Gimp.progress_update(fraction)


def _ended(procedure: Gimp.Procedure, status: Gimp.PDBStatusType, message: str) -> Gimp.ValueArray:
    error = GLib.Error.new_literal(Gimp.PlugIn.error_quark(), message, 0) if message else None
    return procedure.new_return_values(status, error or GLib.Error())


Gimp.main(InpaintSelection.__gtype__, sys.argv)
