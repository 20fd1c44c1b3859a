"""What a `Measurer` measures of everything but the networks: reading, scoring, writing, a run."""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.metrics import score
from methods.images import png_bytes, read_rgb, resample_nearest
from tests.bench.gpu import networks
from tests.paths import DEMO

REPEATS = 3
METRICS = ("l1", "psnr", "ssim", "ssim_uniform", "efficientnet_distance", "squeezenet_distance")
# Metrics with a network, which are computed on the device too.
ON_GPU, THERE = METRICS[-2:], ", device"
# Without the report, which is drawn once, after the run.
PROTOCOL = """
name = "bench-gpu"
description = "The paper's metrics on photographs of one size"
resolutions = [{px}]
resampling = "nearest"
crop = "centre-square"
metrics = ["l1", "psnr", "ssim"]
also_recorded = ["ssim_uniform"]
[hole]
kind = "middle-third"
"""


def step(name: str, px: int, device: str) -> dict[str, Any]:
    """Return the seconds of one step of a case beside the network, in this process alone."""
    work = _steps(px, device)[name]
    cold = _seconds(work)
    return {"cold_s": cold, "warm_s": statistics.median(_seconds(work) for _ in range(REPEATS))}


def step_names() -> list[str]:
    scores = [*METRICS, *(name + THERE for name in ON_GPU)]
    return ["read", "resize, blank", *(f"score {name}" for name in scores), "write PNG"]


def _steps(px: int, device: str) -> dict[str, Callable[[], object]]:
    image, mask = networks.case(px)
    result = image.copy()
    # Another picture in the hole: equal images are scored at once.
    result[mask] = image[::-1, ::-1][mask]
    photo = read_rgb(networks.PHOTO)
    scores: dict[str, Callable[[], object]] = {
        f"score {name}": lambda name=name: score(image, result, mask, [name])  # type: ignore[misc]
        for name in METRICS
    }
    there: dict[str, Callable[[], object]] = {
        f"score {name}{THERE}": lambda name=name: score(  # type: ignore[misc]
            image, result, mask, [name], {name: {"device": device}}
        )
        for name in ON_GPU
    }
    return {
        "read": lambda: read_rgb(networks.PHOTO),
        "resize, blank": lambda: np.where(mask[..., None], 0, resample_nearest(photo, px, px)),
        **scores,
        **there,
        "write PNG": lambda: png_bytes(result),
    }


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def run(device: str, px: int, cases: int, workers: int) -> dict[str, Any]:
    """Run the compact two-stage method on so many photographs, as `benchmark.run` does.

    `busy_share`: of the time from the first to the last finished case, how much the method's own
    seconds fill, for each worker; the first case contains starting the process.
    """
    import benchmark

    photos = sorted(DEMO.glob("*.jpg"))
    finished: list[float] = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "photos").mkdir()
        for number in range(cases):
            source = photos[number % len(photos)]
            shutil.copyfile(source, folder / "photos" / f"{number:03}_{source.name}")
        (folder / "protocol.toml").write_text(PROTOCOL.format(px=px))
        started = time.perf_counter()
        scores = benchmark.run(
            folder / "photos",
            {"two-stage": {"method": "two-stage", "networks": "compact"}},
            out=folder / "run",
            protocol=folder / "protocol.toml",
            device=device,
            workers=workers,
            progress=lambda done, of: finished.append(time.perf_counter()),
        )
    wall = time.perf_counter() - started
    failed = int((scores["status"] != "ok").sum())
    # The first case of each worker loads the network.
    window = finished[-1] - finished[0]
    seconds = float(scores["seconds"].iloc[1:].sum())
    return {
        "status": "FAIL" if failed else "ok",
        "warm_s": float(scores["seconds"].median()),
        "cases_per_s": (cases - 1) / window,
        "busy_share": seconds / window / workers,
        "memory_mb": float(scores["peak_cuda_memory_mb"].max()) if device != "cpu" else None,
        "note": f"{wall:.1f} s in all, {failed} of {cases} cases failed",
    }
