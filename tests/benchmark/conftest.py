"""A tiny real benchmark: four made-up photographs, a protocol of small sizes, the command line."""

from __future__ import annotations

import csv
import sys
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from analysis import style
from analysis.report import publish
from tests.analysis.conftest import leave_empty
from tests.benchmark import undrawn
from tests.command_line import Done, run
from tests.paths import ROOT

UNDRAWN = "tests.benchmark.undrawn"
PROTOCOL = """
name = "tiny"
description = "for tests"
resolutions = [48, 64, 96]
resampling = "nearest"
crop = "refuse"
metrics = ["l1", "psnr", "ssim"]
[hole]
kind = "middle-third"
"""


def scene(seed: int, height: int, width: int) -> np.ndarray:
    """Smooth colours with texture, uint8 (height, width, 3)."""
    rng = np.random.default_rng(seed)
    smooth = cv2.resize(rng.uniform(40, 215, (4, 5, 3)), (width, height))
    return np.clip(smooth + rng.normal(0, 12, smooth.shape), 0, 255).astype(np.uint8)


def save(path: Path, image: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    stored = cv2.cvtColor(image, cv2.COLOR_RGB2BGR) if image.ndim == 3 else image
    path.write_bytes(cv2.imencode(path.suffix, stored)[1].tobytes())
    return path


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A dataset of four 96x96 PNG files; the one called 'bright' has a white corner."""
    folder = tmp_path / "photos"
    for seed, name in enumerate(["bright", "cliff", "dunes", "été 1"]):
        image = scene(seed, 96, 96)
        image[0, 0] = 255 if name == "bright" else 0
        save(folder / f"{name}.png", image)
    return folder


@pytest.fixture
def protocol(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(PROTOCOL)
    return path


@dataclass(frozen=True)
class Bench:
    """run_benchmark.py on the tiny dataset, in this process. page: with the report, whose figures
    are left empty; drawn: with figures too."""

    photos: Path
    protocol: Path
    out: Path
    page: bool = False
    drawn: bool = False

    def words(self, *arguments: str) -> list[str]:
        own = ["--dataset", self.photos, "--protocol", self.protocol, "--out", self.out]
        return [*map(str, own), *arguments]

    def run(self, *arguments: str) -> Done:
        with pytest.MonkeyPatch.context() as patch:
            if self.page:
                patch.setattr(style, "save", leave_empty)
            elif not self.drawn:
                patch.setattr(publish, "publish", undrawn.publish)
            return run("run_benchmark", *self.words(*arguments))

    def command(self, *arguments: str) -> list[str]:
        """The command line of a process of its own."""
        program = [str(ROOT / "run_benchmark.py")] if self.drawn else ["-m", UNDRAWN]
        return [sys.executable, *program, *self.words(*arguments)]

    def rows(self) -> dict[tuple[str, int, str], dict[str, str]]:
        with (self.out / "scores.csv").open(newline="", encoding="utf-8") as file:
            return {
                (row["method"], int(row["resolution"]), row["image"]): row
                for row in csv.DictReader(file)
            }

    def tables(self) -> dict[str, bytes]:
        """Everything that must not depend on how often a run was stopped; no timings."""
        return {
            path.name: path.read_bytes() for path in sorted(self.out.glob("tables/objective.*"))
        }


@pytest.fixture
def bench(photos: Path, protocol: Path, tmp_path: Path) -> Bench:
    return Bench(photos, protocol, tmp_path / "run")
