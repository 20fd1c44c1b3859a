"""What every method promises, and what each one computes."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest

import methods
from methods.base import MissingRequirementError, composite, known_pixels_changed
from tests.methods.conftest import RUNNABLE, box, create, scene
from tests.paths import ROOT

CASES = {
    "centre": (scene(1, 96, 96), box(96, 96, slice(32, 64), slice(32, 64))),
    "odd": (scene(2, 97, 130), box(97, 130, slice(20, 61), slice(33, 70))),
    "corner": (scene(3, 80, 64), box(80, 64, slice(0, 20), slice(44, 64))),
    "across": (scene(4, 64, 90), box(64, 90, slice(0, 64), slice(40, 47))),
    "dot": (scene(5, 64, 64), box(64, 64, slice(30, 31), slice(30, 31))),
}


# Each method, loaded once.
shared = cache(create)
# Networks take seconds.
METHODS = [
    pytest.param(name, marks=pytest.mark.slow) if "random" in str(options) else name
    for name, options in RUNNABLE.items()
]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", METHODS)
def test_fills_the_hole_and_keeps_the_rest(name: str, case: str) -> None:
    image, mask = CASES[case]
    before = image.copy(), mask.copy()
    result = shared(name).inpaint(image, mask)
    assert result.dtype == np.uint8 and result.shape == image.shape
    assert np.array_equal(result[~mask], image[~mask])
    if "random" not in str(RUNNABLE[name]):
        # The scene is bright everywhere: black would be the blanked hole showing through.
        assert result[mask].min() > 15
    assert np.array_equal(image, before[0]) and np.array_equal(mask, before[1])


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", METHODS)
def test_pixels_under_the_mask_are_never_read(name: str, case: str) -> None:
    image, mask = CASES[case]
    poisoned = image.copy()
    poisoned[mask] = np.random.default_rng(0).integers(0, 256, (mask.sum(), 3))
    method = shared(name)
    assert np.array_equal(method.inpaint(image, mask), method.inpaint(poisoned, mask))
    # Nor by the adapter itself, which is handed a blanked image by the base.
    assert np.array_equal(method.fill(image, mask)[mask], method.fill(poisoned, mask)[mask])


@pytest.mark.slow
@pytest.mark.parametrize("name", RUNNABLE)
def test_same_result_in_another_process(name: str, tmp_path: Path) -> None:
    image, mask = CASES["odd"]
    np.save(tmp_path / "image.npy", image)
    np.save(tmp_path / "mask.npy", mask)
    code = (
        "import sys, numpy as np; from tests.methods.conftest import create\n"
        "folder, name = sys.argv[1:]\n"
        "image, mask = np.load(folder + '/image.npy'), np.load(folder + '/mask.npy')\n"
        "np.save(folder + '/result.npy', create(name).inpaint(image, mask))\n"
    )
    subprocess.run([sys.executable, "-c", code, tmp_path, name], check=True, cwd=ROOT)
    here = create(name).inpaint(image, mask)
    assert np.array_equal(here, np.load(tmp_path / "result.npy"))


def test_patchmatch_seed_matters() -> None:
    image, mask = CASES["centre"]
    results = [methods.create("patchmatch", seed=seed).inpaint(image, mask) for seed in (0, 1, 0)]
    assert np.array_equal(results[0], results[2])
    assert not np.array_equal(results[0], results[1])


def test_opencv_methods_are_opencvs_own_with_radius_three() -> None:
    image, mask = CASES["odd"]
    blanked = image.copy()
    blanked[mask] = 0
    for name, flag in (("telea", cv2.INPAINT_TELEA), ("navier-stokes", cv2.INPAINT_NS)):
        bgr = cv2.inpaint(blanked[..., ::-1].copy(), mask.astype(np.uint8) * 255, 3, flag)
        assert np.array_equal(methods.create(name).inpaint(image, mask), bgr[..., ::-1])


def test_shiftmap_copies_known_pixels_at_full_resolution() -> None:
    rng = np.random.default_rng(7)
    tile = rng.integers(40, 255, (50, 50, 3), dtype=np.uint8)
    image = np.tile(tile, (18, 26, 1))
    # In the corner, where OpenCV's own way with images of this size writes outside its arrays.
    mask = box(900, 1300, slice(780, 900), slice(1140, 1300))
    result = methods.create("shiftmap").inpaint(image, mask)
    known = {tuple(pixel) for pixel in tile.reshape(-1, 3)}
    assert {tuple(pixel) for pixel in result[mask]} <= known


def test_shiftmap_fills_what_no_offset_reaches() -> None:
    image = scene(8, 31, 30)
    mask = box(31, 30, slice(7, 23), slice(0, 30))
    result = methods.create("shiftmap").inpaint(image, mask)
    known = {tuple(pixel) for pixel in image[~mask]}
    assert {tuple(pixel) for pixel in result[mask]} <= known


def test_patchmatch_without_its_native_library_is_a_missing_requirement(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("patchmatch.patch_match.patchmatch_available", False)
    with pytest.raises(MissingRequirementError, match="native library"):
        methods.create("patchmatch").load()


@pytest.mark.parametrize("name", RUNNABLE)
def test_wrong_pairs_are_refused(name: str) -> None:
    image, mask = CASES["centre"]
    method = shared(name)
    wrong = [
        (image, np.zeros_like(mask)),
        (image, np.ones_like(mask)),
        (image, mask[:-1]),
        (image, mask.astype(np.uint8)),
        (image[..., 0], mask),
        (image.astype(np.float32), mask),
    ]
    for bad_image, bad_mask in wrong:
        with pytest.raises(ValueError):
            method.inpaint(bad_image, bad_mask)


def test_composite_and_count_by_hand() -> None:
    image = np.full((4, 4, 3), 100, np.uint8)
    mask = box(4, 4, slice(0, 2), slice(0, 2))
    raw = np.full((4, 4, 3), 100, np.uint8)
    raw[0, 0] = 7
    raw[3, 3, 1] = 101
    raw[2, 0] = 99
    assert known_pixels_changed(image, raw, mask) == 2
    expected = image.copy()
    expected[0, 0] = 7
    assert np.array_equal(composite(image, raw, mask), expected)
