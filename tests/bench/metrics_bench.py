"""Speed and agreement of the metrics, beside scikit-image in one run.

python -m tests.bench.metrics_bench              seconds and ratios
python -m tests.bench.metrics_bench --agreement  largest differences on the demo photographs
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from benchmark.metrics import METRICS, score
from benchmark.metrics.ssim import ssim
from methods import create
from methods.base import Image, Mask
from methods.images import read_rgb
from methods.resample import nearest

DEMO = Path(__file__).resolve().parents[2] / "datasets" / "demo"
COLOUR = {"channel_axis": 2, "data_range": 255}
GAUSSIAN = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--agreement", action="store_true")
    agreement() if parser.parse_args().agreement else speed()


def speed() -> None:
    """One 2048x2048 case with the middle-third hole; best of several runs, compiled before."""
    reference, result, mask = _case(next(DEMO.glob("*.jpg")))
    score(reference, result, mask, METRICS)
    everywhere = np.bitwise_xor(reference, 1)
    rows: list[tuple[str, float]] = [
        (
            "scikit-image SSIM (Gaussian), alone",
            _best(lambda: structural_similarity(reference, result, **COLOUR, **GAUSSIAN), 3),
        ),
        ("our SSIM, every pixel changed", _best(lambda: ssim(reference, everywhere), 5)),
        ("our SSIM, the hole changed", _best(lambda: ssim(reference, result), 9)),
        (
            "our L1, PSNR, both SSIMs, image and hole",
            _best(lambda: score(reference, result, mask, METRICS), 9),
        ),
    ]
    print(f"{'2048x2048, middle-third hole':42} {'ms':>8} {'faster':>8}")
    for name, seconds in rows:
        print(f"{name:42} {seconds * 1000:8.1f} {rows[0][1] / seconds:7.1f}x")


def agreement() -> None:
    """Largest absolute difference to scikit-image over photographs, resolutions and methods."""
    largest: dict[str, float] = {}
    cases = 0
    for path in sorted(DEMO.glob("*.jpg")):
        for size in (1024, 2048):
            cases += 1
            reference, result, mask = _case(path, size)
            scores = score(reference, result, mask, METRICS)
            for name, value in _by_scikit_image(reference, result, mask).items():
                largest[name] = max(largest.get(name, 0.0), abs(scores[name] - value))
    print(f"largest absolute difference to scikit-image / numpy, {cases} cases")
    for name, value in largest.items():
        print(f"{name:20} {value:.1e}")


def _by_scikit_image(reference: Image, result: Image, mask: Mask) -> dict[str, float]:
    difference = reference.astype(float) - result
    gaussian, gaussian_map = _oracle(reference, result, **GAUSSIAN)
    uniform, uniform_map = _oracle(reference, result)
    return {
        "l1": np.abs(difference).mean(),
        "l1_hole": np.abs(difference[mask]).mean(),
        "psnr": peak_signal_noise_ratio(reference, result, data_range=255),
        "psnr_hole": peak_signal_noise_ratio(reference[mask], result[mask], data_range=255),
        "ssim": gaussian,
        "ssim_hole": gaussian_map[mask].mean(),
        "ssim_uniform": uniform,
        "ssim_uniform_hole": uniform_map[mask].mean(),
    }


def _oracle(reference: Image, result: Image, **options: object) -> tuple[float, np.ndarray]:
    return structural_similarity(reference, result, full=True, **COLOUR, **options)


def _case(path: Path, size: int = 2048) -> tuple[Image, Image, Mask]:
    reference = nearest(read_rgb(path), size, size)
    mask = np.zeros((size, size), bool)
    mask[-(-size // 3) : 2 * size // 3 + 1, -(-size // 3) : 2 * size // 3 + 1] = True
    return reference, create("navier-stokes").inpaint(reference, mask), mask


def _best(work: Callable[[], object], repeats: int) -> float:
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return min(times)


if __name__ == "__main__":
    main()
