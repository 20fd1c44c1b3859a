"""HiFill against its authors' code: the network layer by layer, single operations, the published
inference script and its post-processing alone, and the authors' evaluation script."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import conv2d

from methods.architectures import hifill_layers
from methods.architectures.hifill import HiFill
from methods.architectures.residual_aggregation import (
    SIZE,
    HiFillInput,
    aggregate,
    blurred_hole,
    finish,
    gaussian_kernel,
    prepare,
    residual,
)
from methods.architectures.tensorflow1 import doubled_bilinear, pad_same
from tests.conformance import hifill_recipe as recipe
from tests.conformance.checks import Arrays, Checks

UNIT, ATTENTION_UNIT, NETWORK, SUM, IMAGE, POST = 1e-5, 2e-5, 1e-4, 1e-3, 2e-2, 5e-3
# Shares of values that may differ: of bytes by one, of the best matches at all.
BYTES, MATCHES = 5e-3, 1e-3


def check(checks: Checks) -> None:
    for pattern, compare in (
        ("units*.npz", _units),
        ("net_*.npz", _network),
        ("pipeline_*.npz", _pipeline),
        ("post_only*.npz", _post_only),
        ("tf1_pipeline*.npz", _evaluation_script),
    ):
        for file in checks.files(pattern):
            with checks.case(file) as arrays:
                checks.inputs(file, "meta")
                compare(checks, file, arrays, json.loads(bytes(arrays["meta"])))


@cache
def _built(salt: str) -> HiFill:
    return HiFill.from_tensorflow(recipe.weights(_shapes(), salt)).eval()


def _shapes() -> dict[str, tuple[int, ...]]:
    """TensorFlow name -> shape (H, W, in, out)."""
    state = HiFill().state_dict()
    shapes = {}
    for ours, name in hifill_layers.tensorflow_names().items():
        shape = tuple(state[ours].shape)
        shapes[name] = (shape[2], shape[3], shape[1], shape[0]) if len(shape) == 4 else shape
    return shapes


def _salt(checks: Checks, meta: dict[str, Any]) -> str:
    return str(meta.get("salt", checks.json("folder.json").get("salt", "hifill/")))


def _given(
    checks: Checks, file: str, meta: dict[str, Any], h: int, w: int
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Image and hole of the recipe, verified by their checksums."""
    image = recipe.image(h, w, meta["image_seed"])
    hole = recipe.hole(h, w, meta["hole_seed"])
    for name, array in (("image", image), ("hole", hole)):
        if f"{name}_sha" in meta:
            checks.equal(file, f"sha256 of {name}", recipe.sha(array), meta[f"{name}_sha"])
    return image, hole


def _nchw(array: NDArray[Any]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array.transpose(0, 3, 1, 2), dtype=np.float32))


def _nhwc(tensor: Tensor) -> NDArray[np.float32]:
    return tensor.permute(0, 2, 3, 1).contiguous().numpy()


