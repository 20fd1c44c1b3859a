"""DeepFill v2 against its authors' code: the network with its layers, the attention alone, single
operations, the resize tables, and the two variants of the PyTorch port."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import conv_transpose2d, interpolate, pad, unfold

from methods.architectures import contextual_attention as attention
from methods.architectures.deepfillv2 import DeepFillV2, Variant
from methods.architectures.deepfillv2_layers import LAYERS, GatedConv, UpGatedConv
from methods.architectures.spans import Span
from methods.architectures.tensorflow1 import Layer, aligned_indices, nearest_aligned
from tests.conformance import deepfillv2_recipe as recipe
from tests.conformance.checks import Arrays, Checks

RESULT, LAYER, ATTENDED, MODULE, OPERATION = 2e-4, 2e-5, 1e-5, 1e-6, 1e-5
# Logits are up to some 20 in size; an independent implementation is within 4e-6.
LOGITS = 2e-5


def check(checks: Checks) -> None:
    for file in checks.files("net_*.npz"):
        with checks.case(file) as arrays:
            _network(checks, file, arrays)
    for file in checks.files("variants_*.npz"):
        with checks.case(file):
            _variants(checks, file)
    for file in checks.files("attention*.npz"):
        with checks.case(file) as arrays:
            _attention(checks, file, arrays)
    for file in checks.files("ops*.npz"):
        with checks.case(file) as arrays:
            _operations(checks, file, arrays)
    for file in checks.files("nearest_index*.npz"):
        with checks.case(file) as arrays:
            _tables(checks, file, arrays)


def _salt(checks: Checks, arrays: Arrays) -> str:
    return str(arrays.get("salt", checks.json("folder.json").get("salt", recipe.SALT)))


def _built(salt: str, variant: Variant = "official") -> DeepFillV2:
    return DeepFillV2.from_tensorflow(recipe.weights(salt), variant).eval()


def _inputs(arrays: Arrays) -> tuple[Tensor, Tensor]:
    """Incomplete image and mask as the official script makes them."""
    image = arrays["image_bgr"].astype(np.float32) / np.float32(127.5) - 1
    mask = (arrays["mask"] > 127.5).astype(np.float32)
    pixels = torch.from_numpy(image.transpose(2, 0, 1)[None].copy())
    hole = torch.from_numpy(mask[None, None])
    return pixels * (1 - hole), hole


def _nhwc(tensor: Tensor) -> NDArray[np.float32]:
    return tensor.permute(0, 2, 3, 1).contiguous().numpy()


def _nchw(array: NDArray[Any]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array.transpose(0, 3, 1, 2)))


def _network(checks: Checks, file: str, arrays: Arrays) -> None:
    checks.inputs(file, "image_bgr", "mask", "salt", "layer_names")
    network = _built(_salt(checks, arrays))
    seen: dict[str, Tensor] = {}
    for layer in LAYERS:
        network.get_submodule(layer.name).register_forward_hook(_keeper(seen, layer.name))
    image, mask = _inputs(arrays)
    stage1, stage2 = network(image, mask)
    composite = stage2 * mask + image * (1 - mask)
    checks.within(file, "stage1", _nhwc(stage1), RESULT)
    checks.within(file, "stage2", _nhwc(stage2), RESULT)
    checks.within(file, "composite", _nhwc(composite), RESULT)
    bytes_ = ((composite + 1) * 127.5).clamp(0, 255).byte()
    checks.within(file, "out_bgr_uint8", _nhwc(bytes_)[0], 1)
    height, width = mask.shape[-2:]
    checks.exact(file, "mask_down4", _nhwc(nearest_aligned(mask, (height // 4, width // 4))))
    seen["contextual_attention"] = network.attend(
        seen["pmconv6"], mask, (Span(0, height // 4), Span(0, width // 4))
    )
    _layers(checks, file, arrays, seen)
    for name in ("xconv10_atrous", "pmconv6", "pmconv10"):
        if name in arrays:
            checks.within(file, name, _nhwc(seen[name]), LAYER)
    if "attention_out" in arrays:
        checks.within(file, "attention_out", _nhwc(seen["contextual_attention"]), ATTENDED)
    if "attention_weights" in arrays:
        shares = _softmax(seen["pmconv6"], seen["pmconv6"], _reduced_hole(mask))[1]
        checks.within(file, "attention_weights", shares, LAYER)


def _keeper(seen: dict[str, Tensor], name: str) -> Any:
    def keep(module: object, given: object, output: Tensor) -> None:
        seen[name] = output

    return keep


def _layers(checks: Checks, file: str, arrays: Arrays, seen: dict[str, Tensor]) -> None:
    """Mean, deviation and 64 values of every layer, in the order of `layer_names`."""
    means, deviations, samples = [], [], []
    for name in arrays["layer_names"]:
        flat = _nhwc(_of(seen, str(name))).ravel()
        means.append(flat.mean(dtype=np.float64))
        deviations.append(flat.std(dtype=np.float64))
        samples.append(flat[np.arange(64) * (flat.size - 1) // 63])
    checks.within(file, "layer_mean", np.array(means), RESULT)
    checks.within(file, "layer_std", np.array(deviations), RESULT)
    checks.within(file, "layer_samples", np.array(samples), RESULT)


def _of(seen: dict[str, Tensor], name: str) -> Tensor:
    """The output that the data calls `name`: a layer's, else the attention's."""
    return seen[name] if name in seen else seen["contextual_attention"]


def _variants(checks: Checks, file: str) -> None:
    """The port's networks, on the input of the official network's file of the same size."""
    beside = checks.arrays(file.replace("variants", "net"))
    salt = _salt(checks, beside)
    image, mask = _inputs(beside)
    network = _built(salt, "finetuned")
    seen: dict[str, Tensor] = {}
    network.get_submodule("pmconv6").register_forward_hook(_keeper(seen, "pmconv6"))
    stage1, stage2 = network(image, mask)
    height, width = mask.shape[-2:]
    attended = network.attend(seen["pmconv6"], mask, (Span(0, height // 4), Span(0, width // 4)))
    checks.within(file, "retrained_stage1", _nhwc(stage1), RESULT)
    checks.within(file, "retrained_stage2", _nhwc(stage2), RESULT)
    checks.within(file, "retrained_attention_out", _nhwc(attended), ATTENDED)
    stage1, stage2 = _built(salt, "converted")(image, mask)
    checks.within(file, "tfport_asis_stage1", _nhwc(stage1), RESULT)
    checks.within(file, "tfport_asis_stage2", _nhwc(stage2), RESULT)


def _reduced_hole(mask: Tensor) -> Tensor:
    height, width = mask.shape[-2:]
    quarter = nearest_aligned(mask[:1], (height // 4, width // 4))
    return nearest_aligned(quarter, (height // 8, width // 8))[0, 0]


def _halved(features: Tensor) -> Tensor:
    height, width = features.shape[-2:]
    return nearest_aligned(features, (height // 2, width // 2))


def _softmax(
    f: Tensor, b: Tensor, hole: Tensor | None
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Logits and softmax before the second masking, both (N, h / 2, w / 2, L)."""
    reduced_f, reduced_b = _halved(f), _halved(b)
    height, width = reduced_f.shape[-2:]
    everywhere = Span(0, height), Span(0, width)
    valid = attention.valid_patches(hole, (height, width), f)
    found = []
    for n in range(len(f)):
        strips = attention.matching_strips(reduced_f[n : n + 1], reduced_b[n : n + 1])
        found.append(attention.attention_logits(strips, valid, everywhere))
    logits = torch.stack(found).view(len(f), height, width, height * width)
    return logits.numpy(), logits.softmax(dim=-1).numpy()


