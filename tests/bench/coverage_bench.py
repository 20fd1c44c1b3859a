"""How often the 95 % intervals of paired differences hold the true difference, by simulation.

python -m tests.bench.coverage_bench [--repeats 2000]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np

from analysis.runs.differences import interval

Draw = Callable[[np.random.Generator, int], np.ndarray]

# Distributions of per-image differences with a mean of zero.
DRAWS: dict[str, Draw] = {
    "normal": lambda rng, images: rng.normal(0, 1, images),
    "skewed (exponential)": lambda rng, images: rng.exponential(1, images) - 1,
}


def coverage(draw: Draw, images: int, repeats: int) -> float:
    """Share of repeats whose interval holds zero, the true mean."""
    rng = np.random.default_rng(images)
    held = 0
    for _ in range(repeats):
        found = interval(draw(rng, images))
        held += found is not None and found[0] <= 0 <= found[1]
    return held / repeats


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=2000)
    repeats = parser.parse_args().repeats
    print(f"{'differences':22}{'images':>8}{'coverage':>10}")
    for name, draw in DRAWS.items():
        for images in (5, 8, 12, 34, 100):
            print(f"{name:22}{images:8}{coverage(draw, images, repeats):10.1%}")


if __name__ == "__main__":
    main()
