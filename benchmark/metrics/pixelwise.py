"""Metrics of single pixels: mean absolute difference and peak signal-to-noise ratio."""

from __future__ import annotations

import math

import cv2
import numpy as np

from benchmark.metrics.metric import ImagePair, Metric, Scores, checked_pair
from methods.base import Image, Mask

PEAK = 255


def l1(reference: Image, result: Image, mask: Mask | None = None) -> float:
    """Return the mean absolute difference ``mean(|x - y|)`` over pixels and channels.

    Parameters
    ----------
    reference, result
        uint8 (H, W, 3).
    mask
        bool (H, W), True = hole. If given, the mean is over hole pixels only.

    Returns
    -------
    float
        0 (identical) to 255, in grey levels. Equals numpy's mean of absolute differences.

    Raises
    ------
    ValueError
        If an array has another type or shape, or the mask has no hole pixel.
    """
    return _l1(checked_pair(reference, result, mask)).selected


def psnr(reference: Image, result: Image, mask: Mask | None = None) -> float:
    """Return the peak signal-to-noise ratio ``10 log10(255^2 / mean((x - y)^2))``.

    The mean square is one mean over pixels and channels.

    Parameters
    ----------
    reference, result
        uint8 (H, W, 3).
    mask
        bool (H, W), True = hole. If given, the mean is over hole pixels only.

    Returns
    -------
    float
        In dB, 0 or more; inf for identical pixels. Agrees with scikit-image's
        ``peak_signal_noise_ratio`` to 1e-13.

    Raises
    ------
    ValueError
        If an array has another type or shape, or the mask has no hole pixel.
    """
    return _psnr(checked_pair(reference, result, mask)).selected


def _l1(pair: ImagePair) -> Scores:
    return _mean_difference(pair, cv2.NORM_L1)


def _psnr(pair: ImagePair) -> Scores:
    whole, hole = _mean_difference(pair, cv2.NORM_L2SQR)
    return Scores(_decibel(whole), None if hole is None else _decibel(hole))


def _decibel(mean_square: float) -> float:
    return 10 * math.log10(PEAK**2 / mean_square) if mean_square else math.inf


def _mean_difference(pair: ImagePair, norm: int) -> Scores:
    box = pair.rows, pair.columns
    reference, result = pair.reference[box], pair.result[box]
    # The sums are whole numbers: rounding makes them exact whatever code path OpenCV takes.
    whole = round(cv2.norm(reference, result, norm)) / pair.reference.size
    if pair.mask is None:
        return Scores(whole, None)
    hole = round(cv2.norm(reference, result, norm, pair.mask[box].astype(np.uint8)))
    return Scores(whole, hole / (3 * int(np.count_nonzero(pair.mask))))


L1 = Metric(
    name="l1",
    label="L1",
    unit="0-255",
    better="lower",
    definition="mean absolute difference, 0-255, over all pixels and RGB",
    function=_l1,
)
PSNR = Metric(
    name="psnr",
    label="PSNR",
    unit="dB",
    better="higher",
    definition="peak 255, one mean square over all pixels and RGB of an image",
    function=_psnr,
)
