"""Matched detail: what a user sees in the hole, for holes of every kind."""

from __future__ import annotations

import os
import subprocess
import sys

import cv2
import numpy as np
import pytest

import methods
from methods.base import blank
from tests.methods.conftest import box, scene
from tests.paths import ROOT

WORKING_SIZE = 64


def checks(height: int, width: int) -> np.ndarray:
    """A fine checkerboard on a coarse one. A small pixel of 8 averages the fine one away."""
    rows, columns = np.mgrid[:height, :width]
    coarse = 40 * ((rows // 32 + columns // 32) % 2)
    fine = 50 * ((rows // 2 + columns // 2) % 2)
    return np.repeat((80 + coarse + fine)[..., None], 3, axis=2).astype(np.uint8)


def filled(image: np.ndarray, mask: np.ndarray, refinement: str = "matched") -> np.ndarray:
    options = {"working_size": WORKING_SIZE, "refinement": refinement, "seed": 1}
    return methods.create("two-stage:patchmatch", **options).inpaint(image, mask)


def test_texture_finer_than_the_small_image_comes_back() -> None:
    """Where stage one alone is flat, the pattern goes on at full contrast and in phase."""
    image = checks(512, 512)
    mask = box(512, 512, slice(200, 312), slice(200, 312))
    middle = slice(240, 272), slice(240, 272)
    flat, matched = (filled(image, mask, kind)[middle] for kind in ("none", "matched"))
    assert image[middle].std() > 25 and flat.std() < 25
    assert np.abs(matched.astype(int) - image[middle]).mean() < 5
    assert np.abs(flat.astype(int) - image[middle]).mean() > 20


def test_detail_is_that_of_the_surroundings_where_the_small_image_shows_none() -> None:
    """Ripples of water and the sky are the same grey when they are small."""
    image = np.full((512, 512, 3), 128, np.uint8)
    rows, columns = np.mgrid[:512, 256:512]
    image[:, 256:] = (103 + 50 * ((rows // 2 + columns // 2) % 2))[..., None]
    mask = box(512, 512, slice(180, 332), slice(330, 482))
    inside = filled(image, mask)[196:316, 346:466, 0].reshape(15, 8, 15, 8)
    assert (inside.std(axis=(1, 3)) > 15).mean() > 0.95


def strokes(height: int, width: int) -> np.ndarray:
    mask = np.zeros((height, width), np.uint8)
    for seed in range(6):
        ends = np.random.default_rng(seed).integers(0, (width, height), (2, 2))
        cv2.line(mask, ends[0].tolist(), ends[1].tolist(), 1, 7)
    return mask.view(np.bool_)


def known_speckles(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).random((height, width)) < 0.9


def most(height: int, width: int) -> np.ndarray:
    return box(height, width, slice(height // 8, None), slice(0, width * 4 // 5))


def several(height: int, width: int) -> np.ndarray:
    top = box(height, width, slice(0, height // 4), slice(width // 2, width * 3 // 4))
    return top | box(height, width, slice(height // 2, height * 3 // 4), slice(0, width // 4))


def thin(height: int, width: int) -> np.ndarray:
    return box(height, width, slice(height // 2, height // 2 + 1), slice(5, width - 5))


def all_but_a_corner(height: int, width: int) -> np.ndarray:
    return ~box(height, width, slice(0, 3), slice(0, 3))


@pytest.mark.parametrize("size", [(256, 256), (203, 331), (17, 300), (301, 97), (64, 64), (40, 30)])
@pytest.mark.parametrize("hole", [strokes, several, thin, most, known_speckles, all_but_a_corner])
def test_any_hole_in_any_photograph(hole: object, size: tuple[int, int]) -> None:
    image, mask = scene(3, *size), hole(*size)  # type: ignore[operator]
    options = {"working_size": WORKING_SIZE, "refinement": "matched"}
    method = methods.create("two-stage:telea", **options)
    raw = method.fill(blank(image, mask), mask)
    result = method.inpaint(image, mask)
    assert np.array_equal(raw[~mask], image[~mask])
    # The scene is bright everywhere: black would be the blanked hole showing through.
    assert np.percentile(result[mask], 1) > 15


def test_the_hole_is_not_read() -> None:
    image, mask = scene(4, 200, 170), strokes(200, 170)
    other = image.copy()
    other[mask] = 255 - image[mask]
    assert np.array_equal(filled(image, mask), filled(other, mask))


def test_a_photograph_within_the_working_size_is_stage_ones_alone() -> None:
    image, mask = scene(5, 60, 64), box(60, 64, slice(20, 40), slice(20, 40))
    plain = methods.create("patchmatch", seed=1).inpaint(image, mask)
    assert np.array_equal(filled(image, mask), plain)


def test_a_hole_that_vanishes_when_reduced_gets_detail_too() -> None:
    image = checks(512, 512)
    mask = box(512, 512, slice(201, 203), slice(100, 400))
    result = filled(image, mask)
    assert result[mask].std() > 0.8 * image[mask].std()


def test_seeds_and_threads() -> None:
    image, mask = scene(6, 200, 170), several(200, 170)
    options = {"working_size": WORKING_SIZE, "refinement": "matched"}
    results = [
        methods.create("two-stage:telea", seed=seed, **options).inpaint(image, mask)
        for seed in (1, 1, 2)
    ]
    assert np.array_equal(results[0], results[1])
    assert not np.array_equal(results[0], results[2])


@pytest.mark.slow
def test_the_same_bytes_whatever_the_number_of_threads() -> None:
    code = (
        "import hashlib; from tests.methods.texture.test_matched import *\n"
        "image, mask = scene(7, 300, 280), strokes(300, 280)\n"
        "print(hashlib.sha256(filled(image, mask)).hexdigest())"
    )
    names = ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS")
    digests = [
        subprocess.run(
            [sys.executable, "-c", code], check=True, cwd=ROOT, capture_output=True, text=True,
            env={**os.environ, **dict.fromkeys(names, threads)},
        ).stdout
        for threads in ("1", "2")
    ]  # fmt: skip
    assert digests[0] == digests[1] and len(digests[0]) == 65
