"""Metrics on cases that can be computed by hand, the registry, and what they refuse."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import cv2
import numpy as np
import pytest
from skimage.measure import blur_effect

from benchmark.metrics import (
    METRICS,
    ImagePair,
    Scores,
    check_options,
    l1,
    psnr,
    score,
    ssim,
    ssim_uniform,
)
from methods.base import Image, Mask

C1, C2 = 6.5025, 58.5225
FUNCTIONS: dict[str, Callable[..., float]] = {
    "l1": l1,
    "psnr": psnr,
    "ssim": ssim,
    "ssim_uniform": ssim_uniform,
}

# They need extras.
NAMES = [name for name in METRICS if name not in {"lpips", "dists"}]


def four_pixels_off_by_ten() -> tuple[Image, Image, Mask]:
    reference = np.full((20, 20, 3), 100, np.uint8)
    mask = np.zeros((20, 20), np.bool_)
    mask[8:10, 8:10] = True
    result = reference.copy()
    result[mask] = [110, 90, 110]
    return reference, result, mask


def noisy(height: int = 40, width: int = 37) -> tuple[Image, Image, Mask]:
    """Noise, with other noise in a box that reaches beyond the hole."""
    rng = np.random.default_rng(1)
    reference = rng.integers(0, 256, (height, width, 3), np.uint8)
    result = reference.copy()
    result[5:30, 12:30] = rng.integers(0, 256, (25, 18, 3))
    mask = np.zeros((height, width), np.bool_)
    mask[10:30, 12:25] = True
    return reference, result, mask


def test_l1_of_four_pixels_off_by_ten() -> None:
    reference, result, mask = four_pixels_off_by_ten()
    assert l1(reference, result, mask) == 10
    assert l1(reference, result) == 10 * 4 / 400


def test_psnr_of_four_pixels_off_by_ten() -> None:
    reference, result, mask = four_pixels_off_by_ten()
    assert psnr(reference, result, mask) == pytest.approx(20 * math.log10(25.5), abs=1e-12)
    assert psnr(reference, result) == pytest.approx(20 * math.log10(255), abs=1e-12)


def test_pixel_metrics_average_over_channels() -> None:
    reference = np.zeros((12, 12, 3), np.uint8)
    result = reference.copy()
    result[..., 1] = 255
    assert l1(reference, result) == 85
    assert psnr(reference, result) == pytest.approx(10 * math.log10(3), abs=1e-12)


@pytest.mark.parametrize("function", [ssim, ssim_uniform])
def test_ssim_of_flat_images_compares_their_brightness_alone(
    function: Callable[..., float],
) -> None:
    reference, result = np.full((2, 16, 19, 3), 100, np.uint8)
    result += 50
    expected = (2 * 100 * 150 + C1) / (100**2 + 150**2 + C1)
    assert function(reference, result) == pytest.approx(expected, abs=1e-12)


def test_uniform_ssim_of_one_window_with_one_bright_pixel() -> None:
    """Mean 49 / 49 = 1, sample variance (49^2 - 49) / 48 = 49, covariance 0."""
    reference = np.zeros((7, 7, 3), np.uint8)
    result = reference.copy()
    result[2, 5] = 49
    expected = C1 * C2 / ((1 + C1) * (49 + C2))
    assert ssim_uniform(reference, result) == pytest.approx(expected, abs=1e-14)


def test_gaussian_ssim_of_one_window_with_one_bright_pixel() -> None:
    """The centre's weight is w: mean 200 w, population variance 200^2 (w - w^2)."""
    reference = np.zeros((11, 11, 3), np.uint8)
    result = reference.copy()
    result[5, 5] = 200
    weight = 1 / sum(math.exp(-(x**2) / (2 * 1.5**2)) for x in range(-5, 6)) ** 2
    mean, variance = 200 * weight, 200**2 * (weight - weight**2)
    expected = C1 * C2 / ((mean**2 + C1) * (variance + C2))
    assert ssim(reference, result) == pytest.approx(expected, abs=1e-14)


@pytest.mark.parametrize(("function", "radius"), [(ssim, 5), (ssim_uniform, 3)])
def test_ssim_of_a_hole_feels_changes_within_the_window_alone(
    function: Callable[..., float], radius: int
) -> None:
    reference, _, _ = noisy()
    result = reference.copy()
    result[20, 20] ^= 255
    for distance, feels in ((radius, True), (radius + 1, False)):
        mask = np.zeros(reference.shape[:2], np.bool_)
        mask[20, 20 + distance] = True
        assert (function(reference, result, mask) < 1) is feels


