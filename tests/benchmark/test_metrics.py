"""Metrics against answers computed by hand and against scikit-image."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from benchmark.metrics import METRICS, check_options, l1, psnr, score, ssim, ssim_uniform
from methods.images import read_rgb

PHOTOS = sorted((Path(__file__).resolve().parents[2] / "datasets" / "demo").glob("*.jpg"))
GAUSSIAN = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}


def oracle(
    reference: np.ndarray, result: np.ndarray, **options: object
) -> tuple[float, np.ndarray]:
    return structural_similarity(
        reference, result, channel_axis=2, data_range=255, full=True, **options
    )


def noise(seed: int, height: int, width: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def with_hole(
    image: np.ndarray, rows: slice, columns: slice, seed: int = 9
) -> tuple[np.ndarray, np.ndarray]:
    """The image with noise in a rectangle, and the rectangle as a mask."""
    mask = np.zeros(image.shape[:2], bool)
    mask[rows, columns] = True
    result = image.copy()
    result[mask] = noise(seed, *image.shape[:2])[mask]
    return result, mask


def four_pixels_off_by_ten() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    reference = np.full((20, 10, 3), 100, np.uint8)
    mask = np.zeros((20, 10), bool)
    mask[4:6, 7:9] = True
    result = reference.copy()
    result[mask] = 110
    return reference, result, mask


def test_l1_and_psnr_by_hand() -> None:
    reference, result, mask = four_pixels_off_by_ten()
    assert l1(reference, result) == 4 * 10 / 200
    assert l1(reference, result, mask) == 10
    assert psnr(reference, result) == pytest.approx(10 * math.log10(255**2 / (4 * 100 / 200)))
    assert psnr(reference, result, mask=mask) == pytest.approx(20 * math.log10(25.5))


def test_l1_is_symmetric_and_does_not_wrap_around() -> None:
    black, white = np.zeros((4, 4, 3), np.uint8), np.full((4, 4, 3), 255, np.uint8)
    assert l1(black, white) == l1(white, black) == 255
    assert psnr(black, white) == 0


def test_ssim_of_flat_patches_by_hand() -> None:
    # Flat windows have no variance: only the luminance term is left.
    a, b = np.full((16, 16, 3), 100, np.uint8), np.full((16, 16, 3), 120, np.uint8)
    c1 = (0.01 * 255) ** 2
    expected = (2 * 100 * 120 + c1) / (100**2 + 120**2 + c1)
    assert ssim(a, b) == pytest.approx(expected, abs=1e-12)
    assert ssim_uniform(a, b) == pytest.approx(expected, abs=1e-12)


def test_identical_images() -> None:
    image = noise(1, 32, 40)
    mask = np.zeros((32, 40), bool)
    mask[3, 4] = True
    scores = score(image, image.copy(), mask, METRICS)
    assert scores["psnr"] == scores["psnr_hole"] == math.inf
    assert scores["l1"] == scores["l1_hole"] == 0
    assert scores["ssim"] == scores["ssim_hole"] == scores["ssim_uniform_hole"] == 1


@pytest.mark.parametrize("path", PHOTOS[:3], ids=lambda path: path.stem)
def test_whole_photographs_equal_scikit_image(path: Path) -> None:
    reference = read_rgb(path)
    result, mask = with_hole(reference, slice(683, 1366), slice(683, 1366))
    result[mask] = (result[mask].astype(int) + 3 * reference[mask]) // 4
    scores = score(reference, result, mask, METRICS)
    whole, full = oracle(reference, result, **GAUSSIAN)
    assert scores["ssim"] == pytest.approx(whole, abs=1e-9)
    assert scores["ssim_hole"] == pytest.approx(full[mask].mean(), abs=1e-9)
    whole, full = oracle(reference, result)
    assert scores["ssim_uniform"] == pytest.approx(whole, abs=1e-9)
    assert scores["ssim_uniform_hole"] == pytest.approx(full[mask].mean(), abs=1e-9)
    expected = peak_signal_noise_ratio(reference, result, data_range=255)
    assert scores["psnr"] == pytest.approx(expected, abs=1e-9)
    difference = np.abs(reference.astype(int) - result)
    assert scores["l1"] == pytest.approx(difference.mean(), abs=1e-12)
    assert scores["l1_hole"] == pytest.approx(difference[mask].mean(), abs=1e-12)


@pytest.mark.parametrize(
    ("rows", "columns"),
    [
        (slice(0, 9), slice(60, 71)),  # a corner: the windows are mirrored
        (slice(49, 50), slice(0, 71)),  # the last row
        (slice(0, 50), slice(0, 1)),  # the first column
        (slice(20, 21), slice(30, 31)),  # one pixel
        (slice(0, 50), slice(0, 71)),  # everything
    ],
)
@pytest.mark.parametrize("width", [71, 72])
def test_holes_anywhere_equal_scikit_image(rows: slice, columns: slice, width: int) -> None:
    reference = noise(2, 50, 72)[:, :width]
    result, mask = with_hole(reference, rows, columns)
    for metric, options in ((ssim, GAUSSIAN), (ssim_uniform, {})):
        whole, full = oracle(reference, result, **options)
        assert metric(reference, result) == pytest.approx(whole, abs=1e-12)
        assert metric(reference, result, mask) == pytest.approx(full[mask].mean(), abs=1e-12)


def test_a_hole_scored_beside_changes_elsewhere() -> None:
    # Nothing says that only the hole differs: external results may differ anywhere.
    reference, result = noise(3, 40, 48), noise(4, 40, 48)
    mask = np.zeros((40, 48), bool)
    mask[5:9, 30:48] = True
    _, full = oracle(reference, result, **GAUSSIAN)
    assert ssim(reference, result, mask) == pytest.approx(full[mask].mean(), abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**16),
    height=st.integers(11, 40),
    width=st.integers(11, 40),
    data=st.data(),
)
def test_any_size_and_any_rectangle(
    seed: int, height: int, width: int, data: st.DataObject
) -> None:
    reference = noise(seed, height, width)
    top, left = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    bottom = data.draw(st.integers(top + 1, height))
    right = data.draw(st.integers(left + 1, width))
    result, mask = with_hole(reference, slice(top, bottom), slice(left, right), seed + 1)
    scores = score(reference, result, mask, ["ssim", "ssim_uniform"])
    for name, options in (("ssim", GAUSSIAN), ("ssim_uniform", {})):
        whole, full = oracle(reference, result, **options)
        assert scores[name] == pytest.approx(whole, abs=1e-12)
        assert scores[f"{name}_hole"] == pytest.approx(full[mask].mean(), abs=1e-12)


def test_options_equal_scikit_image() -> None:
    reference = noise(5, 60, 60)
    result, mask = with_hole(reference, slice(20, 40), slice(20, 40))
    options = {"ssim": {"sigma": 2.5}, "ssim_uniform": {"window": 11}}
    scores = score(reference, result, mask, ["ssim", "ssim_uniform"], options)
    expected, _ = oracle(reference, result, **{**GAUSSIAN, "sigma": 2.5})
    assert scores["ssim"] == pytest.approx(expected, abs=1e-12)
    expected, _ = oracle(reference, result, win_size=11)
    assert scores["ssim_uniform"] == pytest.approx(expected, abs=1e-12)


def test_memory_layout_does_not_matter() -> None:
    reference, result = noise(6, 40, 40), noise(7, 40, 40)
    mask = np.zeros((40, 40), bool)
    mask[10:20, 5:9] = True
    plain = score(reference, result, mask, METRICS)
    turned = score(
        np.asfortranarray(reference), result[:, ::-1][:, ::-1], np.asfortranarray(mask), METRICS
    )
    assert plain == turned


@pytest.mark.parametrize("metric", [l1, psnr, ssim, ssim_uniform])
def test_wrong_input_is_refused(metric: object) -> None:
    assert callable(metric)
    image, mask = noise(8, 32, 32), np.ones((32, 32), bool)
    wrong = [
        (image, image[:31], None),
        (image.astype(float), image, None),
        (image[..., 0], image[..., 0], None),
        (image, image, mask[:31]),
        (image, image, mask.astype(np.uint8)),
        (image, image, ~mask),
    ]
    for reference, result, hole in wrong:
        with pytest.raises(ValueError):
            metric(reference, result, hole)
    with pytest.raises(ValueError, match="smaller than the SSIM window"):
        ssim(image[:10], image[:10])


@pytest.mark.parametrize(
    ("names", "options", "said"),
    [
        (["sim"], {}, "unknown metric 'sim'; known: l1, psnr, ssim"),
        (["ssim"], {"ssim": {"window": 7}}, "no option 'window'; valid: sigma"),
        (["ssim"], {"l1": {"scale": 1}}, "it has none"),
        (["ssim"], {"ssim": {"sigma": "wide"}}, "must be a number"),
        (["ssim"], {"ssim": {"sigma": 0}}, "between 0 and 100"),
        (["ssim"], {"ssim_uniform": {"window": 8}}, "odd number"),
    ],
)
def test_unknown_metrics_and_options_are_named(
    names: list[str], options: dict[str, dict[str, object]], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        check_options(names, options)
