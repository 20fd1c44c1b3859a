"""The two-stage method against its authors' code: the whole pipeline step by step through the
adapter's own functions, and the refinement network alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from methods.architectures.dfnet import DFNet
from methods.architectures.refinement import RefinementNet
from methods.architectures.spans import Span, hole_spans
from methods.architectures.two_stage_input import (
    Frame,
    RefinementInput,
    frame_as_published,
    paste_upscaled,
)
from methods.base import Image, Mask, composite
from methods.network import to_image, to_tensor
from tests.conformance import two_stage_recipe as recipe
from tests.conformance.checks import Arrays, Checks
from tests.conformance.dfnet import filled

FLOATS, SHARE = 1e-5, 1e-3
WORKING_SIZE = 512


def check(checks: Checks) -> None:
    cases = checks.json("cases.json").get("cases", {})
    for file in checks.files("refinement_*.npz"):
        with checks.case(file) as arrays:
            _refinement(checks, file, arrays)
    for file in checks.files("pipeline_*.npz"):
        with checks.case(file) as arrays:
            _pipeline(checks, file, arrays, cases.get(file.removesuffix(".npz"), {}))


def _salt(checks: Checks, arrays: Arrays) -> str:
    found = arrays.get("salt", checks.json("folder.json").get("salt", "two_stage:"))
    return str(found)


def _refiner(checks: Checks, arrays: Arrays) -> RefinementNet:
    network = filled(RefinementNet(), _salt(checks, arrays))
    assert isinstance(network, RefinementNet)
    return network


def _refinement(checks: Checks, file: str, arrays: Arrays) -> None:
    checks.inputs(file, "tensor20", "stride", "salt", "seed")
    case = checks.json(file.replace(".npz", ".json"))
    given = arrays["tensor20"] if "tensor20" in arrays else recipe.tensor20(*_made(arrays, case))
    network = _refiner(checks, arrays)
    x = torch.from_numpy(given)[None].float() / 255
    seen: dict[str, Tensor] = {}
    layers = case.get("layers", {})
    for name in layers:
        network.get_submodule(name).register_forward_hook(_keeper(seen, name))
    t = int(arrays["stride"])
    refilled = network.predict(x)
    output = network(x)
    deepest = seen["en8"] if "en8" in seen else _deepest(network, x)
    checks.within(file, "en8", deepest[0].numpy(), FLOATS)
    checks.within(file, "sigmoid", refilled[0, :, ::t, ::t].numpy(), FLOATS)
    checks.within(file, "output", output[0, :, ::t, ::t].numpy(), FLOATS)
    for name, golden in layers.items():
        checks.equal(file, f"{name} shape", list(seen[name].shape), golden["shape"])
        flat = seen[name].double()
        found = {
            "mean": flat.mean(), "std": flat.std(correction=0), "min": flat.min(), "max": flat.max()
        }  # fmt: skip
        for key, value in found.items():
            checks.value(file, f"{name} {key}", float(value), golden[key], FLOATS, relative=False)


def _made(arrays: Arrays, case: dict[str, Any]) -> tuple[int, int, int]:
    """Height, width and seed of inputs that are not stored but made by the recipe."""
    return int(case["height"]), int(case["width"]), int(arrays["seed"])


def _keeper(seen: dict[str, Tensor], name: str) -> Any:
    def keep(module: object, given: object, output: Tensor) -> None:
        seen[name] = output

    return keep


def _deepest(network: RefinementNet, x: Tensor) -> Tensor:
    for block in network.encoders:
        x = block(x)
    return x


def _pipeline(checks: Checks, file: str, arrays: Arrays, case: dict[str, Any]) -> None:
    checks.inputs(file, "image", "mask", "salt", "seed", "stride")
    image = arrays["image"] if "image" in arrays else recipe.image(*_made(arrays, case))
    holes = arrays["mask"] if "mask" in arrays else recipe.mask(*_made(arrays, case))
    mask, t = holes == 255, int(arrays["stride"])
    sums = case.get("sha256", {})

    def sum_of(name: str, array: NDArray[Any]) -> None:
        if name in sums:
            checks.equal(file, f"sha256 of {name}", recipe.checksum(array), sums[name])

    frame = frame_as_published(image, mask, WORKING_SIZE)
    known = (~frame.small_mask).astype(np.uint8)
    shown = frame.small_image[..., ::-1] * known[..., None]
    holes = _bytes(frame.mask)
    checks.exact(file, "padded_mask", holes)
    checks.exact(file, "letterboxed_bgr", shown)
    checks.exact(file, "letterboxed_known", known)
    sum_of("image", image)
    sum_of("padded_image_rgb", frame.image)
    sum_of("padded_mask", holes)
    sum_of("letterboxed_bgr", shown)
    sum_of("letterboxed_known", known)

    coarse = _stage_one(checks, file, arrays, frame, t)
    # The rest starts from the golden coarse result, which a single byte of ours may not match.
    golden = arrays["coarse"]
    checks.steps_within(file, "coarse", coarse, 1, SHARE)
    sum_of("upscaled", _upscaled(golden, frame))
    whole = paste_upscaled(frame, golden)
    checks.steps_within(file, "matched_hole", whole[frame.mask], 1, SHARE)
    sum_of("matched", whole)
    stack = RefinementInput(whole, frame.mask | frame.invalid, frame.shift)
    rows, columns = Span(0, holes.shape[0]), Span(0, holes.shape[1])
    channels = stack.bytes_at(rows, columns)
    checks.steps_within(file, "tensor20", channels[:, ::t, ::t], 1, SHARE)
    sum_of("tensor20", channels)
    _stage_two(checks, file, arrays, frame, stack, whole, mask)


def _stage_one(checks: Checks, file: str, arrays: Arrays, frame: Frame, t: int) -> Image:
    network = filled(DFNet(), _salt(checks, arrays))
    device = torch.device("cpu")
    known = 1 - to_tensor(frame.small_mask, device)
    pixels = to_tensor(frame.small_image[..., ::-1], device) / 255 * known
    result = network(pixels, known)[0][0]
    checks.within(file, "stage1_float_bgr", result[0, :, ::t, ::t].numpy(), FLOATS)
    raw = to_image(result, "truncate")[..., ::-1]
    return composite(frame.small_image, np.ascontiguousarray(raw), frame.small_mask)[frame.inner]


def _upscaled(coarse: NDArray[np.uint8], frame: Frame) -> Image:
    return paste_upscaled(frame._replace(mask=np.ones_like(frame.mask)), coarse)


def _stage_two(
    checks: Checks,
    file: str,
    arrays: Arrays,
    frame: Frame,
    stack: RefinementInput,
    whole: Image,
    mask: Mask,
) -> None:
    """As the adapter does it: only the box around the hole, and there only what it needs."""
    network, device = _refiner(checks, arrays), torch.device("cpu")
    t = int(arrays["stride"])
    size = (frame.mask.shape[0], frame.mask.shape[1])
    rows, columns = hole_spans(frame.mask)
    found = network.predict_in(lambda r, c: stack.at(r, c, device), size, rows, columns)
    refined = to_tensor(whole, device) / 255
    box = refined[..., slice(*rows), slice(*columns)]
    hole = to_tensor(frame.mask, device)[..., slice(*rows), slice(*columns)]
    box.copy_(hole * found + (1 - hole) * box)
    checks.within(file, "refined_float", refined[0, :, ::t, ::t].numpy(), FLOATS)
    height, width = mask.shape
    ours, known = to_image(refined, "truncate")[:height, :width], ~mask
    checks.equal(file, "known pixels", _same(ours[known], arrays["result"][known]), True)
    checks.steps_within(file, "result", ours, 1, SHARE)


def _same(ours: NDArray[Any], golden: NDArray[Any]) -> bool:
    return bool(np.array_equal(ours, golden))


def _bytes(mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    return mask.astype(np.uint8) * np.uint8(255)
