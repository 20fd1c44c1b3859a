"""DFNet against its authors' code: every scale, the losses and their gradients, a pass in training
mode, and the official test script from files to files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from methods.architectures.dfnet import DFNet
from methods.training.features import VGG16Features
from methods.training.losses import (
    L1_WEIGHT,
    PERCEPTUAL_WEIGHT,
    STYLE_WEIGHT,
    TV_WEIGHT,
    gram,
    multiscale_l1,
    perceptual_loss,
    resized,
    style_loss,
    total_variation,
)
from tests.conformance.checks import Arrays, Checks
from tests.conformance.fill import fill

FORWARD, TRAINING, GRADIENT, TERM = 1e-5, 2e-4, 1e-5, 1e-5
KINDS = ("result", "alpha", "raw")
# Number of scales in the perceptual, style and total-variation terms.
TEXTURE_SCALES = 3


def check(checks: Checks) -> None:
    cases = checks.json("forward_cases.json").get("cases", {})
    for file in checks.files("forward_*.npz"):
        with checks.case(file) as arrays:
            _forward(checks, file, arrays, cases.get(_stem(file), {}))
    for file in checks.files("loss_*.npz"):
        with checks.case(file) as arrays, torch.enable_grad():
            _loss(checks, file, arrays, checks.json(f"{_stem(file)}.json"))
    for file in checks.files("train_*.npz"):
        with checks.case(file) as arrays, torch.enable_grad():
            _training(checks, file, arrays, checks.json(f"{_stem(file)}.json"))
    for file in checks.files("pipeline_*.npz"):
        with checks.case(file) as arrays:
            _pipeline(checks, file, arrays)


def _stem(file: str) -> str:
    return file.removesuffix(".npz")


def filled(network: nn.Module, salt: str) -> nn.Module:
    """`network` with generated weights, in evaluation mode."""
    shapes = {name: tuple(t.shape) for name, t in network.state_dict().items()}
    state = {name: torch.from_numpy(array) for name, array in fill(shapes, salt).items()}
    network.load_state_dict(state, strict=True)
    return network.eval()


def _salt(checks: Checks, case: dict[str, Any], key: str = "salt") -> str:
    return str(case.get(key, checks.json("folder.json").get("salt", "")))


def _network(checks: Checks, case: dict[str, Any]) -> DFNet:
    network = filled(DFNet(), _salt(checks, case))
    assert isinstance(network, DFNet)
    _scale_variances(network, case.get("var_scale", 1.0))
    return network


def _scale_variances(network: nn.Module, scale: float) -> None:
    """Smaller variances with the scales that make up for them: nearly the same function, but one
    in which batch norm's eps counts."""
    if scale == 1:
        return
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                assert module.running_var is not None
                module.running_var *= torch.tensor(np.float32(scale))
                module.weight *= torch.tensor(np.float32(np.sqrt(scale)))


def _inputs(arrays: Arrays) -> tuple[Tensor, Tensor]:
    """Image and mask (1 = known) in [0, 1], by the same float32 division as the data."""
    image = torch.from_numpy(arrays["image_u8"] / np.float32(255))
    mask = torch.from_numpy(arrays["mask_u8"] / np.float32(255))
    return image, mask


def _forward(checks: Checks, file: str, arrays: Arrays, case: dict[str, Any]) -> None:
    checks.inputs(file, "image_u8", "mask_u8")
    network = _network(checks, case)
    image, mask = _inputs(arrays)
    seen = _watch(network)
    outputs = network(image * mask, mask)
    _compare_scales(checks, file, arrays, outputs, FORWARD)
    for name, golden in checks.json(f"activations_{file[8:-4]}.json").get("layers", {}).items():
        if name in seen:
            _compare_layer(checks, name, seen[name], golden)


def _watch(network: nn.Module) -> dict[str, Tensor]:
    """Outputs of all named layers, gathered while the network runs."""
    seen: dict[str, Tensor] = {}

    def keep(name: str) -> Any:
        def hook(module: nn.Module, given: Any, output: Any) -> None:
            if isinstance(output, Tensor):
                seen[name] = output.clone()

        return hook

    for name, module in network.named_modules():
        module.register_forward_hook(keep(name))
    return seen


