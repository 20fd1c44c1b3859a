"""Metrics of single pixels: mean absolute difference and peak signal-to-noise ratio."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from benchmark.metrics.metric import Metric, Scores
from benchmark.metrics.pair import Pair, checked_pair
from methods.base import Image, Mask

PEAK = 255


def l1(reference: Image, result: Image, mask: Mask | None = None) -> float:
    """Mean absolute difference over pixels and channels, 0 ... 255; over the hole with `mask`.

    reference, result: uint8 (H, W, 3); mask: bool (H, W), True = hole. Raises ValueError."""
    whole, hole = _l1(checked_pair(reference, result, mask))
    return whole if hole is None else hole


def psnr(reference: Image, result: Image, mask: Mask | None = None) -> float:
    """10 log10(255^2 / mean squared difference) in dB, the mean over pixels and channels; inf
    where nothing differs; over the hole with `mask`.

    reference, result: uint8 (H, W, 3); mask: bool (H, W), True = hole. Raises ValueError."""
    whole, hole = _psnr(checked_pair(reference, result, mask))
    return whole if hole is None else hole


def _l1(pair: Pair) -> Scores:
    return _means(pair, squared=False)


def _psnr(pair: Pair) -> Scores:
    whole, hole = _means(pair, squared=True)
    return Scores(_decibel(whole), None if hole is None else _decibel(hole))


def _decibel(mean_square: float) -> float:
    return 10 * math.log10(PEAK**2 / mean_square) if mean_square else math.inf


def _means(pair: Pair, squared: bool) -> Scores:
    """Means of absolute or squared differences: exact sums of whole numbers, one division."""
    box = pair.rows, pair.columns
    size = pair.reference.size
    # Copies, because numba compiles anew for views and for read-only arrays.
    reference, result = pair.reference[box].copy(), pair.result[box].copy()
    if pair.mask is None:
        whole, _ = _sums(reference, result, np.zeros(reference.shape[:2], np.bool_), squared)
        return Scores(whole / size, None)
    whole, hole = _sums(reference, result, pair.mask[box].copy(), squared)
    return Scores(whole / size, hole / (3 * int(np.count_nonzero(pair.mask))))


@njit(nogil=True, cache=True)
def _sums(x: Image, y: Image, hole: Mask, squared: bool) -> tuple[int, int]:
    """Sum of differences over all pixels of uint8 (h, w, 3), and over bool (h, w) alone."""
    whole = inside = 0
    for i in range(hole.shape[0]):
        for j in range(hole.shape[1]):
            total = 0
            for c in range(3):
                # Signed before the subtraction: bytes would wrap around.
                difference = np.int64(x[i, j, c]) - np.int64(y[i, j, c])
                total += int(difference * difference if squared else abs(difference))
            whole += total
            inside += total * hole[i, j]
    return whole, inside


L1 = Metric(
    name="l1",
    label="L1",
    unit="0-255",
    better="lower",
    decimals=3,
    definition="mean absolute difference, 0-255, over all pixels and RGB",
    function=_l1,
)
PSNR = Metric(
    name="psnr",
    label="PSNR",
    unit="dB",
    better="higher",
    decimals=3,
    definition="peak 255, one mean square over all pixels and RGB of an image",
    function=_psnr,
)
