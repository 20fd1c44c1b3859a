"""How each method's cost grows with the image: `python -m tests.bench.size_bench [METHOD ...]`.

One photograph at 0.5 to 16 megapixels with a middle-third hole; networks with random weights where
none are bundled (the time does not depend on them); one warm-up. Each figure is from a process of
its own. Linux only, for the peak memory."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

import cv2

import methods
from methods.base import Image, Mask
from methods.images import read_rgb
from tests.bench.fresh import measured
from tests.bench.networks.networks_bench import case
from tests.paths import ROOT

HERE = "tests.bench.size_bench"
PHOTO = ROOT / "datasets" / "demo" / "lake_mountains.jpg"
SIDES = (724, 1024, 1448, 2048, 2896, 4096)
RANDOM = {"weights": "random"}
METHODS: dict[str, tuple[str, dict[str, Any]]] = {
    "telea": ("telea", {}),
    "patchmatch": ("patchmatch", {}),
    "two-stage:patchmatch": ("two-stage", {"stage_one": "patchmatch"}),
    "two-stage (compact)": ("two-stage", {"networks": "compact"}),
    "two-stage (published)": ("two-stage", {**RANDOM, "stage_one_options": RANDOM}),
    "dfnet": ("dfnet", RANDOM),
    "deepfillv2": ("deepfillv2", RANDOM),
    "hifill": ("hifill", RANDOM),
}


def main() -> None:
    names = sys.argv[1:] or list(METHODS)
    print(f"OMP_NUM_THREADS={os.environ.get('OMP_NUM_THREADS', '')}: CPU seconds, peak MB")
    print(f"{'megapixels':24}" + "".join(f"{side * side / 1e6:>14.1f}" for side in SIDES))
    for name in names:
        print(f"{name:24}", end="", flush=True)
        for side in SIDES:
            cost = measured(f"{HERE}:ready", name, side)
            print(f"{cost.cpu_seconds:8.1f}{cost.megabytes:6.0f}", end="", flush=True)
        print()


def ready(name: str, side: int) -> Callable[[], object]:
    method_name, options = METHODS[name]
    method = methods.create(method_name, **options)
    method.inpaint(*case(256))
    given = photograph(side)
    return lambda: method.inpaint(*given)


def photograph(side: int) -> tuple[Image, Mask]:
    """Return the photograph at that size, enlarged above 2048 px, and its hole."""
    resampling = cv2.INTER_AREA if side <= 2048 else cv2.INTER_CUBIC
    image = cv2.resize(read_rgb(PHOTO), (side, side), interpolation=resampling)
    return image, case(side)[1]


if __name__ == "__main__":
    main()