def _compare_layer(checks: Checks, name: str, ours: Tensor, golden: dict[str, Any]) -> None:
    file = "activations"
    checks.equal(file, f"{name} shape", list(ours.shape), golden["shape"])
    flat = ours.double().flatten()
    found = {
        "mean": flat.mean(),
        "std": flat.std(correction=0),
        "min": flat.min(),
        "max": flat.max(),
    }
    for key, value in found.items():
        checks.value(file, f"{name} {key}", float(value), golden[key], 1e-5, relative=False)
    for q, probe in enumerate(golden["probes"]):
        place = (flat.numel() - 1) * q // 7
        checks.value(file, f"{name} probe {q}", float(flat[place]), probe, 1e-5, relative=False)


def _compare_scales(
    checks: Checks,
    file: str,
    arrays: Arrays,
    outputs: Sequence[Sequence[Tensor]],
    tolerance: float,
) -> None:
    for kind, scales in zip(KINDS, outputs, strict=True):
        for scale, tensor in enumerate(scales):
            name = f"{kind}_{scale}"
            # Thinned arrays hold every t-th pixel, from t // 2 on.
            t = max(1, tensor.shape[-1] // arrays[name].shape[-1])
            ours = tensor.detach()[..., t // 2 :: t, t // 2 :: t].float().numpy()
            checks.within(file, name, ours, tolerance)


def _features(checks: Checks, case: dict[str, Any]) -> VGG16Features:
    vgg = filled(VGG16Features(), _salt(checks, case, "vgg_salt")).requires_grad_(False)
    assert isinstance(vgg, VGG16Features)
    return vgg


def _loss(checks: Checks, file: str, arrays: Arrays, case: dict[str, Any]) -> None:
    count = sum(name.startswith("result_") for name in arrays)
    checks.inputs(file, "target_u8", "mask_u8", *(f"result_{s}" for s in range(count)))
    vgg = _features(checks, case)
    first = vgg(torch.from_numpy(arrays["result_0"]))
    for i, pool in enumerate(first):
        checks.within(file, f"vgg_pool{i + 1}_of_result_0", pool[:, ::8].numpy(), 1e-4)
    matrix = gram(first[2])[:, ::8, ::8]
    checks.within(file, "gram_pool3_of_result_0", matrix.numpy(), 1e-6)
    vgg = vgg.double()
    results = [
        torch.from_numpy(arrays[f"result_{s}"]).double().requires_grad_() for s in range(count)
    ]
    target = torch.from_numpy(arrays["target_u8"] / np.float32(255)).double()
    mask = torch.from_numpy(arrays["mask_u8"] / np.float32(255)).double()
    loss = _weighted_terms(results, target, mask, vgg)
    _total(loss).backward()
    for scale, result in enumerate(results):
        name = f"grad_result_{scale}"
        assert result.grad is not None
        golden = torch.from_numpy(arrays[name]).double()
        off = float((result.grad - golden).norm() / golden.norm().clamp_min(1e-30))
        checks.measured(file, name, off, GRADIENT)
    if case:
        _terms(checks, file, loss, case["float64"])
        _ingredients(checks, file, results, target, mask, vgg, case["float64"]["unweighted"])


def _weighted_terms(
    results: Sequence[Tensor], target: Tensor, mask: Tensor, features: VGG16Features
) -> dict[str, Tensor]:
    """Return the terms of the published loss.

    It takes the total variation of the target, a constant without a gradient."""
    perceptual, style, variation = [], [], []
    for result in results[:TEXTURE_SCALES]:
        small_target = resized(target, result)
        layers, target_layers = features(result), features(small_target)
        perceptual.append(perceptual_loss(layers, target_layers))
        style.append(style_loss(layers, target_layers))
        variation.append(total_variation(small_target, resized(mask, result)))
    return {
        "l1": L1_WEIGHT * multiscale_l1(results, target),
        "perceptual": PERCEPTUAL_WEIGHT * torch.stack(perceptual).mean(),
        "style": STYLE_WEIGHT * torch.stack(style).mean(),
        "tv": TV_WEIGHT * torch.stack(variation).mean(),
    }


def _total(loss: dict[str, Tensor]) -> Tensor:
    return torch.stack(list(loss.values())).sum()


def _terms(checks: Checks, file: str, loss: dict[str, Tensor], golden: dict[str, Any]) -> None:
    found = {
        "reconstruction_loss": loss["l1"],
        "perceptual_loss": loss["perceptual"],
        "style_loss": loss["style"],
        "total_variation_loss": loss["tv"],
    }
    for name, term in found.items():
        checks.value(
            file, name, float(term.detach()), golden["weighted"][name], TERM, relative=True
        )
    checks.value(file, "total", float(_total(loss).detach()), golden["total"], TERM, relative=True)


def _ingredients(
    checks: Checks,
    file: str,
    results: Sequence[Tensor],
    target: Tensor,
    mask: Tensor,
    vgg: VGG16Features,
    golden: dict[str, float],
) -> None:
    for scale, result in enumerate(results):
        aim = resized(target, result)
        found = {f"l1_scale{scale}": (result - aim).abs().mean()}
        if scale < 3:
            small = resized(mask, result)
            found[f"tv_target_scale{scale}"] = total_variation(aim, small)
            found[f"tv_result_scale{scale}_NOT_USED"] = total_variation(result, small)
            for i, (a, b) in enumerate(zip(vgg(result), vgg(aim), strict=True)):
                found[f"percep_scale{scale}_pool{i + 1}"] = (a - b).abs().mean()
                found[f"style_scale{scale}_pool{i + 1}"] = (gram(a) - gram(b)).abs().mean()
        for name, value in found.items():
            checks.value(file, name, float(value.detach()), golden[name], TERM, relative=True)


def _training(checks: Checks, file: str, arrays: Arrays, case: dict[str, Any]) -> None:
    checks.inputs(file, "image_u8", "mask_u8")
    network = _network(checks, case).train()
    image, mask = _inputs(arrays)
    outputs = network(image * mask, mask)
    _compare_scales(checks, file, arrays, outputs, TRAINING)
    for kind in ("running_mean", "running_var"):
        # In the order of the state dict.
        found = [t for name, t in network.state_dict().items() if name.endswith(kind)]
        checks.within(file, f"{kind}_all", torch.cat(found).numpy(), 1e-4, relative=True)
    if not case:
        return
    loss = _weighted_terms(outputs[0], image, mask, _features(checks, case))
    _total(loss).backward()
    _terms(checks, file, loss, case["float64"])
    for name, parameter in network.named_parameters():
        golden = case["float64"]["grad_norm"][name]
        # A bias before batch norm has no gradient but rounding.
        if golden > 1e-6:
            assert parameter.grad is not None
            norm = float(parameter.grad.norm())
            checks.value(file, f"gradient of {name}", norm, golden, 1e-2, relative=True)


def _pipeline(checks: Checks, file: str, arrays: Arrays) -> None:
    """The official test script: files to files, colours BGR, grey masks used as they are."""
    network = _network(checks, {})
    checks.inputs(file, "input_size")
    height, width = (int(n) for n in arrays["input_size"])
    count = sum(name.startswith("mask") for name in arrays)
    for q in range(count):
        checks.inputs(file, f"image{q}_rgb", f"mask{q}")
        image = cv2.resize(arrays[f"image{q}_rgb"], (width, height))
        mask = cv2.resize(arrays[f"mask{q}"], (width, height))
        if f"resized{q}_image_rgb" in arrays:
            # One of OpenCV's roundings may differ between its versions.
            checks.within(file, f"resized{q}_image_rgb", image, 1)
            image = arrays[f"resized{q}_image_rgb"]
        if f"resized{q}_mask" in arrays:
            checks.within(file, f"resized{q}_mask", mask, 1)
            mask = arrays[f"resized{q}_mask"]
        found = _scripted(network, image, mask)
        for kind, ours in zip(KINDS, found, strict=True):
            checks.steps_within(file, f"{kind}{q}_rgb", ours, 1, 1e-3)


def _scripted(network: DFNet, image: Any, mask: Any) -> list[Any]:
    """Composited result, alpha and raw, uint8 RGB, of one image at the working size."""
    bgr = np.ascontiguousarray(image[..., ::-1].transpose(2, 0, 1))[None] / np.float32(255)
    known = torch.from_numpy(mask[None, None] / np.float32(255))
    pixels = torch.from_numpy(bgr)
    results, alphas, raws = (scales[0] for scales in network(pixels * known, known))
    composited = pixels * known + results * (1 - known)
    return [
        (t[0] * 255).byte().numpy().transpose(1, 2, 0)[..., ::-1]
        for t in (composited, alphas, raws)
    ]
