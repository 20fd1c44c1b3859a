"""The witness evaluates what differs; scikit-image on whole images must say the same."""

from __future__ import annotations

import math

import numpy as np
import pytest
from skimage.metrics import structural_similarity

from benchmark.metrics.witness import witness_scores
from tests.benchmark.metrics.test_metrics_agreement import GAUSSIAN, box_mask, oracle

IMAGES = {"channel_axis": 2, "data_range": 255}
NAMES = ["l1", "psnr", "ssim", "ssim_uniform"]


@pytest.mark.parametrize(
    ("height", "width", "rows", "columns"),
    [
        pytest.param(60, 80, slice(20, 40), slice(30, 50), id="middle"),
        pytest.param(61, 83, slice(0, 1), slice(82, 83), id="one pixel in a corner"),
        pytest.param(61, 83, slice(3, 9), slice(70, 81), id="near two borders"),
        pytest.param(12, 200, slice(3, 9), slice(100, 140), id="flat strip"),
        pytest.param(11, 11, slice(4, 7), slice(2, 9), id="as small as the window"),
        pytest.param(40, 50, slice(None), slice(None), id="everything"),
    ],
)
def test_as_scikit_image_on_the_whole_image(
    height: int, width: int, rows: slice, columns: slice
) -> None:
    rng = np.random.default_rng(height * width)
    reference = rng.integers(0, 256, (height, width, 3), np.uint8)
    mask = box_mask(height, width, rows, columns)
    result = reference.copy()
    result[mask] = rng.integers(0, 256, (mask.sum(), 3))
    # Outside the hole, too, as in external results that are scored as given.
    result[-1, 0] //= 2
    expected = oracle(reference, result, mask)
    assert witness_scores(reference, result, mask, NAMES) == pytest.approx(expected, abs=1e-12)


def test_equal_images() -> None:
    image = np.full((30, 30, 3), 90, np.uint8)
    mask = box_mask(30, 30, slice(5, 9), slice(5, 9))
    scores = witness_scores(image, image, mask, NAMES)
    assert scores == {
        **{"l1": 0, "psnr": math.inf, "ssim": 1, "ssim_uniform": 1},
        **{"l1_hole": 0, "psnr_hole": math.inf, "ssim_hole": 1, "ssim_uniform_hole": 1},
    }


def test_options_are_taken_and_metrics_without_a_witness_left_out() -> None:
    rng = np.random.default_rng(1)
    reference, result = rng.integers(0, 256, (2, 40, 40, 3), np.uint8)
    mask = box_mask(40, 40, slice(5, 20), slice(5, 20))
    names = ["ssim", "ssim_uniform", "blur_effect", "lpips"]
    options = {"ssim": {"sigma": 2.5}, "ssim_uniform": {"window": 11}}
    scores = witness_scores(reference, result, mask, names, options)
    assert set(scores) == {"ssim", "ssim_hole", "ssim_uniform", "ssim_uniform_hole"}
    expected = {
        "ssim": structural_similarity(reference, result, **GAUSSIAN | {"sigma": 2.5}, **IMAGES),
        "ssim_uniform": structural_similarity(reference, result, win_size=11, **IMAGES),
    }
    assert {name: scores[name] for name in expected} == pytest.approx(expected, abs=1e-12)
