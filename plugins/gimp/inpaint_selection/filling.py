"""Fill a hole: find it, send its surroundings to the worker, write the result to the image."""

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
from worker_client import Report, Worker

NEW_LAYER = "new-layer"
IN_PLACE = "in-place"


@dataclass(frozen=True)
class Job:
    """The user's choices; white pixels of the layer `mask` are the hole, None for the selection."""

    image: Gimp.Image
    layer: Gimp.Layer
    method: str
    device: str
    output: str
    mask: Gimp.Drawable | None
    whole_layer: bool


@dataclass(frozen=True)
class Hole:
    """The hole's bounding box, the context that the method sees, and the mask of the context."""

    box: Box
    context: Box
    context_mask: bytes


def layer_of(drawables: list[Gimp.Drawable], output: str) -> Gimp.Layer:
    """Return the layer to fill. Raises PlugInError unless exactly one layer is chosen."""
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


def fill(job: Job, worker: Worker, report: Report) -> None:
    """Fill the hole; the image is not changed before the complete result is available.

    Raises PlugInError if nothing is to be filled or known, or if the worker fails."""
    hole = _find_hole(job)
    size, rgb = hole.context.size, pixels.read(job.layer, hole.context, pixels.RGB)
    result = worker.fill(job.method, job.device, size, rgb, hole.context_mask, report)
    put = _put_in_place if job.output == IN_PLACE else _put_above
    job.image.undo_group_start()
    try:
        put(job, hole, result)
    finally:
        job.image.undo_group_end()


def _find_hole(job: Job) -> Hole:
    layer = pixels.layer_box(job.layer)
    mask, box = _mask(job, layer)
    hole_box = region.hole_box(mask, box)
    if hole_box is None:
        raise PlugInError(_nothing(job))
    context = layer if job.whole_layer else region.context_box(hole_box, layer)
    context_mask = region.cut(mask, box, context, bytes_per_pixel=1)
    if region.KNOWN not in context_mask:
        raise PlugInError("All of the layer is selected: there is nothing to fill it from.")
    hole = Hole(hole_box, context, context_mask)
    _check_visible(job.layer, hole)
    return hole


def _mask(job: Job, layer: Box) -> tuple[bytes, Box]:
    if job.mask is not None:
        mask = pixels.drawable_mask(job.mask, layer)
        source = f"The mask layer “{job.mask.get_name()}”"
    else:
        if Gimp.Selection.is_empty(job.image):
            raise PlugInError("Nothing is selected: select what is to be filled.")
        mask = pixels.selection_mask(job.image, layer)
        source = "The selection"
    if mask is None:
        raise PlugInError(f"{source} does not touch the layer “{job.layer.get_name()}”.")
    return mask


def _nothing(job: Job) -> str:
    if job.mask is not None:
        return f"The mask layer “{job.mask.get_name()}” has no white (128 of 255 and more) there."
    return "No pixel of the layer is selected by half (128 of 255) or more: select more firmly."


def _check_visible(layer: Gimp.Layer, hole: Hole) -> None:
    alpha = pixels.alpha_bytes(layer)
    if not alpha:
        return
    box = hole.box
    inside = region.hole_pixels(pixels.read(layer, box, pixels.OWN), _mask_of(hole, box), box.width)
    size = layer.get_bpp()
    if not any(any(inside[size - byte - 1 :: size]) for byte in range(alpha)):
        raise PlugInError(
            "What is selected is transparent and would stay so: remove the layer's alpha channel "
            "(Layer > Transparency), or undo what erased it."
        )


def _put_above(job: Job, hole: Hole, result: bytes) -> None:
    layer, box = job.layer, hole.box
    new = _scratch(job, box, layer.type_with_alpha())
    mask, filled = _mask_of(hole, box), _converted(new, hole, result, box)
    if pixels.alpha_bytes(layer):
        original = pixels.read(layer, box, pixels.OWN)
        filled = region.spliced(original, filled, mask, box.width, pixels.alpha_bytes(layer))
    pixels.write(new, box, pixels.OWN, region.hole_pixels(filled, mask, box.width))
    job.image.insert_layer(new, layer.get_parent(), job.image.get_item_position(layer))


def _put_in_place(job: Job, hole: Hole, result: bytes) -> None:
    layer = job.layer
    with _selected(job, hole) as box:
        scratch = _scratch(job, box, layer.type())
        filled = _converted(scratch, hole, result, box)
        scratch.delete()
        original, alpha = pixels.read(layer, box, pixels.OWN), pixels.alpha_bytes(layer)
        new = region.spliced(original, filled, _mask_of(hole, box), box.width, alpha)
        # GIMP undoes what it fills itself, but not what a plug-in writes; hence both. Its own
        # compositing alone would not keep every bit: it computes in 32-bit float.
        if not layer.edit_fill(Gimp.FillType.FOREGROUND):
            raise PlugInError(f"GIMP refused to change “{layer.get_name()}”.")
        try:
            pixels.write(layer, box, pixels.OWN, new)
        except Exception:
            pixels.write(layer, box, pixels.OWN, original)
            raise


@contextlib.contextmanager
def _selected(job: Job, hole: Hole) -> Iterator[Box]:
    """Select the hole; yield the box that GIMP's own filling changes: all selected pixels."""
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
    """Return the result in a box, in the pixel format of a new layer of that box."""
    pixels.write(scratch, box, pixels.RGB, region.cut(result, hole.context, box, 3))
    return pixels.read(scratch, box, pixels.OWN)


def _mask_of(hole: Hole, box: Box) -> bytes:
    return region.cut(hole.context_mask, hole.context, box, 1)


def _locked(item: Gimp.Item | None) -> str:
    while item is not None:
        if item.get_lock_content():
            return item.get_name()
        item = item.get_parent()
    return ""
