"""HiFill: any size, nothing read under the hole, and the detail brought back exactly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

import methods
from methods.architectures.hifill import HiFill
from methods.architectures.hifill_layers import tensorflow_names
from methods.architectures.residual_aggregation import aggregate, finish, prepare, residual
from methods.architectures.spans import Span
from methods.weights import WeightsError
from tests.conformance.hifill import _shapes
from tests.conformance.hifill_recipe import attention, weights
from tests.methods.conftest import box, scene


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Generated weights under the published names, among others that a checkpoint holds."""
    path = tmp_path_factory.mktemp("weights") / "hifill.safetensors"
    tensors = {n: torch.from_numpy(a) for n, a in weights(_shapes(), "test/").items()}
    save_file({**tensors, "discriminator/conv1/w": torch.zeros(5, 5, 3, 64)}, path)
    return str(path)


@pytest.mark.slow
def test_no_size_of_its_own_and_nothing_under_the_hole_is_read(stored: str) -> None:
    """Of two sizes: test_adapters.py has a small one."""
    image = scene(1, 700, 1000)
    mask = box(700, 1000, slice(233, 700), slice(10, 500))
    method = methods.create("hifill", weights=stored, multiple=2)
    result = method.inpaint(image, mask)
    assert result.shape == image.shape and np.array_equal(result[~mask], image[~mask])
    assert result[mask].std() > 1
    poisoned = image.copy()
    poisoned[mask] = np.random.default_rng(0).integers(0, 256, (mask.sum(), 3))
    assert np.array_equal(result[mask], method.fill(poisoned, mask)[mask])


def test_detail_in_a_box_is_that_of_the_whole() -> None:
    rng = np.random.default_rng(3)
    image = rng.uniform(0, 255, (600, 700, 3)).astype(np.float32)
    mask = box(600, 700, slice(200, 330), slice(300, 480))
    frame = prepare(image, ~mask, 2)
    inpainted = rng.uniform(0, 255, (512, 512, 3)).astype(np.float32)
    shares = attention(4).reshape(1024, 1024)
    whole = finish(image, frame, inpainted, shares)
    part = finish(image, frame, inpainted, shares, (Span(200, 330), Span(300, 480)))
    assert np.abs(whole - part)[mask].max() < 1e-3
    assert np.abs(whole - part).max() > 1


def test_detail_travels_with_the_attention() -> None:
    """A cell that attends to one other cell gets exactly what that one has over its block means."""
    rng = np.random.default_rng(5)
    image = rng.uniform(0, 255, (1024, 1024, 3)).astype(np.float32)
    frame = prepare(image, np.ones((1024, 1024), bool), 2)
    shares = np.zeros((1024, 1024), np.float32)
    shares[5 * 32 + 7, 20 * 32 + 3] = 1
    detail = residual(frame)
    made = aggregate(detail, shares)
    cell = made[5 * 32 : 6 * 32, 7 * 32 : 8 * 32]
    assert np.array_equal(cell, detail[20 * 32 : 21 * 32, 3 * 32 : 4 * 32])
    assert np.count_nonzero(made) == np.count_nonzero(cell)


def test_other_weights_are_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "wrong.safetensors"
    save_file({"conv1.weight": torch.zeros(3)}, path)
    with pytest.raises(WeightsError, match="192 tensors expected, 0 found") as caught:
        methods.create("hifill", weights=str(path)).check()
    assert "wrong.safetensors" in str(caught.value) and "\n" not in str(caught.value)


def test_the_published_size() -> None:
    assert sum(p.numel() for p in HiFill().parameters()) == 2_722_791
    assert len(tensorflow_names()) == 192
