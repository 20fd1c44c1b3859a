"""One fill: what is the hole, what the worker is shown, where the result goes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

import gi

gi.require_version("Gimp", "3.0")
from gi.repository import Gimp

import pixels
import region
from environment import PlugInError
from region import Box
from worker_client import Tell, Worker

NEW_LAYER = "new-layer"
IN_PLACE = "in-place"


@dataclass(frozen=True)
class Job:
    """What was asked for; mask is the layer whose white is the hole, None for the selection."""

    image: Gimp.Image
    layer: Gimp.Layer
    method: str
    device: str
    output: str
    mask: Gimp.Drawable | None
    whole_layer: bool


@dataclass(frozen=True)
class Hole:
    """The hole's bounding box, what is shown of the layer, and the mask over the latter."""

    box: Box
    context: Box
    context_mask: bytes


def layer_of(drawables: list[Gimp.Drawable], output: str) -> Gimp.Layer:
    """The one layer to work on; PlugInError where there is another number or another thing."""
    if len(drawables) != 1:
        raise PlugInError("Choose one layer: the inpainting works on exactly one.")
    layer = drawables[0]
    if not isinstance(layer, Gimp.Layer):
        raise PlugInError(
            "A mask or channel is chosen: click on the layer itself in the Layers dialog."
        )
    name = layer.get_name()
    if layer.is_group():
        raise PlugInError(f"“{name}” is a group: choose a layer in it, or merge the group.")
    if layer.is_floating_sel():
        raise PlugInError("There is a floating selection: anchor it first (Layer > Anchor Layer).")
    if output == IN_PLACE and (locked := _locked(layer)):
        raise PlugInError(
            f"The pixels of “{locked}” are locked: unlock them, or let the result be a new layer."
        )
    return layer


def fill(job: Job, worker: Worker, tell: Tell) -> None:
    """Fills the hole. Nothing of the image is touched before the whole result is there.

    Raises: PlugInError (nothing to fill, nothing known, or whatever the worker says).
    """
    hole = find_hole(job)
    shown = pixels.read(job.layer, hole.context, pixels.RGB)
    result = worker.fill(job.method, job.device, hole.context.size, shown, hole.context_mask, tell)
    put = _put_in_place if job.output == IN_PLACE else _put_above
    job.image.undo_group_start()
    try:
        put(job, hole, result)
    finally:
        job.image.undo_group_end()


def find_hole(job: Job) -> Hole:
    """The hole within the layer. Raises: PlugInError."""
    layer = pixels.layer_box(job.layer)
    mask, box = _mask(job, layer)
    hole = region.hole_box(mask, box)
    if hole is None:
        raise PlugInError(_nothing(job))
    context = layer if job.whole_layer else region.context_box(hole, layer)
    context_mask = region.cut(mask, box, context, bytes_per_pixel=1)
    if region.KNOWN not in context_mask:
        raise PlugInError("All of the layer is selected: there is nothing to fill it from.")
    found = Hole(hole, context, context_mask)
    _check_visible(job.layer, found)
    return found


def _mask(job: Job, layer: Box) -> tuple[bytes, Box]:
    if job.mask is not None:
        found = pixels.drawable_mask(job.mask, layer)
        what = f"The mask layer “{job.mask.get_name()}”"
    else:
        if Gimp.Selection.is_empty(job.image):
            raise PlugInError("Nothing is selected: select what is to be filled.")
        found = pixels.selection_mask(job.image, layer)
        what = "The selection"
    if found is None:
        raise PlugInError(f"{what} does not touch the layer “{job.layer.get_name()}”.")
    return found


def _nothing(job: Job) -> str:
    if job.mask is not None:
        return f"The mask layer “{job.mask.get_name()}” has no white (128 of 255 and more) there."
    return "No pixel of the layer is selected by half (128 of 255) or more: select more firmly."


