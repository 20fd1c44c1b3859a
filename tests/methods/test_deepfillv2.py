"""DeepFill v2: the attention in blocks, any size, and every layout of its weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import conv_transpose2d, unfold

import methods
from methods.architectures import deepfillv2_layers
from methods.architectures.contextual_attention import contextual_attention
from methods.architectures.deepfillv2 import DeepFillV2, Variant
from methods.architectures.deepfillv2_layers import finetuned_names, tensorflow_names
from methods.architectures.spans import Span
from methods.architectures.tensorflow1 import nearest_aligned
from methods.deepfillv2 import FUSE_WEIGHT
from methods.weights import WeightsError
from tests.conformance.deepfillv2_recipe import weights
from tests.methods.conftest import box, scene


def plain_attention(features: Tensor, hole: Tensor) -> Tensor:
    """The whole score matrix at once, patch by patch and index by index, as the paper's code."""
    height, width = features.shape[-2] // 2, features.shape[-1] // 2
    reduced = nearest_aligned(features, (height, width))
    patches = unfold(reduced, 3, padding=1)[0].T
    scores = patches @ (patches / patches.norm(dim=1, keepdim=True).clamp_min(1e-4)).T

    def diagonal(s: Tensor) -> Tensor:
        total = s.clone()
        total[1:, 1:] += s[:-1, :-1]
        total[:-1, :-1] += s[1:, 1:]
        return total

    scores = diagonal(scores).view(height, width, height, width).permute(1, 0, 3, 2)
    scores = diagonal(scores.reshape(height * width, -1)).view(width, height, width, height)
    scores = scores.permute(1, 0, 3, 2).reshape(height * width, -1)
    valid = (unfold((hole != 0).float()[None, None], 3, padding=1)[0].sum(dim=0) == 0).float()
    shares = (scores * valid * 10).softmax(dim=1) * valid
    whole = unfold(features, 4, stride=2, padding=1)[0].T.view(-1, features.shape[1], 4, 4)
    grid = shares.T.reshape(1, height * width, height, width)
    return conv_transpose2d(grid, whole, stride=2, padding=1) / 4


