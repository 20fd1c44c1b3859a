"""Patches around holes, and the networks of set metrics."""

from __future__ import annotations

import sys
import types
from typing import Any

import numpy as np
import pytest
import torch

from analysis.sets.features import EFFICIENTNET, INCEPTION, patches
from methods.base import Mask
from methods.errors import InputError


def places(mask: Mask, side: int) -> list[tuple[int, int]]:
    """The first pixel of each patch, in an image that shows its own coordinates."""
    rows, columns = np.indices(mask.shape, np.uint8)
    image = np.stack([rows, columns, rows], axis=2)
    found = patches(image, mask, side)
    assert all(patch.shape == (side, side, 3) for patch in found)
    return [(int(patch[0, 0, 0]), int(patch[0, 0, 1])) for patch in found]


def hole(top: int, left: int, height: int, width: int) -> Mask:
    mask = np.zeros((100, 120), bool)
    mask[top : top + height, left : left + width] = True
    return mask


def test_patches_cover_the_hole_and_have_its_middle() -> None:
    assert places(hole(40, 50, 10, 10), 20) == [(35, 45)]
    # 25 x 45 px need 2 x 3 squares of 20 px.
    rows, columns = (32, 52), (42, 62, 82)
    assert places(hole(40, 50, 25, 45), 20) == [(row, c) for row in rows for c in columns]


def test_patches_stay_inside_the_image_and_leave_out_what_has_no_hole() -> None:
    assert places(hole(0, 110, 10, 10), 20) == [(0, 100)]
    two = hole(10, 10, 10, 10) | hole(70, 90, 10, 10)
    found = places(two, 20)
    assert len(found) == 2
    with pytest.raises(ValueError, match="120 x 100 px is smaller than a patch of 101 x 101"):
        places(two, 101)


def test_efficientnets_are_the_means_of_its_last_block() -> None:
    from methods.architectures.backbones.efficientnet import pretrained

    image = np.random.default_rng(0).integers(0, 256, (256, 256, 3), np.uint8)
    planes = torch.from_numpy(image.transpose(2, 0, 1).copy())[None].float() / 255
    with torch.inference_mode():
        last = pretrained()(planes)[-1][0].numpy()
    found = EFFICIENTNET.load()(image)
    assert found.shape == (EFFICIENTNET.features,)
    assert found == pytest.approx(last.reshape(len(last), -1).mean(axis=1), abs=1e-5)


class StandIn:
    """Inception's interface in torch-fidelity: uint8 (N, 3, H, W) in, a tuple out."""

    def __init__(self, name: str, features_list: list[str]) -> None:
        assert features_list == ["2048"]

    def __call__(self, images: torch.Tensor) -> tuple[torch.Tensor]:
        assert images.dtype == torch.uint8 and images.shape == (1, 3, 5, 7)
        return (images.float().mean().repeat(1, 2048),)


def test_inceptions_are_torch_fidelitys(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "torch_fidelity.feature_extractor_inceptionv3"
    monkeypatch.setitem(sys.modules, "torch_fidelity", None)
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(InputError, match=r"needs torch-fidelity .*pip install '\.\[fid\]'"):
        INCEPTION.load()
    module: Any = types.ModuleType(name)
    monkeypatch.setitem(sys.modules, "torch_fidelity", types.ModuleType("torch_fidelity"))
    monkeypatch.setitem(sys.modules, name, module)
    module.FeatureExtractorInceptionV3 = StandIn
    assert INCEPTION.load()(np.full((5, 7, 3), 9, np.uint8)).tolist() == [9] * 2048

    def offline(*_: Any) -> None:
        raise OSError("no connection")

    module.FeatureExtractorInceptionV3, module.URL_INCEPTION_V3 = offline, "https://weights.pth"
    with pytest.raises(InputError, match=r"\(no connection\); put the file of https://weights"):
        INCEPTION.load()
