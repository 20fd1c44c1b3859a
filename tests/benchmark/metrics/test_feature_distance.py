"""The perceptual distances: they must rise with what people see as worse."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import cv2
import numpy as np
import pytest

from benchmark.inputs.protocol import load
from benchmark.metrics import (
    METRICS,
    check_options,
    efficientnet_distance,
    score,
    squeezenet_distance,
)
from methods.base import Image, Mask
from tests.methods.conftest import box, scene
from tests.methods.pretended_gpu import DEVICE, pretended_gpu
from tests.paths import DEMO

PHOTOS = DEMO
DISTANCES = [efficientnet_distance, squeezenet_distance]
Distance = Callable[[Image, Image, Mask], float]


def noise(image: Image, strength: float) -> Image:
    added = np.random.default_rng(0).normal(0, strength, image.shape)
    return np.clip(image + added, 0, 255).round().astype(np.uint8)


def blur(image: Image, strength: float) -> Image:
    return cv2.GaussianBlur(image, (0, 0), strength)


def jpeg(image: Image, strength: float) -> Image:
    _, packed = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(100 - strength)])
    return cv2.imdecode(packed, cv2.IMREAD_COLOR)


@pytest.fixture(scope="module", params=["colosseum_arches", "forest_stream"])
def photo(request: pytest.FixtureRequest) -> Image:
    image = cv2.imread(str(PHOTOS / f"{request.param}.jpg"))
    return image[512:832, 512:832, ::-1]


def middle(side: int = 320) -> Mask:
    mask = np.zeros((side, side), np.bool_)
    mask[side // 3 : 2 * side // 3, side // 3 : 2 * side // 3] = True
    return mask


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize(
    ("spoil", "strengths"),
    [(noise, (4, 10, 25, 60)), (blur, (0.7, 1.5, 3, 8)), (jpeg, (20, 60, 80, 95))],
)
def test_it_rises_with_every_kind_of_damage(
    distance: Distance, spoil: Callable[[Image, float], Image], strengths: list[float], photo: Image
) -> None:
    found = [distance(photo, spoil(photo, strength), middle()) for strength in strengths]
    assert found[0] > 0 and all(a < b for a, b in pairwise(found)), found


@pytest.mark.parametrize("distance", DISTANCES)
def test_other_texture_of_the_same_kind_is_nearer_than_none(
    distance: Distance, photo: Image
) -> None:
    """PSNR prefers the flat colour; people do not."""
    mask = middle()
    flat, moved = photo.copy(), photo.copy()
    flat[mask] = photo[mask].mean(axis=0)
    moved[mask] = np.roll(photo, 60, axis=0)[mask]
    assert score(photo, flat, mask, ["psnr"])["psnr"] > score(photo, moved, mask, ["psnr"])["psnr"]
    assert distance(photo, moved, mask) < 0.9 * distance(photo, flat, mask)


@pytest.mark.parametrize("distance", DISTANCES)
def test_what_is_far_from_the_hole_does_not_count(distance: Distance, photo: Image) -> None:
    mask = middle()
    changed = photo.copy()
    changed[:60] = 0
    changed[mask] = 0
    alone = photo.copy()
    alone[mask] = 0
    assert distance(photo, changed, mask) == distance(photo, alone, mask)


@pytest.mark.parametrize("name", ["efficientnet_distance", "squeezenet_distance"])
def test_the_hole_alone_is_further_than_with_its_known_surroundings(
    name: str, photo: Image
) -> None:
    result, mask = photo.copy(), middle()
    result[mask] = 128
    scores = score(photo, result, mask, [name])
    assert scores[f"{name}_hole"] > scores[name] > 0


@pytest.mark.parametrize("height", [20, 33])
def test_any_size(height: int) -> None:
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 256, (2, height, 31, 3), np.uint8)
    mask = np.zeros((height, 31), np.bool_)
    mask[-1, -1] = True
    for distance in DISTANCES:
        assert distance(a, a.copy(), mask) == 0 < distance(a, b, mask)


def test_the_perceptual_protocol_differs_in_its_metrics_alone() -> None:
    plain, perceptual = (load(name) for name in ("moskalenko2020", "moskalenko2020-perceptual"))
    added = ["efficientnet_distance", "squeezenet_distance"]
    same = {"name": "", "description": "", "metrics": [*plain.metrics, *added]}
    assert plain.model_copy(update=same) == perceptual.model_copy(update=same)
    assert perceptual.metrics == [*plain.metrics, *added]


def test_tables_mark_the_distance_that_training_looked_through() -> None:
    assert "‡" in METRICS["squeezenet_distance"].label
    assert "trained" in METRICS["squeezenet_distance"].definition
    assert "‡" not in METRICS["efficientnet_distance"].label


@pytest.mark.slow
@pytest.mark.parametrize("name", ["efficientnet_distance", "squeezenet_distance"])
def test_a_gpu_gives_the_cpus_distance(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    reference, result, mask = (
        scene(1, 96, 96),
        scene(2, 96, 96),
        box(96, 96, slice(30, 60), slice(20, 70)),
    )
    expected = score(reference, result, mask, [name])
    with pretended_gpu(monkeypatch):
        found = score(reference, result, mask, [name], {name: {"device": DEVICE}})
    assert found == pytest.approx(expected, abs=1e-5) and min(expected.values()) > 0


def test_a_device_that_is_not_there_is_refused_before_the_run() -> None:
    with pytest.raises(ValueError, match="device 'cuda:99' cannot be used"):
        check_options(["squeezenet_distance"], {"squeezenet_distance": {"device": "cuda:99"}})
