"""Speed and agreement of the metrics, beside scikit-image in one run.

python -m tests.bench.metrics_bench                    seconds and ratios, one 2048 x 2048 case
python -m tests.bench.metrics_bench --agreement DIR    largest differences over the photographs
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from benchmark.inputs.holes import MiddleThird
from benchmark.metrics import METRICS, checked_pair, score
from methods.base import Image, Mask
from methods.images import SUFFIXES, read_rgb

SIZE = 2048
GAUSSIAN = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}

# Those that scikit-image has too.
EXACT = ("l1", "psnr", "ssim", "ssim_uniform")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--agreement", type=Path, metavar="DIR", help="folder of photographs")
    parser.add_argument("--repeats", type=int, default=5, help="the best of so many is printed")
    arguments = parser.parse_args()
    if arguments.agreement is None:
        speed(arguments.repeats)
        return
    paths = sorted(p for p in arguments.agreement.glob("*") if p.suffix.lower() in SUFFIXES)
    if not paths:
        parser.error(f"{arguments.agreement} holds no images ({', '.join(SUFFIXES)})")
    agreement(paths)


def speed(repeats: int) -> None:
    """Best times, the contestants taking turns."""
    rng = np.random.default_rng(0)
    mask = MiddleThird(kind="middle-third").draw(SIZE, SIZE, "")
    reference = rng.integers(0, 256, (SIZE, SIZE, 3), np.uint8)
    result = reference.copy()
    result[mask] = rng.integers(0, 256, (mask.sum(), 3))
    contestants: dict[str, Callable[[], object]] = {
        "scikit-image Gaussian SSIM, whole image": partial(by_scikit_image, reference, result),
        "the four exact metrics, image and hole": partial(score, reference, result, mask, EXACT),
        "the same without the box of changes": partial(everywhere, reference, result, mask),
    }
    for name, metric in METRICS.items():
        if missing := metric.missing():
            print(f"{name}: left out, {missing}")
        else:
            contestants[f"{name}, image and hole"] = partial(score, reference, result, mask, [name])
    score(reference, result, mask, EXACT)
    best = dict.fromkeys(contestants, float("inf"))
    for _ in range(repeats):
        for name, work in contestants.items():
            started = time.perf_counter()
            work()
            best[name] = min(best[name], time.perf_counter() - started)
    first = next(iter(best.values()))
    print(f"{SIZE} x {SIZE}, middle third changed; best of {repeats}; numba compiled beforehand\n")
    print(f"{'':42}{'seconds':>9}{'faster':>9}")
    for name, seconds in best.items():
        print(f"{name:42}{seconds:9.4f}{first / seconds:8.1f}x")


def everywhere(reference: Image, result: Image, mask: Mask) -> list[object]:
    """All metrics with the whole image for the box of changes."""
    pair = checked_pair(reference, result, mask)
    pair = replace(pair, rows=slice(0, SIZE), columns=slice(0, SIZE))
    return [METRICS[name].function(pair) for name in EXACT]


def by_scikit_image(reference: Image, result: Image) -> float:
    return structural_similarity(reference, result, channel_axis=2, data_range=255, **GAUSSIAN)


def agreement(paths: list[Path]) -> None:
    """Each photograph twice: its middle third blurred (hole: the middle third), and noise all
    over it (hole: the top left ninth, so that the hole lies at the border)."""
    largest: dict[str, float] = {}
    for path in paths:
        reference = read_rgb(path)
        height, width = reference.shape[:2]
        rows, columns = height // 3, width // 3
        middle, corner = np.zeros((2, height, width), np.bool_)
        middle[rows : 2 * rows, columns : 2 * columns] = True
        corner[:rows, :columns] = True
        blurred = np.where(middle[..., None], cv2.GaussianBlur(reference, (0, 0), 8), reference)
        noise = np.random.default_rng(0).integers(-20, 21, reference.shape)
        noisy = np.clip(reference + noise, 0, 255).astype(np.uint8)
        for result, mask in ((blurred, middle), (noisy, corner)):
            scores = score(reference, result, mask, EXACT)
            for name, value in independent_scores(reference, result, mask).items():
                largest[name] = max(largest.get(name, 0.0), abs(scores[name] - value))
    print(f"Largest absolute difference over {len(paths)} images, 2 results each.\n")
    print("| metric | whole image | hole |\n|---|---|---|")
    for name in EXACT:
        print(f"| `{name}` | {largest[name]:.0e} | {largest[f'{name}_hole']:.0e} |")


def independent_scores(reference: Image, result: Image, mask: Mask) -> dict[str, float]:
    """What `score` should give, from scikit-image and numpy."""
    difference = np.abs(reference.astype(np.float64) - result)
    scores = {
        "l1": difference.mean(),
        "l1_hole": difference[mask].mean(),
        "psnr": peak_signal_noise_ratio(reference, result, data_range=255),
        "psnr_hole": peak_signal_noise_ratio(reference[mask], result[mask], data_range=255),
    }
    for name, options in (("ssim", GAUSSIAN), ("ssim_uniform", {})):
        scores[name], map_ = structural_similarity(
            reference, result, channel_axis=2, data_range=255, full=True, **options
        )
        scores[f"{name}_hole"] = map_[mask].mean()
    return {name: float(value) for name, value in scores.items()}


if __name__ == "__main__":
    main()
