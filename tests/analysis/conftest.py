"""A run folder written by hand: three methods, two resolutions, two images, and their pictures."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image as PillowImage

from analysis import style

METRIC = {
    "unit": "",
    "decimals": 2,
    "definition": "as defined",
    "options": {},
    "across_resolutions": True,
}
INFO: dict[str, Any] = {
    "suite": {"commit": "c0ffee", "modified": False},
    "command": ["run_benchmark.py", "--seed", "7"],
    "written": "2026-01-02T03:04:05+0000",
    "finished": True,
    "methods": [
        {"label": "b|ar", "method": "telea", "options": {"radius": 3}, "note": ""},
        {"label": "[a]", "method": "two-stage", "options": {}, "note": "no refinement"},
        {"label": "gone", "method": "coal", "options": {}, "note": ""},
    ],
    "resolutions": [64, 128],
    "metrics": {
        "l1": {**METRIC, "label": "L1", "better": "lower"},
        "psnr": {**METRIC, "label": "PSNR", "unit": "dB", "better": "higher"},
    },
    "protocol": {"name": "tiny", "description": "for tests", "metrics": ["l1", "psnr"]},
    "dataset": {
        "path": "/home/someone/photos",
        "images": [
            {
                "name": name,
                "file": f"{name}.png",
                "sha256": name.encode().hex(),
                "width": 128,
                "height": 128,
            }
            for name in ("x", "y")
        ],
    },
    "machine": {
        "processor": "abacus",
        "cores": 1,
        "memory_mb": 64,
        "gpus": None,
        "system": "Wood 1.0",
    },
    "versions": {"python": "3.11"},
    "device": "auto",
    "seed": 7,
    "threads": 1,
    "workers": 1,
}
HEADER = (
    "method,resolution,image,status,l1,psnr,known_pixels_changed,scored_as_given,seconds,"
    "peak_memory_mb,error\n"
)
SCORES = (
    HEADER
    + """\
[a],64,x,ok,1.0,20.0,3,0,1.0,100.0,
[a],64,y,ok,2.0,30.0,0,0,9.0,300.0,
[a],128,x,ok,1.0,inf,0,0,2.0,100.0,
[a],128,y,failed,,,,,,,"boom, twice"
b|ar,64,x,ok,1.501,24.0,0,0,1.0,50.0,
b|ar,64,y,ok,1.5,25.0,0,0,2.0,60.0,
b|ar,128,x,ok,3.0,10.0,0,0,1.0,50.0,
b|ar,128,y,ok,5.0,12.0,0,0,1.0,50.0,
gone,64,x,skipped,,,,,,,gone needs coal
gone,64,y,skipped,,,,,,,gone needs coal
gone,128,x,skipped,,,,,,,gone needs coal
gone,128,y,skipped,,,,,,,gone needs coal
"""
)


def write_run(folder: Path, info: dict[str, Any] = INFO, scores: str = SCORES) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "run.json").write_text(json.dumps(info))
    (folder / "scores.csv").write_text(scores)
    return folder


def journaled(folder: Path) -> Path:
    """Write the journal of a run folder, as its scores.csv has the cases."""
    with (folder / "scores.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["status"] != "skipped"]
    slots = [(row["method"], int(row["resolution"]), row["image"]) for row in rows]
    records = [
        {"slot": slot, "key": "k", "row": row} for slot, row in zip(slots, rows, strict=True)
    ]
    (folder / "cases.jsonl").write_text("".join(json.dumps(it) + "\n" for it in records))
    return folder


def write_pictures(folder: Path, methods: list[str], images: list[str], size: int) -> None:
    """Noise with a square hole in the middle third; every method fills it with another grey."""
    for seed, image in enumerate(images):
        save_case(folder, size, image, methods, (size, size), seed)


def save_case(
    folder: Path,
    resolution: int | str,
    image: str,
    methods: Sequence[str],
    size: tuple[int, int],
    seed: int = 0,
) -> None:
    """Save one of `write_pictures`, of (height, width)."""
    height, width = size
    mask = np.zeros(size, bool)
    mask[height // 3 : 2 * height // 3, width // 3 : 2 * width // 3] = True
    reference = np.random.default_rng(seed).integers(0, 256, (*size, 3), np.uint8)
    _save(folder / f"masks/{resolution}/{image}.png", mask.astype(np.uint8) * 255)
    outputs = folder / f"outputs/{resolution}"
    _save(outputs / f"reference/{image}.png", reference)
    for place, method in enumerate(methods):
        result = reference.copy()
        result[mask] = 255 * (place + 1) // (len(methods) + 1)
        _save(outputs / method.replace(":", "_") / f"{image}.png", result)


def _save(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Mostly noise, which does not get smaller.
    PillowImage.fromarray(pixels).save(path, compress_level=0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The run folder without pictures."""
    return write_run(tmp_path / "run")


@pytest.fixture
def pictured(folder: Path) -> Path:
    """The run folder with pictures of every finished case at 128 px."""
    write_pictures(folder, ["[a]", "b|ar"], ["x", "y"], 128)
    (folder / "outputs/128/[a]/y.png").unlink()
    return folder


def leave_empty(figure: Figure, path: Path, suffixes: Sequence[str] = ("png", "pdf")) -> None:
    """Stand for `style.save`: the files are there, empty."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for suffix in suffixes:
        path.with_name(f"{path.name}.{suffix}").touch()


def leave_undrawn(patch: pytest.MonkeyPatch) -> None:
    """Leave figures empty, in files and in the page: drawing takes most of the time of a report."""
    patch.setattr(style, "save", leave_empty)
    patch.setattr(style, "write", lambda figure, file, suffix: None)


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    leave_undrawn(monkeypatch)
