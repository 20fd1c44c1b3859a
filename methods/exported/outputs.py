"""From the outputs of an exported network to an image, and whether its values look right."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from methods.base import Image, Mask, MethodError
from methods.exported.errors import try_it
from methods.exported.format import Outputs, as_array

Range = tuple[float, float]
Rounding = Literal["nearest", "truncate"]

# Values of black and white that exported networks have.
RANGES: tuple[Range, ...] = ((0.0, 1.0), (-1.0, 1.0), (0.0, 255.0))
# Mean difference of known pixels, of 255, above which other options are tried out, and up to
# which they explain it.
SUSPICIOUS = 24.0
EXPLAINED = 8.0
# Part of the range by which one pixel in a hundred of the hole may be outside of it.
OVERSHOOT = 0.5
# About how many pixels a side are compared.
SAMPLES = 64


def choose(
    path: Path, outputs: Outputs, wanted: int | str | None, height: int, width: int
) -> NDArray[Any]:
    """Return one output as (H, W, 3), in the values and the colours of the network.

    Parameters
    ----------
    path
        File of the network, for messages.
    outputs
        All that the network returned.
    wanted
        Name or number of the output; None for the first that has the shape of the image.
    height, width
        Sides of the image.

    Raises
    ------
    MethodError
        If there is no such output, or it has another shape.
    """
    names = list(outputs)
    candidates = names
    if wanted is not None:
        name = names[wanted] if isinstance(wanted, int) and wanted < len(names) else str(wanted)
        if name not in names:
            raise MethodError(
                f"{path} has no output {wanted!r}, `output` may be: {', '.join(names)}"
            )
        candidates = [name]
    for name in candidates:
        if is_image(outputs[name], height, width):
            return _channels_last(as_array(outputs[name]), height, width)
    shapes = ", ".join(f"{name} {tuple(outputs[name].shape)}" for name in candidates)
    raise MethodError(
        f"{path} returned {shapes or 'nothing'} for an input of {width}x{height}, (1, 3, H, W) or "
        f"(1, H, W, 3) was expected; is `multiple` or `size` right? {try_it(path)}"
    )


def is_image(output: Any, height: int, width: int) -> bool:
    """Return whether an output has the shape of an image of this size."""
    shape = tuple(output.shape)
    return shape[-3:] in {(3, height, width), (height, width, 3)} and shape[:-3] in {(), (1,)}


def range_of(output: NDArray[Any]) -> Range:
    """Return the values of black and white that are usual for the type of an output."""
    return (0.0, 255.0) if output.dtype.kind in "iu" else (0.0, 1.0)


def to_image(output: NDArray[Any], values: Range, rounding: Rounding = "nearest") -> Image:
    """Return the output of a network with these values of black and white as uint8 (H, W, 3)."""
    black, white = values
    scaled = (output.astype(np.float32) - black) / (white - black) * 255
    levels = np.rint(scaled) if rounding == "nearest" else scaled
    return np.ascontiguousarray(np.clip(levels, 0, 255).astype(np.uint8))


def difference(first: Image, second: Image, where: Mask) -> float:
    """Return the mean absolute difference of two images (0-255) where a mask is True."""
    if not where.any():
        return 0.0
    return float(np.abs(first[where].astype(np.float32) - second[where]).mean())


def check(
    path: Path, output: NDArray[Any], values: Range, image: Image, mask: Mask, given: Image
) -> str:
    """Raise MethodError if an output can only be right with other options.

    Networks return known pixels about as they were, or leave them out. Only what another value
    of an option explains is an error; of the rest the returned remark tells.

    Parameters
    ----------
    path
        File of the network, for messages.
    output
        (H, W, 3), in the values of the network, RGB.
    values
        Values of black and white in the output.
    image, mask
        What was to be filled.
    given
        The image that the network was given, with its values under the hole.
    """
    if not np.isfinite(output).all():
        raise MethodError(
            f"{path} returned values that are not finite: `image_range` or `dtype` looks wrong "
            f"(float16 ends at 65504); {try_it(path)}"
        )
    step = max(1, min(mask.shape) // SAMPLES)
    some = (slice(None, None, step), slice(None, None, step))
    reason = _wrong_values(output[some], values, image[some], mask[some], given[some])
    if reason:
        raise MethodError(f"{path}: {reason}; {try_it(path)}")
    changed = difference(image[some], to_image(output[some], values), ~mask[some])
    if changed <= SUSPICIOUS:
        return ""
    return (
        f"{path}: known pixels come back changed by {changed:.0f} of 255 on average; unless the "
        f"network leaves them out, an option is wrong; {try_it(path)}\n"
    )


def _wrong_values(
    output: NDArray[Any], values: Range, image: Image, mask: Mask, given: Image
) -> str | None:
    result = to_image(output, values)
    changed = difference(image, result, ~mask)
    if changed > SUSPICIOUS:
        others = {
            other: difference(image, to_image(output, other), ~mask)
            for other in RANGES
            if other != tuple(values)
        }
        best = min(others, key=others.__getitem__)
        # A flat image is like some grey in any range.
        if others[best] < EXPLAINED < image[~mask].std() / 2:
            return (
                f"`output_range` looks wrong: known pixels come back changed by {changed:.0f} of "
                f"255 with {_range(values)}, by {others[best]:.1f} with {_range(best)}"
            )
        if mask.any() and difference(given, result, mask) < 1:
            return (
                f"`mask_values` looks reversed: the hole came back as it was given, known pixels "
                f"changed by {changed:.0f} of 255"
            )
    return _outside(output, values, mask)


def _outside(output: NDArray[Any], values: Range, mask: Mask) -> str | None:
    """Return a complaint if the values in the hole are far outside the range."""
    if not mask.any():
        return None
    black, white = sorted(values)
    low, high = (float(value) for value in np.percentile(output[mask], (1, 99)))
    if max(black - low, high - white) <= OVERSHOOT * (white - black):
        return None
    fitting = next(
        (item for item in RANGES if item[0] <= low + 0.1 and high <= item[1] + 0.1), None
    )
    advice = f", {_range(fitting)} would fit" if fitting else ""
    return (
        f"`output_range` looks wrong: the hole has values from {low:.3g} to {high:.3g}, far "
        f"outside {_range(values)}{advice}"
    )


def _range(values: Range) -> str:
    return f"[{values[0]:g}, {values[1]:g}]"


def _channels_last(array: NDArray[Any], height: int, width: int) -> NDArray[Any]:
    planes = array.reshape(array.shape[-3:])
    return planes if planes.shape == (height, width, 3) else planes.transpose(1, 2, 0)
