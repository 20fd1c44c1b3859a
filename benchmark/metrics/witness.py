"""Scores by scikit-image and numpy, which share no code with the suite's own metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmark.metrics.ssim import SIGMA, WINDOW
from methods.base import Image, Mask

# Over the whole image and over the hole.
Means = tuple[float, float]

PACKAGES = ("scikit-image", "numpy")


def witness_scores(
    reference: Image,
    result: Image,
    mask: Mask,
    names: Iterable[str],
    options: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, float]:
    """Compute metrics as `benchmark.metrics.score` does, those that have a witness."""
    scores: dict[str, float] = {}
    for name in names:
        if name in WITNESSES:
            own = (options or {}).get(name, {})
            whole, hole = WITNESSES[name](reference, result, mask, **own)
            scores[name], scores[f"{name}_hole"] = float(whole), float(hole)
    return scores


def versions() -> dict[str, str]:
    """Return distribution -> version of what computes these scores."""
    return {package: version(package) for package in PACKAGES}


def _l1(reference: Image, result: Image, mask: Mask) -> Means:
    differences = np.abs(reference.astype(np.int16) - result)
    return differences.mean(), differences[mask].mean()


def _psnr(reference: Image, result: Image, mask: Mask) -> Means:
    # Imported late: it takes longer than to score a case, and only one is scored here.
    from skimage.metrics import peak_signal_noise_ratio

    with np.errstate(divide="ignore"):
        whole = peak_signal_noise_ratio(reference, result, data_range=255)
        hole = peak_signal_noise_ratio(reference[mask], result[mask], data_range=255)
    return whole, hole


def _ssim(reference: Image, result: Image, mask: Mask, sigma: float = SIGMA) -> Means:
    window = {"gaussian_weights": True, "sigma": sigma, "use_sample_covariance": False}
    return _mean_ssim(reference, result, mask, int(3.5 * sigma + 0.5), window)


def _ssim_uniform(reference: Image, result: Image, mask: Mask, window: int = WINDOW) -> Means:
    return _mean_ssim(reference, result, mask, window // 2, {"win_size": window})


def _mean_ssim(
    reference: Image, result: Image, mask: Mask, radius: int, window: Mapping[str, Any]
) -> Means:
    """Average 1 - SSIM over what differs and two radii around it: it is 0 everywhere else."""
    from skimage.metrics import structural_similarity

    losses: NDArray[np.float64] = np.zeros(mask.shape)
    differs = (reference != result).any(axis=2)
    if differs.any():
        rows, columns = (_around(differs.any(axis=axis), 2 * radius) for axis in (1, 0))
        box = rows, columns
        _, similarity = structural_similarity(
            reference[box], result[box], channel_axis=2, data_range=255, full=True, **window
        )
        losses[box] = (1 - similarity).mean(axis=2)
    inside = losses[radius : losses.shape[0] - radius, radius : losses.shape[1] - radius]
    return 1 - inside.mean(), 1 - losses[mask].mean()


def _around(selected: np.ndarray, margin: int) -> slice:
    """Return the span of the selected places with a margin."""
    places = np.flatnonzero(selected)
    return slice(max(0, int(places[0]) - margin), int(places[-1]) + 1 + margin)


WITNESSES: dict[str, Callable[..., Means]] = {
    "l1": _l1,
    "psnr": _psnr,
    "ssim": _ssim,
    "ssim_uniform": _ssim_uniform,
}