def test_identical_images() -> None:
    reference, _, mask = noisy()
    best = {
        "l1": 0.0, "psnr": math.inf, "ssim": 1.0, "ssim_uniform": 1.0,
        "efficientnet_distance": 0.0, "squeezenet_distance": 0.0,
    }  # fmt: skip
    expected = best | {f"{name}_hole": value for name, value in best.items()}
    compared = [name for name in NAMES if METRICS[name].needs_reference]
    assert score(reference, reference.copy(), mask, compared) == expected


def test_blur_grows_with_a_gaussian_and_needs_no_reference() -> None:
    _, result, mask = noisy()
    blurred = cv2.GaussianBlur(result, (0, 0), 2)
    nothing = np.zeros_like(result)
    sharp, soft = (score(nothing, image, mask, ["blur_effect"]) for image in (result, blurred))
    assert sharp == score(result, result, mask, ["blur_effect"])
    rows, columns = (slice(lines.min(), lines.max() + 1) for lines in np.nonzero(mask))
    box = cv2.cvtColor(result[rows, columns], cv2.COLOR_RGB2GRAY) / 255.0
    assert sharp["blur_effect_hole"] == pytest.approx(blur_effect(box))
    assert 0 < sharp["blur_effect"] < soft["blur_effect"] < 1
    assert sharp["blur_effect_hole"] < soft["blur_effect_hole"]


def test_blur_of_a_plain_image_is_undefined() -> None:
    plain = np.full((40, 50, 3), 7, np.uint8)
    assert math.isnan(score(plain, plain, plain[..., 0] > 0, ["blur_effect"])["blur_effect"])


def test_score_gives_the_values_of_the_functions() -> None:
    case = noisy()
    scores = score(*case, FUNCTIONS)
    assert list(scores) == [key for name in FUNCTIONS for key in (name, f"{name}_hole")]
    for name, function in FUNCTIONS.items():
        assert scores[name] == function(case[0], case[1])
        assert scores[f"{name}_hole"] == function(*case)
        assert scores[name] != scores[f"{name}_hole"]


def test_score_of_the_whole_image_alone() -> None:
    reference, result, mask = noisy()
    scores = score(reference, result, np.zeros_like(mask), ["ssim", "l1"], hole=False)
    assert scores == {"ssim": ssim(reference, result), "l1": l1(reference, result)}


def test_score_passes_options_on() -> None:
    case = noisy()
    scores = score(*case, ["ssim", "ssim_uniform"], {"ssim": {"sigma": 2}, "l1": {}})
    assert scores["ssim_hole"] == ssim(*case, sigma=2) != ssim(*case)
    assert scores["ssim_uniform"] == ssim_uniform(case[0], case[1])
    wider = score(*case, ["ssim_uniform"], {"ssim_uniform": {"window": 9}})
    assert wider["ssim_uniform_hole"] == ssim_uniform(*case, window=9) != ssim_uniform(*case)


def test_an_added_metric_is_computed_once_for_image_and_hole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[ImagePair] = []

    def changed_rows(pair: ImagePair) -> Scores:
        calls.append(pair)
        return Scores(pair.rows.stop - pair.rows.start, 7)

    added = dataclasses.replace(METRICS["l1"], name="rows", function=changed_rows)
    monkeypatch.setitem(METRICS, "rows", added)
    assert score(*noisy(), ["rows"]) == {"rows": 25, "rows_hole": 7}
    assert len(calls) == 1


@pytest.mark.parametrize("layout", ["fortran", "mirrored", "every second", "read-only"])
def test_values_do_not_depend_on_memory_layout(layout: str) -> None:
    reference, result, mask = noisy()
    expected = score(reference, result, mask, NAMES)
    reference, result, mask = (in_layout(array, layout) for array in (reference, result, mask))
    assert score(reference, result, mask, NAMES) == expected


def in_layout(array: np.ndarray, layout: str) -> np.ndarray:
    """The same values at other places in memory."""
    if layout == "fortran":
        return np.asfortranarray(array)
    if layout == "mirrored":
        return array[:, ::-1].copy()[:, ::-1]
    if layout == "every second":
        return array.repeat(2, axis=0).repeat(2, axis=1)[::2, ::2]
    fixed = array.copy()
    fixed.flags.writeable = False
    return fixed


def test_inputs_are_left_alone() -> None:
    case = noisy()
    before = [array.copy() for array in case]
    score(*case, NAMES)
    assert all(np.array_equal(array, copy) for array, copy in zip(case, before, strict=True))


