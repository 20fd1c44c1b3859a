"""Stage one's results for the training of stage two, made once and kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from methods.architectures.stacking import prepared_as_in_paper
from methods.base import Image, Inpainter, Mask
from methods.training.masks import random_mask
from methods.training.photos import Photo

# Largest squares cut from each photograph (paper, section 3.3).
SQUARES = 3


@dataclass(frozen=True)
class Square:
    """A largest square of a photograph with a random hole, and what stage one made of it.

    left_top: where it lies in the photograph; mask: random, made from `seed` whenever needed;
    coarse: file of stage one's result, uint8 (working_size, working_size, 3)."""

    photo: Photo
    left_top: tuple[int, int]
    seed: tuple[int, ...]
    coarse: Path

    @property
    def pixels(self) -> Image:
        left, top = self.left_top
        side = min(self.photo.pixels.shape[:2])
        return self.photo.pixels[top : top + side, left : left + side]

    @property
    def mask(self) -> Mask:
        rng = np.random.default_rng([*self.seed, 1])
        return random_mask(rng, min(self.photo.pixels.shape[:2]))

    def stage_one_result(self) -> Image:
        found = cv2.imread(str(self.coarse), cv2.IMREAD_COLOR)
        return cv2.cvtColor(found, cv2.COLOR_BGR2RGB)


def squares(photos: Sequence[Photo], folder: Path, seed: int) -> list[Square]:
    """Three of each photograph, at random places along its longer side. The name of a file in
    `folder` tells the photograph's pixels, the seed and which of the three it is."""
    found = []
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
            found.append(Square(photo, (left, top), (seed, name, number), file))
    return found


def make(
    wanted: Sequence[Square],
    stage_one: Inpainter,
    working_size: int,
    folder: Path,
    say: Callable[[str], None],
) -> None:
    """Run stage one on every square whose result is not there yet.

    The folder remembers what made its files; results of another stage one are made anew."""
    folder.mkdir(parents=True, exist_ok=True)
    identity = json.dumps(
        {**stage_one.identity(working_size, ""), "working_size": working_size},
        sort_keys=True,
        default=str,
    )
    made_by = folder / "made_by.json"
    same = made_by.exists() and made_by.read_text() == identity
    if not same:
        for old in folder.glob("*.png"):
            old.unlink()
        made_by.write_text(identity)
    missing = [square for square in wanted if not square.coarse.exists()]
    if not missing:
        return
    say(f"stage one on {len(missing)} squares, kept in {folder}")
    stage_one.load()
    for square in tqdm(missing, unit="square", mininterval=5):
        frame = prepared_as_in_paper(square.pixels, square.mask, working_size)
        result = stage_one.inpaint(frame.small_image, frame.small_mask)
        part = square.coarse.with_suffix(".part.png")
        cv2.imwrite(str(part), cv2.cvtColor(result, cv2.COLOR_RGB2BGR))
        part.replace(square.coarse)