def _attention(checks: Checks, file: str, arrays: Arrays) -> None:
    for case in sorted({name.partition("_")[0] for name in arrays}):
        names = [f"{case}_{part}" for part in ("f", "b", "mask")]
        checks.inputs(file, *names)
        f = _nchw(arrays[names[0]])
        b = _nchw(arrays[names[1]]) if names[1] in arrays else f
        mask = _nchw(arrays[names[2]])
        hole = _halved(mask[:1])[0, 0]

        def attended(hole: Tensor | None, f: Tensor = f, b: Tensor = b, **options: Any) -> Any:
            reduced = _halved(f), _halved(b)
            made = attention.contextual_attention(f, b, reduced, hole, **options)
            # In small blocks too: one query at a time.
            again = attention.contextual_attention(f, b, reduced, hole, block=1, **options)
            worse = torch.where((made - again).abs() > MODULE, torch.nan, made)
            return _nhwc(worse)

        logits, softmax = _softmax(f, b, hole)
        found = {
            "y": lambda a=attended, h=hole: a(h),
            "nofuse_y": lambda a=attended, h=hole: a(h, fuse=False),
            "nomask_y": lambda a=attended: a(None),
            "allmask_y": lambda a=attended, h=hole: a(torch.ones_like(h)),
        }
        for part, ours in found.items():
            if f"{case}_{part}" in arrays:
                checks.within(file, f"{case}_{part}", ours(), MODULE)
        if f"{case}_logits" in arrays:
            checks.within(file, f"{case}_logits", logits, LOGITS)
        if f"{case}_softmax" in arrays:
            checks.within(file, f"{case}_softmax", softmax, MODULE)