def test_same_bits_on_every_run_and_in_threads() -> None:
    case = noisy(150, 131)
    expected = score(*case, NAMES)
    with ThreadPoolExecutor(4) as executor:
        again = list(executor.map(lambda _: score(*case, NAMES), range(12)))
    assert all(scores == expected for scores in again)


def test_descriptions_state_the_options_in_use() -> None:
    assert METRICS["psnr"].describe() == {
        "name": "psnr",
        "label": "PSNR",
        "unit": "dB",
        "better": "higher",
        "decimals": 3,
        "definition": METRICS["psnr"].definition,
        "options": {},
        "across_resolutions": True,
        "needs_reference": True,
    }
    # Its window is fixed in pixels: the same artefact gains with resolution.
    assert METRICS["ssim"].describe()["across_resolutions"] is False
    assert "sigma 1.5 px" in METRICS["ssim"].describe()["definition"]
    described = METRICS["ssim"].describe({"sigma": 2.0})
    assert "sigma 2.0 px" in described["definition"]
    assert described["options"] == {"sigma": 2.0}
    assert "9 x 9" in METRICS["ssim_uniform"].describe({"window": 9})["definition"]


def test_good_options_are_accepted() -> None:
    check_options(NAMES, {"ssim": {"sigma": 2}, "ssim_uniform": {"window": 11}})
    check_options(["l1"])


@pytest.mark.parametrize(
    ("names", "options", "message"),
    [
        (["fid"], {}, "'fid'.*l1, psnr, ssim, ssim_uniform"),
        (["l1"], {"sim": {}}, "'sim'.*l1, psnr, ssim, ssim_uniform"),
        (["ssim"], {"ssim": {"sigmas": 2}}, "ssim.*'sigmas'.*sigma"),
        (["l1"], {"l1": {"window": 3}}, "l1.*'window'.*none"),
        *[
            (["ssim"], {"ssim": {"sigma": bad}}, "ssim: sigma.*between 0 and 100")
            for bad in (0, -1.5, 100, math.nan, math.inf, "2", True, None)
        ],
        *[
            (["ssim_uniform"], {"ssim_uniform": {"window": bad}}, "window.*odd.*from 3 up")
            for bad in (8, 1, -7, 7.0, "7", True)
        ],
    ],
)
def test_bad_options_are_refused(names: list[str], options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_options(names, options)
    with pytest.raises(ValueError, match=message):
        score(*noisy(), names, options)


def test_bad_arguments_of_the_functions_are_refused() -> None:
    reference, result, _ = noisy()
    with pytest.raises(ValueError, match="sigma"):
        ssim(reference, result, sigma=0)
    with pytest.raises(ValueError, match="window"):
        ssim_uniform(reference, result, window=6)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_bad_images_are_refused(name: str) -> None:
    function = FUNCTIONS[name]
    image, mask = np.zeros((16, 16, 3), np.uint8), np.ones((16, 16), np.bool_)
    for bad, message in (
        (np.zeros((16, 17, 3), np.uint8), "one shape"),
        (np.zeros((16, 16, 3)), "result must be uint8.*float64"),
        (np.zeros((16, 16), np.uint8), r"result must be uint8.*\(16, 16\)"),
        (np.zeros((16, 16, 4), np.uint8), r"result must be uint8.*\(16, 16, 4\)"),
        (np.zeros((0, 16, 3), np.uint8), r"result must be uint8.*\(0, 16, 3\)"),
        (image.tolist(), "result must be uint8.*is list, not an array"),
    ):
        with pytest.raises(ValueError, match=message):
            function(image, bad, mask)
    with pytest.raises(ValueError, match="reference must be uint8"):
        function(image.astype(np.int16), image)
    for bad_mask, message in (
        (mask[:, :-1], r"mask must be bool \(16, 16\)"),
        (mask.astype(np.uint8), "mask must be bool.*uint8.*; mask > 127 turns"),
        (~mask, "no hole pixel"),
    ):
        with pytest.raises(ValueError, match=message):
            function(image, image, bad_mask)


@pytest.mark.parametrize(("function", "side"), [(ssim, 11), (ssim_uniform, 7)])
def test_images_smaller_than_the_window_are_refused(
    function: Callable[..., float], side: int
) -> None:
    for height, width in ((side - 1, 30), (30, side - 1)):
        image = np.zeros((height, width, 3), np.uint8)
        with pytest.raises(ValueError, match=f"{width} x {height}.*window of {side} x {side}"):
            function(image, image)
    exact = np.zeros((side, side, 3), np.uint8)
    assert function(exact, exact) == 1