def _check_visible(layer: Gimp.Layer, hole: Hole) -> None:
    alpha = pixels.alpha_bytes(layer)
    if not alpha:
        return
    box = hole.box
    filled = region.alone(pixels.read(layer, box, pixels.OWN), _over(hole, box), box.width)
    size = layer.get_bpp()
    if not any(any(filled[size - byte - 1 :: size]) for byte in range(alpha)):
        raise PlugInError(
            "What is selected is transparent and would stay so: remove the layer's alpha channel "
            "(Layer > Transparency), or undo what erased it."
        )


def _put_above(job: Job, hole: Hole, result: bytes) -> None:
    layer, box = job.layer, hole.box
    new = _scratch(job, box, layer.type_with_alpha())
    mask, filled = _over(hole, box), _converted(new, hole, result, box)
    if pixels.alpha_bytes(layer):
        kept = pixels.read(layer, box, pixels.OWN)
        filled = region.spliced(kept, filled, mask, box.width, pixels.alpha_bytes(layer))
    pixels.write(new, box, pixels.OWN, region.alone(filled, mask, box.width))
    job.image.insert_layer(new, layer.get_parent(), job.image.get_item_position(layer))


def _put_in_place(job: Job, hole: Hole, result: bytes) -> None:
    layer = job.layer
    with _selected(job, hole) as box:
        scratch = _scratch(job, box, layer.type())
        filled = _converted(scratch, hole, result, box)
        scratch.delete()
        kept, alpha = pixels.read(layer, box, pixels.OWN), pixels.alpha_bytes(layer)
        new = region.spliced(kept, filled, _over(hole, box), box.width, alpha)
        # Pixels that a plug-in writes itself are not undone; those that GIMP fills are. Its own
        # compositing would not keep the bits: it goes through 32-bit float.
        if not layer.edit_fill(Gimp.FillType.FOREGROUND):
            raise PlugInError(f"GIMP refused to change “{layer.get_name()}”.")
        try:
            pixels.write(layer, box, pixels.OWN, new)
        except Exception:
            pixels.write(layer, box, pixels.OWN, kept)
            raise


@contextlib.contextmanager
def _selected(job: Job, hole: Hole) -> Iterator[Box]:
    """The box that GIMP's own filling touches: all that is selected, however weakly."""
    image, layer = job.image, job.layer
    if job.mask is None:
        yield _touched(layer)
        return
    chosen = image.get_selected_layers()
    saved = None if Gimp.Selection.is_empty(image) else Gimp.Selection.save(image)
    image.select_rectangle(Gimp.ChannelOps.REPLACE, hole.box.x, hole.box.y, *hole.box.size)
    try:
        yield _touched(layer)
    finally:
        if saved is None:
            Gimp.Selection.none(image)
        else:
            image.select_item(Gimp.ChannelOps.REPLACE, saved)
            image.remove_channel(saved)
            image.set_selected_layers(chosen)


def _touched(layer: Gimp.Layer) -> Box:
    _, x, y, width, height = layer.mask_intersect()
    own = pixels.layer_box(layer)
    return Box(own.x + x, own.y + y, width, height)


def _scratch(job: Job, box: Box, image_type: Gimp.ImageType) -> Gimp.Layer:
    name = f"{job.layer.get_name()} inpainted ({job.method})"
    layer = Gimp.Layer.new(job.image, name, *box.size, image_type, 100.0, Gimp.LayerMode.NORMAL)
    layer.set_offsets(box.x, box.y)
    return layer


def _converted(scratch: Gimp.Layer, hole: Hole, result: bytes, box: Box) -> bytes:
    """The result over a box in the format of a new layer of that box."""
    pixels.write(scratch, box, pixels.RGB, region.cut(result, hole.context, box, 3))
    return pixels.read(scratch, box, pixels.OWN)


def _over(hole: Hole, box: Box) -> bytes:
    return region.cut(hole.context_mask, hole.context, box, 1)


def _locked(item: Gimp.Item | None) -> str:
    while item is not None:
        if item.get_lock_content():
            return item.get_name()
        item = item.get_parent()
    return ""
