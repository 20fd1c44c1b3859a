"""Stage one's results for the training of stage two, computed once and stored."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from methods.architectures.two_stage_input import frame_as_in_paper
from methods.base import Image, Inpainter, Mask
from methods.files import write_atomically
from methods.images import read_rgb, write_png
from methods.training.augment import random_mask
from methods.training.photos import Photo

# Largest squares cut from each photograph (paper, section 3.3).
SQUARES = 3


@dataclass(frozen=True)
class Square:
    """A largest square of a photograph with a random hole, and the file of stage one's result."""

    photo: Photo
    left: int
    top: int
    seed: tuple[int, ...]  # of the hole
    result_file: Path  # uint8 (working_size, working_size, 3) RGB

    @property
    def pixels(self) -> Image:
        side = min(self.photo.pixels.shape[:2])
        return self.photo.pixels[self.top : self.top + side, self.left : self.left + side]

    @property
    def mask(self) -> Mask:
        rng = np.random.default_rng([*self.seed, 1])
        return random_mask(rng, min(self.photo.pixels.shape[:2]))

    def stage_one_result(self) -> Image:
        return read_rgb(self.result_file)


def squares(photos: Sequence[Photo], folder: Path, seed: int) -> list[Square]:
    """Return three squares of each photograph, at random positions along its longer side."""
    # File names identify the photograph's pixels, the seed and the position.
    cut = []
    for photo in photos:
        height, width = photo.pixels.shape[:2]
        side = min(height, width)
        pixels = hashlib.sha256(photo.pixels.tobytes()).hexdigest()[:12]
        name = int(hashlib.sha256(photo.name.encode()).hexdigest()[:8], 16)
        for number in range(SQUARES):
            rng = np.random.default_rng([seed, name, number])
            left = int(rng.integers(0, width - side + 1))
            top = int(rng.integers(0, height - side + 1))
            file = folder / f"{name:08x}_{pixels}_{seed}_{number}.png"
            cut.append(Square(photo, left, top, (seed, name, number), file))
    return cut


def compute(
    squares: Sequence[Square],
    stage_one: Inpainter,
    working_size: int,
    folder: Path,
    report: Callable[[str], None],
) -> None:
    """Run stage one on every square whose result is not stored in `folder` yet; first delete the
    results of another stage one, which `made_by.json` identifies."""
    identity = json.dumps(
        {**stage_one.identity(working_size, ""), "working_size": working_size},
        sort_keys=True,
        default=str,
    )
    made_by = folder / "made_by.json"
    if not made_by.exists() or made_by.read_text(encoding="utf-8") != identity:
        for old in folder.glob("*.png"):
            old.unlink()
        write_atomically(made_by, identity)
    missing = [square for square in squares if not square.result_file.exists()]
    if not missing:
        return
    report(f"stage one on {len(missing)} squares, kept in {folder}")
    stage_one.load()
    for square in tqdm(missing, unit="square", mininterval=5):
        frame = frame_as_in_paper(square.pixels, square.mask, working_size)
        write_png(square.result_file, stage_one.inpaint(frame.small_image, frame.small_mask))