def _operations(checks: Checks, file: str, arrays: Arrays) -> None:
    given = [name for name in arrays if not name.endswith("_y")]
    checks.inputs(file, *given)
    for name in arrays:
        if name.endswith("_y"):
            ours = _operation(name.removesuffix("_y"), arrays)
            checks.within(file, name, ours, 0 if ours.dtype == np.uint8 else OPERATION)


def _operation(name: str, arrays: Arrays) -> NDArray[Any]:
    if name.startswith("gated_up"):
        return _nhwc(_layer(name, arrays, rate=1, stride=1, up=True)(_x(name, arrays)))
    if name.startswith(("gated", "plain")):
        rate = int(name.rpartition("_d")[2]) if "_d" in name else 1
        stride = 2 if "_s2" in name else 1
        return _nhwc(_layer(name, arrays, rate, stride)(_x(name, arrays)))
    if name.startswith("conv_"):
        rate, stride = (16, 1) if "d16" in name else (1, 2)
        layer = _layer(name, arrays, rate, stride)
        assert isinstance(layer, GatedConv)
        return _nhwc(layer.conv(layer.padded(_x(name, arrays))))
    if name.startswith("convT"):
        kernel = torch.from_numpy(arrays["convT_k"]).permute(3, 2, 0, 1)
        return _nhwc(conv_transpose2d(_x(name, arrays), kernel, stride=2, padding=1))
    if name.startswith("patch"):
        return _patches(name, _nchw(arrays["patch_x"]))
    if name == "resize_half":
        return _nhwc(_halved(_nchw(arrays["resize_x"])))
    if name == "resize_double":
        doubled = interpolate(_nchw(arrays["resize_x"]), scale_factor=2.0, mode="nearest")
        return _nhwc(doubled)
    if name == "cast":
        values = torch.from_numpy(arrays["cast_x"])
        return ((values + 1) * 127.5).clamp(0, 255).byte().numpy()
    raise ValueError(f"no operation is known as {name}")


def _x(name: str, arrays: Arrays) -> Tensor:
    return _nchw(arrays[f"{name}_x"])


def _layer(name: str, arrays: Arrays, rate: int, stride: int, up: bool = False) -> nn.Module:
    """A layer with the kernel and bias of the data."""
    kernel = torch.from_numpy(arrays[f"{name}_k"]).permute(3, 2, 0, 1)
    out, into, side, _ = kernel.shape
    called = "pmconv6" if "relu" in name else name
    layer = Layer(called, side, stride, rate, into, out)
    module = UpGatedConv(layer, False) if up else GatedConv(layer, False)
    conv = module.conv.conv if isinstance(module, UpGatedConv) else module.conv
    assert isinstance(conv, nn.Conv2d) and conv.bias is not None
    conv.weight.copy_(kernel)
    conv.bias.copy_(torch.from_numpy(arrays.get(f"{name}_b", np.zeros(out, np.float32))))
    return module


def _patches(name: str, x: Tensor) -> NDArray[np.float32]:
    """Patches with the last axis ordered row, column, channel."""
    if "k4s2" in name:
        columns, size = unfold(pad(x, (1, 1, 1, 1)), 4, stride=2), 4
        shape = x.shape[-2] // 2, x.shape[-1] // 2
    else:
        columns, size = unfold(x, 3, padding=1), 3
        shape = x.shape[-2], x.shape[-1]
    parts = columns.view(x.shape[0], x.shape[1], size, size, *shape)
    return parts.permute(0, 4, 5, 2, 3, 1).reshape(x.shape[0], *shape, -1).numpy()


def _tables(checks: Checks, file: str, arrays: Arrays) -> None:
    checks.inputs(file, "n", "start4", "start2")
    sizes = [int(n) for n in arrays["n"]]
    for name, divisors, starts in (("idx4", (1, 4), "start4"), ("idx2", (4, 8), "start2")):
        ours = np.zeros_like(arrays[name])
        for n, start in zip(sizes, arrays[starts], strict=True):
            found = aligned_indices(n // divisors[0], n // divisors[1])
            ours[start : start + len(found)] = found
        checks.exact(file, name, ours)
