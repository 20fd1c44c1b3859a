"""The plumbing of LPIPS with a stand-in of its package: torchvision, which the real one needs, has
no wheel for the CPU beside the PyTorch that is pinned here."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from benchmark.metrics import check_options, lpips_distance, missing, score


class StandIn:
    """Twice the mean absolute difference: a number, or a map."""

    def __init__(self, net: str, spatial: bool, verbose: bool) -> None:
        if net == "vgg":
            raise OSError("vgg16-397923af.pth cannot be downloaded")
        self.spatial = spatial

    def __call__(self, a: torch.Tensor, b: torch.Tensor, normalize: bool) -> torch.Tensor:
        assert normalize and float(a.max()) <= 1
        off = 2 * (a - b).abs().mean(dim=1, keepdim=True)
        return off if self.spatial else off.mean(dim=(2, 3), keepdim=True)


def forget() -> None:
    lpips_distance._model.cache_clear()
    lpips_distance._missing.cache_clear()


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    package: Any = types.ModuleType("lpips")
    package.LPIPS = StandIn
    monkeypatch.setitem(sys.modules, "lpips", package)
    forget()
    yield
    forget()


def pair() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    reference = np.full((300, 300, 3), 100, np.uint8)
    mask = np.zeros((300, 300), bool)
    mask[100:180, 100:180] = True
    result = reference.copy()
    result[mask] = 151
    return reference, result, mask


def test_it_sees_the_hole_with_a_quarter_of_its_size_around_it(installed: None) -> None:
    found = score(*pair(), ["lpips"])
    assert found["lpips_hole"] == pytest.approx(2 * 51 / 255)
    assert found["lpips"] == pytest.approx(2 * 51 / 255 * 80**2 / 120**2)
    assert list(score(*pair(), ["lpips"], hole=False)) == ["lpips"]


def test_what_cannot_be_computed_is_said_before_a_run(installed: None) -> None:
    check_options(["lpips"], {"lpips": {"network": "squeeze"}})
    assert missing(["lpips"], {"lpips": {"network": "squeeze"}}) == {}
    vgg = {"lpips": {"network": "vgg"}}
    assert "vgg16-397923af.pth cannot be downloaded" in missing(["lpips"], vgg)["lpips"]
    with pytest.raises(ValueError, match="one of alex, vgg, squeeze, is 'resnet'"):
        check_options(["lpips"], {"lpips": {"network": "resnet"}})
    reference, result, mask = pair()
    with pytest.raises(ValueError, match="needs 64 px around the hole, has 40 x 30"):
        score(reference[:30, :40], result[:30, :40], ~mask[:30, :40], ["lpips"])


def test_without_its_package_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lpips", None)
    forget()
    check_options(["lpips"])
    assert missing(["l1", "lpips"]).keys() == {"lpips"}
    with pytest.raises(ValueError, match=r"computed here.*pip install '\.\[lpips\]"):
        score(*pair(), ["lpips"])
    forget()