def _run(
    network: HiFill, image: NDArray[Any], hole: NDArray[Any]
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Coarse and refined (512, 512, 3) in [-1, 1] of an image in that range; attention."""
    mask = torch.from_numpy(hole.astype(np.float32))[None, None]
    coarse, refined, shares = network(_nchw(image[None]), mask)
    return _nhwc(coarse)[0], _nhwc(refined)[0], shares.numpy()


def _network(checks: Checks, file: str, arrays: Arrays, meta: dict[str, Any]) -> None:
    image, hole = _given(checks, file, meta, SIZE, SIZE)
    salt = _salt(checks, meta)
    if "weights_sha" in meta:
        for name, array in recipe.weights(_shapes(), salt).items():
            checks.equal(file, f"sha256 of {name}", recipe.sha(array), meta["weights_sha"][name])
    network, seen = _built(salt), {}
    names = [str(name).split("/")[1].removesuffix("_feat") for name in meta["layers"]]
    hooks = [
        network.get_submodule(name).register_forward_hook(_keeper(seen, name)) for name in names
    ]
    coarse, refined, shares = _run(network, image.astype(np.float32) / np.float32(127.5) - 1, hole)
    for hook in hooks:
        hook.remove()
    checks.within(file, "refined", refined, NETWORK)
    checks.within(file, "coarse_even", coarse[::2, ::2], NETWORK)
    checks.within(file, "coarse_crop", coarse[224:288, 224:288], NETWORK)
    _attention(checks, file, arrays, shares)
    for number, name in enumerate(names):
        out = _nhwc(seen[name])[0]
        _layer(checks, file, arrays, f"layer{number:02}", out)


def _keeper(seen: dict[str, Tensor], name: str) -> Any:
    def keep(module: object, given: object, output: Tensor) -> None:
        seen[name] = output

    return keep


def _layer(
    checks: Checks, file: str, arrays: Arrays, prefix: str, out: NDArray[np.float32]
) -> None:
    h, w = out.shape[:2]
    limit = NETWORK * max(1.0, float(np.abs(out).max()))
    patch = out[h // 2 - 2 : h // 2 + 2, w // 2 - 2 : w // 2 + 2, :8]
    edge = np.stack([out[0, 0], out[0, -1], out[-1, 0], out[-1, -1]])
    wide = out.astype(np.float64)
    stat = np.array([wide.mean(), wide.std(), np.abs(wide).max()])
    checks.within(file, f"{prefix}_patch", patch, limit)
    checks.within(file, f"{prefix}_edge", edge, limit)
    checks.within(file, f"{prefix}_stat", stat.astype(arrays[f"{prefix}_stat"].dtype), limit)


def _attention(
    checks: Checks,
    file: str,
    arrays: Arrays,
    shares: NDArray[np.float32],
    prefix: str = "attention",
    sub: tuple[int, int] = (1, 4),
    limit: float = NETWORK,
) -> None:
    grid = shares.reshape(32, 32, 1024)
    start, step = sub
    found = {
        "sub": (grid[start::step, start::step], limit),
        "rowsum": (grid.sum(axis=2), limit),
        "rowmax": (grid.max(axis=2), limit),
        "colsum": (shares.sum(axis=0).reshape(32, 32), SUM),
    }
    for name, (ours, allowed) in found.items():
        if f"{prefix}_{name}" in arrays:
            checks.within(file, f"{prefix}_{name}", ours, allowed)
    if f"{prefix}_argmax" in arrays:
        golden = arrays[f"{prefix}_argmax"]
        differing = float(np.mean(grid.argmax(axis=2) != golden))
        checks.measured(file, f"{prefix}_argmax", differing, MATCHES)


def _pipeline(checks: Checks, file: str, arrays: Arrays, meta: dict[str, Any]) -> None:
    """The published inference script, through the adapter's own functions."""
    h, w, multiple = meta["height"], meta["width"], meta["multiple"]
    image, hole = _given(checks, file, meta, h, w)
    raw = image.astype(np.float32)
    frame = prepare(raw, ~hole, multiple)
    _, refined, shares = _run(
        _built(_salt(checks, meta)), frame.small_image / 127.5 - 1, frame.small_hole
    )
    inpainted = (refined + 1) * np.float32(127.5)
    checks.within(file, "small_img_sub", frame.small_image[::8, ::8], IMAGE)
    checks.within(file, "small_img_crop", frame.small_image[200:232, 200:232], IMAGE)
    checks.exact(file, "small_mask", np.packbits(frame.small_hole > 0))
    checks.within(file, "inpainted_sub", inpainted[::4, ::4], IMAGE)
    checks.within(file, "mask_processed_sub", blurred_hole(frame.small_hole)[::4, ::4], NETWORK)
    _attention(checks, file, arrays, shares)
    final = finish(raw, frame, inpainted, shares)
    _final(checks, file, meta, final, final.astype(np.uint8))


def _final(
    checks: Checks,
    file: str,
    meta: dict[str, Any],
    final: NDArray[np.float32],
    bytes_: NDArray[np.uint8],
) -> None:
    top, left, side = meta["crop"]
    crop = slice(top, top + side), slice(left, left + side)
    checks.steps_within(file, "final_u8_sub", bytes_[::3, ::3], 1, BYTES)
    checks.steps_within(file, "final_u8_crop", bytes_[crop], 1, BYTES)
    checks.within(file, "final_f32_sub", final[1::8, 1::8], IMAGE)
    checks.within(file, "final_f32_crop", final[crop], IMAGE)


def _post_only(checks: Checks, file: str, arrays: Arrays, meta: dict[str, Any]) -> None:
    """The script's pre- and post-processing with a made-up network result."""
    h, w = meta["height"], meta["width"]
    image, hole = _given(checks, file, meta, h, w)
    raw = image.astype(np.float32)
    frame = prepare(raw, ~hole, meta["multiple"])
    shares = recipe.attention(meta["attention_seed"]).reshape(1024, 1024)
    inpainted = recipe.image(SIZE, SIZE, meta["res_image_seed"]).astype(np.float32)
    inpainted = inpainted + recipe.floats((SIZE, SIZE, 3), meta["res_floats_seed"], 0.5)
    small = frame.small_hole
    shifts = [np.roll(small, by, (0, 1)) for by in ((0, 0), (1, 0), (0, 1), (1, 1))]
    weight = np.mean(shifts, axis=0).astype(np.float32)
    for name, array in (
        ("attention", shares.reshape(32, 32, 1024)),
        ("res", inpainted),
        ("mask", weight[..., None]),
    ):
        if f"{name}_sha" in meta:
            checks.equal(file, f"sha256 of {name}", recipe.sha(array), meta[f"{name}_sha"])
    checks.within(file, "small_img_sub", frame.small_image[::8, ::8], POST)
    checks.within(file, "large_img_sub", frame.large[5::16, 3::16], POST)
    detail = aggregate(residual(frame), shares)
    checks.within(file, "residual_agg_sub", detail[::6, ::6], POST)
    checks.within(file, "residual_agg_crop", detail[480:544, 480:544], POST)
    final = finish(raw, frame, inpainted, shares, blend=weight)
    checks.steps_within(file, "final_u8", final.astype(np.uint8)[::2, ::2], 1, BYTES)
    checks.within(file, "final_f32_sub", final[::4, ::4], POST)
    checks.within(file, "final_f32_crop", final[200:328, 200:328], POST)


def _legacy_nearest(array: NDArray[Any], h: int, w: int) -> NDArray[Any]:
    """TensorFlow 1's nearest neighbour of (H, W, ...)."""
    for axis, size in ((0, h), (1, w)):
        source = array.shape[axis]
        places = np.arange(size, dtype=np.float32) * (np.float32(source) / np.float32(size))
        array = array.take(np.minimum(np.floor(places).astype(int), source - 1), axis=axis)
    return array


def _legacy_bilinear(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize (N, C, h, w) bilinearly like TensorFlow 1: pixel i is sampled at i * source / target,
    without half-pixel centres."""
    for axis, target in ((-2, size[0]), (-1, size[1])):
        source = x.shape[axis]
        positions = np.arange(target, dtype=np.float32) * (np.float32(source) / np.float32(target))
        below = np.minimum(np.floor(positions).astype(np.int64), source - 1)
        above = np.minimum(below + 1, source - 1)
        share = torch.from_numpy(positions - below.astype(np.float32))
        share = share[:, None] if axis == -2 else share
        low, high = (x.index_select(axis, torch.from_numpy(index)) for index in (below, above))
        x = low + (high - low) * share
    return x


def _enlarged(image: NDArray[np.float32], h: int, w: int) -> NDArray[np.float32]:
    return _nhwc(_legacy_bilinear(_nchw(image[None]), (h, w)))[0]


def _evaluation_script(checks: Checks, file: str, arrays: Arrays, meta: dict[str, Any]) -> None:
    """The script with which the authors evaluated: other resizes, the residual in [-1, 1]."""
    h, w, times = meta["height"], meta["width"], meta["times"]
    image, hole = _given(checks, file, meta, h, w)
    side = SIZE * times
    large = _legacy_nearest(image, side, side).astype(np.float32) / np.float32(127.5) - 1
    small = large.reshape(SIZE, times, SIZE, times, 3).mean(axis=(1, 3), dtype=np.float32)
    small_hole = _legacy_nearest(hole, SIZE, SIZE).astype(np.float32)
    _, refined, shares = _run(_built(_salt(checks, meta)), small, small_hole)
    checks.within(file, "small_img_sub", small[::8, ::8], NETWORK)
    checks.within(file, "refined_sub", refined[::4, ::4], NETWORK)
    _attention(checks, file, arrays, shares)
    known = _legacy_nearest(1 - small_hole, side, side)[..., None]
    frame = HiFillInput(large, known, small, small_hole, times)
    detail = (large - _enlarged(small, side, side)) * frame.large_known
    result = np.clip(_enlarged(refined, side, side) + aggregate(detail, shares), -1, 1)
    result = (result + 1) * np.float32(127.5)
    checks.within(file, "large_sub", result[::8, ::8], IMAGE)
    top, left = meta["crop"][0] + 96, meta["crop"][1] + 96
    cy, cx = top * side // h, left * side // w
    checks.within(file, "large_crop", result[cy - 48 : cy + 48, cx - 48 : cx + 48], IMAGE)
    weight = _enlarged(blurred_hole(small_hole)[..., None], h, w)
    final = _enlarged(result, h, w) * weight + image.astype(np.float32) * (1 - weight)
    _final(checks, file, meta, final, np.clip(final, 0, 255).astype(np.uint8))


def _units(checks: Checks, file: str, arrays: Arrays, meta: dict[str, Any]) -> None:
    seeds = meta["seeds"]

    def given(name: str, shape: tuple[int, ...], scale: float = 1.0) -> NDArray[np.float32]:
        return recipe.floats(shape, seeds[name], scale)

    x8 = _nchw(given("x8", (1, 8, 10, 3)))
    x16 = _nchw(given("x16", (1, 16, 16, 4)))
    for name, size in (("up2", (16, 20)), ("down2", (4, 5)), ("up_odd", (13, 23))):
        checks.within(file, name, _nhwc(_legacy_bilinear(x8, size)), UNIT)
    twice = _legacy_bilinear(x8, (16, 20))
    checks.equal(
        file, "doubled", bool(torch.allclose(doubled_bilinear(x8), twice, atol=UNIT)), True
    )
    for name, kernel, stride, rate in (
        ("conv5s2", "w5", 2, 1),
        ("conv3s2", "w3", 2, 1),
        ("conv1s2", "w1", 2, 1),
        ("conv3d4", "w3", 1, 4),
    ):
        k = int(kernel[1])
        weight = torch.from_numpy(given(kernel, (k, k, 4, 6))).permute(3, 2, 0, 1)
        wide = pad_same(x16, k, stride, rate)
        made = conv2d(wide, weight, stride=stride, dilation=rate)
        checks.within(file, name, _nhwc(made), UNIT)
    shares = torch.from_numpy(recipe.attention(seeds["attention"])).view(1024, 1024)
    f128, f256 = _nchw(given("f128", (1, 128, 128, 4))), _nchw(given("f256", (1, 256, 256, 2)))
    f64 = _nchw(given("f64", (1, 64, 64, 3)))
    made = _nhwc(hifill_layers.transfer(f128, shares, kernel=8))[0]
    checks.within(file, "att128_sub", made[::2, 1::2], UNIT)
    made = _nhwc(hifill_layers.transfer(f256, shares, kernel=16))[0]
    checks.within(file, "att256_sub", made[1::4, ::4], UNIT)
    checks.within(file, "att2", _nhwc(hifill_layers.transfer(f64, shares, kernel=2)), UNIT)
    hole = torch.from_numpy(recipe.hole(SIZE, SIZE, seeds["hole"]).astype(np.float32))[None, None]
    checks.exact(file, "pool", hifill_layers.near_hole(hole).byte().numpy())
    checks.within(file, "gauss", gaussian_kernel(), UNIT)
    feat = _nchw(given("feat", (1, 64, 64, 8), 0.1))
    shares = hifill_layers.attention(feat, hole)
    _attention(checks, file, arrays, shares.numpy(), "ca_attention", (0, 4), ATTENTION_UNIT)
    checks.within(
        file, "ca_out_crop", _nhwc(hifill_layers.transfer(feat, shares, kernel=3))[0], UNIT
    )
