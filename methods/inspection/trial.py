"""Find the options of an exported network by trying them on one small image."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np

from methods.base import Image, MethodError, blank
from methods.exchange import BYTES, Exchange
from methods.exported.format import Network, Outputs, Port, as_array
from methods.exported.inputs import CHANNELS
from methods.exported.outputs import RANGES, choose, difference, is_image, to_image
from methods.inspection import candidates
from methods.inspection.candidates import Options, Pair
from methods.shown_text import message_text

# Mean difference of known pixels, of 255, up to which they came back. Of two trials that differ
# by less than SAME, or in the hole by less than this ratio, neither is better.
CAME_BACK = 12.0
SAME = 2.0
SAME_FILL = 1.15


@dataclass(frozen=True)
class Trial:
    """A network that ran with some options.

    Parameters
    ----------
    options
        Of `Exchange`, without the file.
    sides
        Height and width of the image.
    output
        Name of the output.
    known, hole
        Mean difference from the image (0-255) of known pixels and of the hole.
    is_filled
        Whether the hole did not come back as it was given.
    """

    options: Options
    sides: tuple[int, int]
    output: str = ""
    known: float = 255.0
    hole: float = 255.0
    is_filled: bool = False

    @property
    def came_back(self) -> bool:
        return self.known <= CAME_BACK


@dataclass(frozen=True)
class Findings:
    """What trying a network has shown.

    Parameters
    ----------
    best
        The options whose known pixels came back closest to the image.
    as_good
        Others that cannot be told from them.
    outputs
        Name, type and shape of all outputs with the best options.
    ranges
        Least and greatest value of each output.
    first_image
        Name of the first output that has the shape of the image.
    reads_hole
        Whether the result depends on the values under the hole.
    """

    best: Trial
    as_good: list[Trial]
    outputs: list[Port]
    ranges: list[Pair]
    first_image: str
    reads_hole: bool


def explore(network: Network) -> Findings | list[str]:
    """Run a network on a small image with all options that its file leaves open.

    Returns
    -------
    Findings or list of str
        What was found, or the reasons why the network never returned an image.
    """
    with warnings.catch_warnings(), _uncompiled(network):
        warnings.simplefilter("ignore")
        return _explored(network)


def _explored(network: Network) -> Findings | list[str]:
    reasons: list[str] = []
    running = list(_running(network, reasons))
    trials = [trial for start in running for trial in _trials(network, start)]
    if not any(trial.known <= SAME and trial.is_filled for trial in trials):
        rare = candidates.RARE_MASKS
        trials += [trial for start in running for trial in _trials(network, start, rare)]
    if not trials:
        return list(dict.fromkeys(reasons)) or ["all values that it returned are not finite"]
    best, *as_good = _best(trials)
    reads_hole, best = _under_the_hole(network, best)
    outputs = _outputs(network, best)
    ports = [
        Port(name, str(output.dtype).removeprefix("torch."), tuple(output.shape))
        for name, output in outputs.items()
    ]
    ranges = [_extremes(output) for output in outputs.values()]
    first = next(name for name, output in outputs.items() if is_image(output, *best.sides))
    return Findings(best, as_good, ports, ranges, first, reads_hole)


def _uncompiled(network: Network) -> AbstractContextManager[Any]:
    """Return a context in which TorchScript is not compiled anew for each shape and type."""
    if network.form != "TorchScript":
        return nullcontext()
    import torch

    return torch.jit.optimized_execution(False)


def _running(network: Network, reasons: list[str]) -> Iterator[Trial]:
    """Yield the types and shapes with which a network runs; collect why it does not."""
    sizes = candidates.sizes(network)
    channels = None
    for kinds, layout in product(candidates.arrangements(network), candidates.layouts(network)):
        own = sum(CHANNELS[part] for kind in kinds for part in kind.split("+"))
        if channels not in (None, own):
            continue
        trial = _any_type(network, {"inputs": kinds, **layout}, sizes, reasons)
        if trial:
            channels = own
            sizes = [item for item in sizes if item[1] == trial.sides]
            yield trial


def _any_type(
    network: Network, options: Options, sizes: list[candidates.Size], reasons: list[str]
) -> Trial | None:
    for types in candidates.types(network):
        before = len(reasons)
        trial = _any_size(network, {**options, **types}, sizes, reasons)
        if trial or not any("dtype`" in reason for reason in reasons[before:]):
            return trial
    return None


def _any_size(
    network: Network, options: Options, sizes: list[candidates.Size], reasons: list[str]
) -> Trial | None:
    for size, sides in sizes:
        trial = Trial({**options, **size}, sides)
        reason = _why_not(network, trial)
        if reason is None:
            return trial
        reasons.append(reason)
        if any(f"{name}` looks wrong" in reason for name in ("inputs", "dtype", "input_names")):
            # Another size does not help.
            return None
    return None


def _why_not(network: Network, trial: Trial) -> str | None:
    """Return why a network returns no image, or None if it does."""
    try:
        outputs = _outputs(network, trial)
    except (MethodError, MemoryError, RuntimeError) as error:
        reason = message_text(str(error)).removeprefix(f"{network.path}").lstrip(" :")
        return reason.removeprefix("failed: ").split("; try: ")[0]
    if any(is_image(output, *trial.sides) for output in outputs.values()):
        return None
    shapes = ", ".join(str(tuple(output.shape)) for output in outputs.values())
    return f"returned {shapes or 'nothing'} for an image of {trial.sides[1]}x{trial.sides[0]}"


def _trials(network: Network, start: Trial, masks: tuple[Pair, ...] = ()) -> Iterator[Trial]:
    """Yield the outcomes with all values of image, mask and result."""
    feeds = _method(network, start.options).feeds
    integers = any(feed.is_integer for feed in feeds if "image" in feed.kind)
    kind = next((feed.dtype.kind for feed in feeds if "mask" in feed.kind), "")
    ranges = (BYTES,) if integers else RANGES
    for mask_values, image_range in product(masks or candidates.mask_values(kind), ranges):
        options = {**start.options, "image_range": image_range, "mask_values": mask_values}
        trial = replace(start, options=options)
        try:
            yield from _scored(network, trial, _outputs(network, trial))
        except (MethodError, MemoryError, RuntimeError):
            continue


def _scored(network: Network, trial: Trial, outputs: Outputs) -> Iterator[Trial]:
    """Yield the trial with each output and each range of it."""
    image, mask = candidates.picture(*trial.sides)
    given = blank(image, mask)
    for name in [name for name, value in outputs.items() if is_image(value, *trial.sides)]:
        output = choose(network.path, outputs, name, *trial.sides)
        if not np.isfinite(output).all():
            continue
        # Most networks return the range that they take.
        for values in sorted(RANGES, key=lambda item: item != trial.options["image_range"]):
            result = to_image(output, values)
            yield replace(
                trial,
                options={**trial.options, "output_range": values},
                output=name,
                known=difference(image, result, ~mask),
                hole=difference(image, result, mask),
                is_filled=difference(given, result, mask) > 1,
            )


def _best(trials: list[Trial]) -> list[Trial]:
    """Return the best trials: by known pixels, if these came back, then by the fill."""
    good = [trial for trial in trials if trial.is_filled]
    closest = min((trial.known for trial in good), default=255.0)
    if closest > CAME_BACK and any(trial.came_back for trial in trials):
        good, closest = trials, min(trial.known for trial in trials)
    if closest <= CAME_BACK:
        good = [trial for trial in good if trial.known <= closest + SAME]
    fill = min(trial.hole for trial in good)
    good = [trial for trial in good if trial.hole <= fill * SAME_FILL + SAME]
    return sorted(good, key=_is_odd)


def _is_odd(trial: Trial) -> bool:
    """Return whether the values of image and mask are seldom those of one network."""
    usual = {255.0: BYTES, -0.5: (-1.0, 1.0), -1.0: (-1.0, 1.0)}
    expected = [usual[value] for value in trial.options["mask_values"] if value in usual]
    return bool(expected) and expected[0] != trial.options["image_range"]


def _under_the_hole(network: Network, best: Trial) -> tuple[bool, Trial]:
    """Return whether values under the hole matter, and the trial with those that fill it best."""
    image, mask = candidates.picture(*best.sides)
    black, white = best.options["image_range"]
    fills: list[tuple[Image, Trial]] = []
    for hole_value in (None, (black + white) / 2, white):
        trial = replace(best, options={**best.options, "hole_value": hole_value})
        output = choose(network.path, _outputs(network, trial), best.output, *best.sides)
        result = to_image(output, best.options["output_range"])
        fills.append((result, replace(trial, hole=difference(image, result, mask))))
    reads_hole = any(difference(fills[0][0], result, mask) > 1 for result, _ in fills)
    closest = min((trial for _, trial in fills), key=lambda trial: trial.hole)
    is_better = closest.hole * SAME_FILL + SAME < best.hole
    return reads_hole, closest if reads_hole and is_better else best


def _method(network: Network, options: Options) -> Exchange:
    method = Exchange(file=str(network.path), **options)
    method.use(network)
    return method


def _outputs(network: Network, trial: Trial) -> Outputs:
    image, mask = candidates.picture(*trial.sides)
    return _method(network, trial.options).outputs(blank(image, mask), mask)


def _extremes(output: Any) -> Pair:
    array = as_array(output)
    return (float(array.min()), float(array.max())) if array.size else (0.0, 0.0)
