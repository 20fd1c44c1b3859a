"""What is made of large runs: `python -m tests.bench.analysis_bench [CASES ...]`.

For runs of so many cases (20 methods x photographs x 4 resolutions) with tiny pictures: reading the
folder, the tables, everything that `python -m analysis report` writes, the same when nothing has
changed since, and the size of the page. Each figure comes from a process of its own; memory is its
peak, Python and libraries included.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from PIL import Image as PillowImage

from tests.bench.fresh import measured

CASES = (1000, 10_000, 100_000)
METHODS = [f"method {number:02}" for number in range(20)]
SIZES = (1024, 1536, 1792, 2048)
# Of a picture's side; what is measured is what grows with the number of cases.
TINY = 48
# File systems allow a file 65,000 names.
MOST_LINKS = 50_000
METRICS = {"l1": (4, "lower"), "psnr": (24, "higher"), "ssim": (0.9, "higher")}


def run_folder(folder: Path, cases: int) -> int:
    """A finished run of about so many cases; their number."""
    photos = [f"photograph {i:05}" for i in range(max(1, cases // len(METHODS) // len(SIZES)))]
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps(told(photos)))
    scores(photos).to_csv(folder / "scores.csv", index=False)
    pictures(folder, photos)
    return len(photos) * len(METHODS) * len(SIZES)


def told(photos: list[str]) -> dict[str, object]:
    metric = {"unit": "", "decimals": 3, "definition": "as drawn", "across_resolutions": True}
    return {
        "suite": {"commit": "", "modified": False}, "command": [], "written": "", "finished": True,
        "methods": [
            {"label": name, "method": "telea", "options": {}, "note": ""} for name in METHODS
        ],
        "resolutions": list(SIZES),
        "metrics": {
            name: {**metric, "label": name, "better": better}
            for name, (_, better) in METRICS.items()
        },
        "protocol": {"name": "drawn", "description": "for measuring", "metrics": list(METRICS)},
        "dataset": {
            "path": "photos",
            "images": [
                {"name": name, "file": f"{name}.png", "width": 2048, "height": 2048,
                 "sha256": sha256(name.encode()).hexdigest()}
                for name in photos
            ],
        },
        "machine": {
            "processor": "any", "cores": 2, "memory_mb": 1, "gpus": None, "system": "any"
        },
        "versions": {}, "device": "cpu", "seed": 0, "threads": 1, "workers": 1,
    }  # fmt: skip


def scores(photos: list[str]) -> pd.DataFrame:
    """Photographs differ more than methods do; one case in a thousand has failed."""
    rng = np.random.default_rng(0)
    shape = len(METHODS), len(SIZES), len(photos)
    ok = (rng.random(shape) > 0.001).ravel()
    keys = [np.repeat(METHODS, shape[1] * shape[2]), np.tile(np.repeat(SIZES, shape[2]), shape[0])]
    columns = {"method": keys[0], "resolution": keys[1],
               "image": np.tile(photos, shape[0] * shape[1]),
               "status": np.where(ok, "ok", "failed")}  # fmt: skip
    for suffix in ("", "_hole"):
        for name, (level, _) in METRICS.items():
            hard, skill = rng.normal(0, 0.2, shape[2]), rng.normal(0, 0.02, (shape[0], 1, 1))
            drawn = level * (1 + hard + skill + rng.normal(0, 0.05, shape))
            columns[name + suffix] = drawn.ravel()
    columns["known_pixels_changed"] = np.zeros(ok.size, np.int64)
    columns["scored_as_given"] = np.zeros(ok.size, np.int64)
    columns["seconds"] = rng.random(ok.size).round(3)
    columns["peak_memory_mb"] = (1000 * rng.random(ok.size)).round(1)
    measured_ones = list(columns)[4:]
    table = pd.DataFrame(columns).assign(error=np.where(ok, "", "boom"))
    table = table.astype({"known_pixels_changed": "Int64", "scored_as_given": "Int64"})
    table.loc[~ok, measured_ones] = pd.NA
    return table


def pictures(folder: Path, photos: list[str]) -> None:
    """Of the highest resolution, which figures and page show; all names of a few files."""
    hole = np.zeros((TINY, TINY), np.uint8)
    hole[TINY // 3 : 2 * TINY // 3, TINY // 3 : 2 * TINY // 3] = 255
    link_all(folder / f"masks/{SIZES[-1]}", photos, hole)
    noise = np.random.default_rng(0).integers(0, 256, (TINY, TINY, 3), np.uint8)
    for place, name in enumerate(["reference", *METHODS]):
        shown = np.where(hole[..., None] > 0, np.uint8(10 * place), noise) if place else noise
        link_all(folder / f"outputs/{SIZES[-1]}/{name}", photos, shown)


def link_all(folder: Path, names: list[str], pixels: np.ndarray) -> None:
    folder.mkdir(parents=True)
    for number, name in enumerate(names):
        path = folder / f"{name}.png"
        if number % MOST_LINKS == 0:
            first = path
            PillowImage.fromarray(pixels).save(path)
        else:
            os.link(first, path)


def loading(folder: str) -> Callable[[], object]:
    from analysis.runs import run

    return lambda: run.load(Path(folder))


def tabling(folder: str) -> Callable[[], object]:
    """All tables, from a folder that is still to be read."""
    from analysis.runs import differences, run, table_formats

    def act() -> None:
        loaded = run.load(Path(folder))
        table_formats.write(loaded)
        differences.write(loaded)

    return act


def reporting(folder: str, force: bool) -> Callable[[], object]:
    from analysis.report import publish

    return lambda: publish.publish(Path(folder), force=force)


def measure(folder: Path, cases: int) -> None:
    this = "tests.bench.analysis_bench"
    print(f"{cases:8}", end="", flush=True)
    for function, *more in (("loading",), ("tabling",), ("reporting", True), ("reporting", False)):
        cost = measured(f"{this}:{function}", str(folder), *more)
        print(f"{cost.seconds:12.2f}{cost.megabytes:6.0f}", end="", flush=True)
    print(f"{(folder / 'report.html').stat().st_size / 2**20:12.1f}")


def main(sizes: Sequence[int]) -> None:
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before")
    names = ("read", "tables", "report", "unchanged")
    heads = "".join(f"{name + ' s':>12}{'MB':>6}" for name in names)
    print(f"{'cases':>8}{heads}{'page MB':>12}")
    for size in sizes:
        with TemporaryDirectory() as place:
            folder = Path(place) / "run"
            began = time.perf_counter()
            cases = run_folder(folder, size)
            print(f"# made in {time.perf_counter() - began:.1f} s", file=sys.stderr)
            measure(folder, cases)


if __name__ == "__main__":
    main([int(text) for text in sys.argv[1:]] or CASES)
