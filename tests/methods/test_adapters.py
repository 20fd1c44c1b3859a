"""What every method promises, and what each one computes."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import ClassVar

import cv2
import numpy as np
import pytest
from skimage.restoration import inpaint_biharmonic

import methods
from methods.base import (
    Inpainter,
    MethodError,
    MissingRequirementError,
    composite,
    known_pixels_changed,
)
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
# HiFill always computes 512 x 512 pixels, for seconds; test_hifill.py has more sizes.
PAIRS = [
    pytest.param(name, case, marks=pytest.mark.slow) if "random" in str(options) else (name, case)
    for name, options in RUNNABLE.items()
    for case in (CASES if name != "hifill" else ("odd",))
]


@cache
def filled(name: str, case: str) -> np.ndarray:
    """The result of a method, with arguments that it has left as they were."""
    image, mask = CASES[case]
    before = image.copy(), mask.copy()
    result = shared(name).inpaint(image, mask)
    assert np.array_equal(image, before[0]) and np.array_equal(mask, before[1])
    return result


@pytest.mark.slow
@pytest.mark.parametrize(("name", "case"), PAIRS)
def test_fills_the_hole_without_reading_it_and_keeps_the_rest(name: str, case: str) -> None:
    image, mask = CASES[case]
    result = filled(name, case)
    assert result.dtype == np.uint8 and result.shape == image.shape
    assert np.array_equal(result[~mask], image[~mask])
    if "random" not in str(RUNNABLE[name]):
        # The scene is bright everywhere: black would be the blanked hole showing through.
        assert result[mask].min() > 15
    # The adapter itself does not read the hole, which the base hands it blanked.
    assert np.array_equal(shared(name).fill(poisoned(image, mask), mask)[mask], result[mask])


def poisoned(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    result = image.copy()
    result[mask] = np.random.default_rng(0).integers(0, 256, (mask.sum(), 3))
    return result


class Careless(Inpainter):
    """Returns what it gets, one grey level brighter."""

    name: ClassVar[str] = "careless"

    def fill(self, image: np.ndarray, mask: np.ndarray) -> np.ndarray:
        return image + np.uint8(1)


def test_a_method_gets_no_pixel_under_the_mask_and_may_change_no_other() -> None:
    image, mask = CASES["odd"]
    result = Careless().inpaint(poisoned(image, mask), mask)
    assert (result[mask] == 1).all() and np.array_equal(result[~mask], image[~mask])


class InPlace(Inpainter):
    """Writes its result and other values into what it is given."""

    name: ClassVar[str] = "in-place"
    summary: ClassVar[str] = "for tests"

    def fill(self, image: np.ndarray, mask: np.ndarray) -> np.ndarray:
        np.logical_not(mask, out=mask)
        image[:] = (9, 8, 7)
        return image


@pytest.mark.parametrize("around", ["", "two-stage:"])
def test_a_method_may_write_into_what_it_is_given(around: str) -> None:
    image, mask = CASES["odd"]
    pristine = image.copy(), mask.copy()
    result = methods.create(f"{around}{__name__}:InPlace").inpaint(image, mask)
    assert np.array_equal(image, pristine[0]) and np.array_equal(mask, pristine[1])
    assert np.array_equal(result[~mask], image[~mask])
    if not around:
        assert (result[mask] == (9, 8, 7)).all()


# Beyond what every method does: OpenCV's shift-map reads outside its arrays at the border.
ELSEWHERE = [
    *((name, "odd") for name in RUNNABLE),
    *(("shiftmap", case) for case in ("centre", "corner", "across")),
]


@pytest.mark.slow
def test_same_results_in_another_process_with_other_memory(tmp_path: Path) -> None:
    """There freed memory is filled with 0x55 (glibc)."""
    code = (
        "import sys, numpy as np; from tests.methods.conftest import create\n"
        "from tests.methods.test_adapters import CASES, ELSEWHERE\n"
        "for name, case in ELSEWHERE:\n"
        "    np.save(f'{sys.argv[1]}/{name} {case}.npy', create(name).inpaint(*CASES[case]))\n"
    )
    subprocess.run(
        [sys.executable, "-c", code, tmp_path], check=True, cwd=ROOT,
        env={**os.environ, "MALLOC_PERTURB_": "85"},
    )  # fmt: skip
    for name, case in ELSEWHERE:
        there = np.load(tmp_path / f"{name} {case}.npy")
        assert np.array_equal(there, filled(name, case)), (name, case)


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


@pytest.mark.parametrize("case", CASES)
def test_biharmonic_is_scikit_images_own(case: str) -> None:
    image, mask = CASES[case]
    blanked = np.where(mask[..., None], np.uint8(0), image)
    # All holes as one system, where the method solves them one after the other.
    solved = inpaint_biharmonic(blanked, mask, channel_axis=2)
    result = methods.create("biharmonic").inpaint(image, mask)
    assert np.array_equal(result[mask], np.rint(solved * 255)[mask])


def test_biharmonic_continues_a_slope_and_neighbouring_holes_at_once() -> None:
    rows, columns = np.mgrid[:40, :50]
    image = np.dstack([3 * rows + 20, 4 * columns + 10, rows + columns]).astype(np.uint8)
    # Rims of holes that are one, two and three pixels apart depend on each other's holes.
    mask = np.zeros((40, 50), bool)
    for left in (8, 15, 23, 32):
        mask[12:26, left : left + 6] = True
    result = methods.create("biharmonic").inpaint(image, mask)
    assert np.array_equal(result, image)


def test_biharmonic_refuses_a_hole_that_would_take_too_much() -> None:
    image = scene(9, 64, 64)
    mask = box(64, 64, slice(4, 14), slice(4, 14)) | box(64, 64, slice(30, 41), slice(4, 14))
    assert methods.create("biharmonic", most_pixels=110).inpaint(image, mask)[mask].min() > 15
    with pytest.raises(MethodError, match=r"hole of 110 pixels .* most_pixels \(109\)"):
        methods.create("biharmonic", most_pixels=109).inpaint(image, mask)


@pytest.mark.slow
def test_shiftmap_copies_known_pixels_at_full_resolution() -> None:
    # Two colours, which any resampling would mix; texture takes OpenCV three times as long.
    image = np.full((606, 808, 3), (200, 60, 90), np.uint8)
    image[:, 770:] = (40, 150, 220)
    # In the corner, where OpenCV's own way with images of this size writes outside its arrays.
    mask = box(606, 808, slice(560, 606), slice(740, 808))
    result = methods.create("shiftmap").inpaint(image, mask)
    known = {tuple(pixel) for pixel in image[0]}
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


def test_wrong_pairs_are_refused() -> None:
    image, mask = CASES["centre"]
    method = Careless()
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
