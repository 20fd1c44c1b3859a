"""Metrics against scikit-image, an independent implementation that evaluates whole images."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from benchmark.metrics import score, ssim, ssim_uniform
from methods.base import Image, Mask
from methods.images import read_rgb
from tests.paths import ROOT

FOLDERS = (ROOT / "datasets" / "demo", ROOT.parent / "shared" / "data" / "photos")
TOLERANCE = 1e-11
GAUSSIAN = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}


def oracle(reference: Image, result: Image, mask: Mask) -> dict[str, float]:
    """What `score` should give, from scikit-image and numpy."""
    difference = np.abs(reference.astype(np.float64) - result)
    expected = {"l1": difference.mean(), "l1_hole": difference[mask].mean()}
    with np.errstate(divide="ignore"):
        expected["psnr"] = peak_signal_noise_ratio(reference, result, data_range=255)
        expected["psnr_hole"] = peak_signal_noise_ratio(
            reference[mask], result[mask], data_range=255
        )
    for name, options in (("ssim", GAUSSIAN), ("ssim_uniform", {})):
        expected[name], map_ = structural_similarity(
            reference, result, channel_axis=2, data_range=255, full=True, **options
        )
        expected[f"{name}_hole"] = map_[mask].mean()
    return {name: float(value) for name, value in expected.items()}


def check(reference: Image, result: Image, mask: Mask) -> None:
    names = ["l1", "psnr", "ssim", "ssim_uniform"]
    scores = score(reference, result, mask, names)
    assert scores == pytest.approx(oracle(reference, result, mask), rel=0, abs=TOLERANCE)


def box_mask(height: int, width: int, rows: slice, columns: slice) -> Mask:
    mask = np.zeros((height, width), np.bool_)
    mask[rows, columns] = True
    return mask


EVERYTHING = slice(None)


@pytest.mark.parametrize("filler", ["noise", "flat"])
@pytest.mark.parametrize(
    ("height", "width", "rows", "columns"),
    [
        pytest.param(60, 60, slice(20, 40), slice(20, 40), id="middle"),
        pytest.param(61, 83, slice(0, 12), slice(0, 9), id="top left corner"),
        pytest.param(61, 83, slice(50, None), slice(80, None), id="bottom right corner"),
        pytest.param(40, 90, slice(0, 3), slice(85, None), id="top right, inside the border"),
        pytest.param(40, 90, slice(2, 3), slice(40, 41), id="one pixel near the border"),
        pytest.param(40, 90, slice(39, None), slice(0, 1), id="one pixel in a corner"),
        pytest.param(33, 29, slice(10, 15), EVERYTHING, id="all columns"),
        pytest.param(33, 29, EVERYTHING, slice(28, None), id="all rows"),
        pytest.param(64, 48, EVERYTHING, EVERYTHING, id="everything"),
        pytest.param(11, 11, slice(4, 7), slice(2, 9), id="as small as the window"),
        pytest.param(12, 200, slice(3, 9), slice(100, 140), id="flat strip"),
        pytest.param(200, 11, slice(90, 91), slice(0, 11), id="narrow strip"),
    ],
)
def test_a_changed_hole(height: int, width: int, rows: slice, columns: slice, filler: str) -> None:
    rng = np.random.default_rng(height * width)
    reference = rng.integers(0, 256, (height, width, 3), np.uint8)
    mask = box_mask(height, width, rows, columns)
    result = reference.copy()
    result[mask] = rng.integers(0, 256, (mask.sum(), 3)) if filler == "noise" else 127
    check(reference, result, mask)


def test_changes_outside_the_hole_count() -> None:
    rng = np.random.default_rng(0)
    reference = rng.integers(0, 256, (50, 70, 3), np.uint8)
    result = reference.copy()
    result[30:34, 2:60, 1] //= 2
    check(reference, result, box_mask(50, 70, slice(0, 20), slice(40, 69)))
    check(reference, result, box_mask(50, 70, slice(28, 31), slice(55, 66)))


def test_scattered_holes() -> None:
    rng = np.random.default_rng(5)
    reference = rng.integers(0, 256, (45, 52, 3), np.uint8)
    mask = rng.random((45, 52)) < 0.05
    result = np.where(mask[..., None], 255 - reference, reference)
    check(reference, result, mask)


@pytest.mark.parametrize("sigma", [0.1, 0.5, 1, 2.0, 3.7])
def test_other_sigmas(sigma: float) -> None:
    rng = np.random.default_rng(6)
    reference = rng.integers(0, 256, (40, 43, 3), np.uint8)
    result = reference.copy()
    result[3:20, 30:43] = 90
    expected = structural_similarity(
        reference, result, channel_axis=2, data_range=255, **(GAUSSIAN | {"sigma": sigma})
    )
    assert ssim(reference, result, sigma=sigma) == pytest.approx(expected, abs=TOLERANCE)


@pytest.mark.parametrize("window", [3, 5, 11, 33])
def test_other_windows(window: int) -> None:
    rng = np.random.default_rng(7)
    reference = rng.integers(0, 256, (40, 43, 3), np.uint8)
    result = reference.copy()
    result[3:20, 30:43] = 90
    expected = structural_similarity(
        reference, result, channel_axis=2, data_range=255, win_size=window
    )
    assert ssim_uniform(reference, result, window=window) == pytest.approx(expected, abs=TOLERANCE)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Image, Image, Mask]:
    """A small image with a changed box and a hole, each anywhere; contrast from flat to noise."""
    height, width = draw(st.integers(11, 40)), draw(st.integers(11, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    low = draw(st.integers(0, 255))
    high = draw(st.integers(low, 255))
    reference = rng.integers(low, high + 1, (height, width, 3), np.uint8)
    result = reference.copy()
    changed, hole = (
        tuple(
            slice(start, draw(st.integers(start + 1, size)))
            for size in (height, width)
            for start in [draw(st.integers(0, size - 1))]
        )
        for _ in range(2)
    )
    result[changed] = rng.integers(0, 256, result[changed].shape)
    return reference, result, box_mask(height, width, *hole)


@pytest.mark.slow
@settings(max_examples=60, deadline=None, derandomize=True)
@given(cases())
def test_random_small_images(case: tuple[Image, Image, Mask]) -> None:
    check(*case)


def photographs() -> list[Path]:
    return next((found for folder in FOLDERS if (found := sorted(folder.glob("*.jpg")))), [])


@pytest.mark.slow
def test_real_photographs() -> None:
    """A square one with a smeared middle; one not square, all of it changed, with a corner hole."""
    paths = photographs()
    if len(paths) < 2:
        pytest.skip(f"no photographs in {' or '.join(map(str, FOLDERS))}")
    reference = read_rgb(paths[0])[:800, :800]
    height, width = reference.shape[:2]
    third = slice(height // 3, 2 * height // 3), slice(width // 3, 2 * width // 3)
    mask = box_mask(height, width, *third)
    result = reference.copy()
    result[mask] = cv2.GaussianBlur(reference, (0, 0), 8)[mask]
    check(reference, result, mask)

    reference = read_rgb(paths[1])[:601, :333]
    noise = np.random.default_rng(0).integers(-9, 10, reference.shape)
    result = np.clip(reference + noise, 0, 255).astype(np.uint8)
    height, width = reference.shape[:2]
    check(reference, result, box_mask(height, width, slice(0, 300), slice(0, 200)))