@pytest.mark.parametrize("block", [1, 5000, 10**9])
@pytest.mark.parametrize("size", [(24, 40), (34, 22)])
def test_attention_in_blocks_is_the_whole_one(size: tuple[int, int], block: int) -> None:
    generator = torch.Generator().manual_seed(1)
    features = (torch.rand(1, 6, *size, generator=generator) - 0.5) * 0.4
    hole = torch.zeros(size[0] // 2, size[1] // 2)
    hole[3:7, 4:8] = 1
    reduced = nearest_aligned(features, (size[0] // 2, size[1] // 2))
    whole = plain_attention(features, hole)
    made = contextual_attention(features, features, (reduced, reduced), hole, block=block)
    assert (made - whole).abs().max() < 2e-6
    rows, columns = Span(5, 14), Span(0, 9)
    part = contextual_attention(
        features, features, (reduced, reduced), hole, box=(rows, columns), block=block
    )
    area = (..., slice(*rows), slice(*columns))
    assert (part[area] - whole[area]).abs().max() < 2e-6


@pytest.fixture(scope="module")
def variables() -> dict[str, np.ndarray]:
    return dict(weights())


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["official", "finetuned"])
@pytest.mark.parametrize("tile", [256, 48])
@pytest.mark.parametrize("hole", [((64, 120), (80, 140)), ((0, 30), (170, 192)), ((0, 8), (0, 8))])
def test_what_is_not_wanted_is_left_out_exactly(
    hole: tuple[tuple[int, int], tuple[int, int]],
    tile: int,
    variant: Variant,
    variables: dict[str, np.ndarray],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In one tile or in many, with the zeros around stride-2 layers at the end or on both sides."""
    monkeypatch.setattr(deepfillv2_layers, "TILE", tile)
    network = DeepFillV2.from_tensorflow(variables, variant).eval()
    generator = torch.Generator().manual_seed(2)
    mask = torch.zeros(1, 1, 160, 192)
    area = (..., slice(*hole[0]), slice(*hole[1]))
    mask[area] = 1
    image = (torch.rand(1, 3, 160, 192, generator=generator) * 2 - 1) * (1 - mask)
    with torch.inference_mode():
        whole = network(image, mask)
        part = network(image, mask, (Span(*hole[0]), Span(*hole[1])))
    for complete, needed in zip(whole, part, strict=True):
        assert (complete[area] - needed[area]).abs().max() < 2e-5


@pytest.mark.parametrize("size", [(64, 64), (100, 73), (130, 250)])
def test_any_size(size: tuple[int, int]) -> None:
    image = scene(1, *size)
    mask = box(*size, slice(size[0] // 3, size[0]), slice(10, size[1] // 2))
    raw = methods.create("deepfillv2", weights="random").fill(image, mask)
    assert raw.shape == image.shape and np.array_equal(raw[~mask], image[~mask])


def stored(state: dict[str, Tensor], path: Path) -> str:
    torch.save({"G": state, "D": {}}, path)
    return str(path)


@pytest.mark.slow
def test_every_layout_of_the_weights_is_its_own_function(
    variables: dict[str, np.ndarray], tmp_path: Path
) -> None:
    """The authors' variables and both PyTorch layouts, named, and the same function of the same
    numbers when that is asked for."""
    official = {name: torch.from_numpy(value) for name, value in variables.items()}
    official["discriminator/sn_patch_gan/conv1/kernel"] = torch.zeros(3)
    converted = DeepFillV2.from_tensorflow(variables).state_dict()
    names = finetuned_names()
    finetuned = {names[name]: tensor for name, tensor in converted.items()}
    finetuned[FUSE_WEIGHT] = torch.eye(3)[None, None]
    assert len(converted) == 84 and len(finetuned) == 85
    layouts = {"official": official, "converted": converted, "finetuned": finetuned}
    image, mask = scene(3, 128, 96), box(128, 96, slice(30, 90), slice(20, 70))
    own, forced = {}, {}
    for name, state in layouts.items():
        path = stored(state, tmp_path / f"{name}.pth")
        method = methods.create("deepfillv2", weights=path)
        own[name] = method.inpaint(image, mask).astype(int)
        assert method.loaded().variant == name  # type: ignore[attr-defined]
        forced[name] = methods.create(
            "deepfillv2", weights=path, variant="official", colours="BGR"
        ).inpaint(image, mask)
    assert np.array_equal(forced["official"], own["official"])
    assert np.array_equal(forced["converted"], forced["official"])
    assert np.array_equal(forced["finetuned"], forced["official"])
    assert np.abs(own["official"] - own["converted"])[mask].mean() > 1
    assert np.abs(own["converted"] - own["finetuned"])[mask].mean() > 1


def test_other_weights_are_refused_in_one_line(
    variables: dict[str, np.ndarray], tmp_path: Path
) -> None:
    path = stored({"en_0.encode.0.conv.1.weight": torch.zeros(1)}, tmp_path / "wrong.pth")
    with pytest.raises(WeightsError, match="not the weights of DeepFill v2") as caught:
        methods.create("deepfillv2", weights=path).check()
    assert "wrong.pth" in str(caught.value) and "\n" not in str(caught.value)
    less = {name: value for name, value in variables.items() if "conv9" not in name}
    with pytest.raises(WeightsError, match=r"6 missing \(conv9_atrous"):
        DeepFillV2.from_tensorflow(less)


def test_the_checkpoint_names_are_the_published_ones() -> None:
    names = tensorflow_names()
    assert len(names) == 84
    scope = "inpaint_net/conv13_upsample/conv13_upsample_conv/kernel"
    assert names["conv13_upsample.conv.conv.weight"] == scope
    parameters = sum(p.numel() for p in DeepFillV2().parameters())
    assert parameters == 4_052_478
