"""The layouts in which methods publish their test sets, made anew from tiny scenes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from tests.benchmark.conftest import save, scene

SIZE = 64
# Rows and columns of the hole.
HOLE = (slice(20, 40), slice(16, 50))


def hole() -> np.ndarray:
    mask = np.zeros((SIZE, SIZE), bool)
    mask[HOLE] = True
    return mask


def white_hole() -> np.ndarray:
    return hole().astype(np.uint8) * 255


def black_hole() -> np.ndarray:
    return 255 - white_hole()


def soft(mask: np.ndarray) -> np.ndarray:
    """Antialiased: >= 128 is white exactly where it was."""
    return np.where(mask > 0, 255 - (np.arange(SIZE) % 30), np.arange(SIZE) % 30).astype(np.uint8)


def rgba(mask: np.ndarray) -> np.ndarray:
    """As those of DeepFill v2: alpha 0 where black, anything above where white."""
    alpha = np.where(mask > 0, 1 + np.arange(SIZE) % 250, 0).astype(np.uint8)
    return np.dstack([mask, mask, mask, alpha])


def save_rgba(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), pixels)


@dataclass(frozen=True)
class Layout:
    """A published layout: its files, what is to be written and the names of its cases."""

    make: Callable[[Path], None]
    names: list[str]
    written: list[str]
    folder: str = "set"
    # Whether holes are only nearly those of `hole`, because the masks are JPEG files.
    is_lossy: bool = field(default=False)


def _lama(folder: Path) -> None:
    for seed, name in enumerate(["image1", "image2"]):
        save(folder / f"{name}.png", scene(seed, SIZE, SIZE))
    for name in ("image1_mask001", "image1_mask002", "image2_mask001"):
        save(folder / f"{name}.png", white_hole())


def _mat(folder: Path) -> None:
    for number in (1, 2):
        save(folder / f"images/test{number}.png", scene(number, SIZE, SIZE))
        save(folder / f"masks/mask{number}.png", black_hole())


def _dfnet(folder: Path) -> None:
    for number in ("01", "02"):
        save(folder / f"img/img_{number}.png", scene(int(number), SIZE, SIZE))
        save(folder / f"mask/mask_{number}.png", soft(black_hole()))


def _hifill(folder: Path) -> None:
    for number in (1, 11, 3):
        save(folder / f"testset/{number}.jpg", scene(number, SIZE, SIZE))
        save(folder / f"maskset/{number}.jpg", black_hole())
    save(folder / "maskset/4.jpg", black_hole())


def _migan(folder: Path) -> None:
    for number in (1, 2, 10):
        save(folder / f"images/{number}.png", scene(number, SIZE, SIZE))
        save(folder / f"masks/{number}.png", black_hole())


def _comodgan(folder: Path) -> None:
    save(folder / "example_image.jpg", scene(1, SIZE, SIZE))
    save(folder / "example_mask.jpg", black_hole())
    save(folder / "grid-main.jpg", scene(2, SIZE, SIZE))


def _nipponjo(folder: Path) -> None:
    for number in (1, 2, 3):
        image = scene(number, SIZE, SIZE)
        save(folder / f"case{number}.png", image)
        save_rgba(folder / f"case{number}_mask.png", rgba(white_hole()))
        save(folder / f"case{number}_masked.png", np.where(hole()[..., None], 255, image))
        save(folder / f"case{number}_out.png", scene(9, SIZE, SIZE))


def _deepfill(folder: Path) -> None:
    for number in (1, 2):
        for word in ("raw", "input", "output"):
            save(folder / f"case{number}_{word}.png", scene(number, SIZE, SIZE))
        save(folder / f"case{number}_mask.png", white_hole())


def _eraser(folder: Path) -> None:
    for name in ("bench", "dog"):
        save(folder / name / f"{name}_.png", scene(1, SIZE, SIZE))
        for mask in ("left", "right"):
            save(folder / name / f"{name}_{mask}.png", white_hole())


LAYOUTS = {
    "LaMa": Layout(_lama, ["image1_mask001", "image1_mask002", "image2"], ['hole = "white"']),
    "MAT": Layout(_mat, ["test1", "test2"], ['hole = "black"', 'masks = "masks/*"']),
    "DFNet": Layout(_dfnet, ["img_01", "img_02"], ['hole = "black"', "threshold = 128"]),
    "HiFill": Layout(
        _hifill, ["1", "11", "3"], ['hole = "black"', "threshold = 128"], is_lossy=True
    ),
    "MI-GAN": Layout(_migan, ["1", "10", "2"], ['hole = "black"'], folder="ffhq_256_freeform"),
    "co-mod-gan": Layout(_comodgan, ["example_image"], ['hole = "black"'], is_lossy=True),
    "nipponjo": Layout(_nipponjo, ["case1", "case2", "case3"], ['hole = "white"']),
    "DeepFill v2": Layout(_deepfill, ["case1_raw", "case2_raw"], ['images = "*raw.png"']),
    "the eraser benchmark": Layout(
        _eraser, ["bench_left", "bench_right", "dog_left", "dog_right"], ["reference = false"]
    ),
}
