"""The nearest-neighbour field against brute force, and what it does with any hole."""

from __future__ import annotations

import cv2
import numpy as np

from methods.texture.field import RADIUS, Field, match, usable_places
from tests.methods.conftest import box, scene


def brute_force(image: np.ndarray, wanted: np.ndarray, unusable: np.ndarray) -> np.ndarray:
    """The least mean squared difference of each wanted patch to that of any usable place."""
    radius, usable = usable_places(unusable)
    margins = ((radius, radius), (radius, radius), (0, 0))
    padded = np.pad(image, margins, mode="edge").astype(float)
    side = 2 * radius + 1
    patches = np.lib.stride_tricks.sliding_window_view(padded, (side, side), axis=(0, 1))
    flat = patches.reshape(*wanted.shape, -1)
    return np.array([((flat[usable] - patch) ** 2).mean(axis=1).min() for patch in flat[wanted]])


def holes(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    unusable = box(height, width, slice(20, 32), slice(18, 30))
    wanted = cv2.dilate(unusable.view(np.uint8), np.ones((3, 3), np.uint8)) > 0
    return wanted, unusable


def distance_of(image: np.ndarray, field: Field, y: int, x: int) -> float:
    margins = ((RADIUS, RADIUS), (RADIUS, RADIUS), (0, 0))
    padded = np.pad(image, margins, mode="edge").astype(float)
    row, column, side = field.rows[y, x], field.columns[y, x], 2 * RADIUS + 1
    here = padded[y : y + side, x : x + side]
    return float(((here - padded[row : row + side, column : column + side]) ** 2).mean())


def test_nearly_the_best_places_are_found() -> None:
    """Noise is the hardest: few neighbours help."""
    image = cv2.GaussianBlur(scene(1, 60, 64), (0, 0), 1.5)
    wanted, unusable = holes(60, 64)
    field = match(image, wanted, unusable, seed=0, price=0)
    assert field is not None
    assert field.distance[wanted].mean() < 1.25 * brute_force(image, wanted, unusable).mean()


def test_distances_are_those_of_the_patches_and_places_are_usable() -> None:
    image = scene(2, 60, 64)
    wanted, unusable = holes(60, 64)
    field = match(image, wanted, unusable, seed=0)
    assert field is not None
    _, usable = usable_places(unusable)
    assert ((field.rows >= 0) == wanted).all() and ((field.columns >= 0) == wanted).all()
    assert usable[field.rows[wanted], field.columns[wanted]].all()
    for y, x in ((19, 17), (25, 25), (32, 30)):
        assert np.isclose(field.distance[y, x], distance_of(image, field, y, x))


def test_a_copied_part_is_found_as_one_piece() -> None:
    image = scene(3, 80, 90)
    wanted, unusable = box(80, 90, slice(40, 60), slice(50, 70)), np.zeros((80, 90), bool)
    unusable |= wanted
    image[35:65, 45:75] = image[5:35, 5:35]
    field = match(image, wanted, unusable, seed=4)
    assert field is not None and field.distance[wanted].max() == 0
    rows, columns = np.nonzero(wanted)
    assert (field.rows[wanted] == rows - 30).all()
    assert (field.columns[wanted] == columns - 40).all()


def test_the_price_makes_offsets_coherent() -> None:
    image, (wanted, unusable) = scene(5, 60, 64), holes(60, 64)

    def offsets(price: float) -> int:
        field = match(image, wanted, unusable, seed=0, price=price)
        assert field is not None
        rows, columns = np.nonzero(wanted)
        down, right = field.rows[wanted] - rows, field.columns[wanted] - columns
        return len({*zip(down.tolist(), right.tolist(), strict=True)})

    assert offsets(200) < 0.7 * offsets(0)


def test_the_same_seed_gives_the_same_field() -> None:
    image, (wanted, unusable) = scene(6, 60, 64), holes(60, 64)
    fields = [match(image, wanted, unusable, seed) for seed in (3, 3, 4)]
    assert all(np.array_equal(a, b) for a, b in zip(fields[0], fields[1], strict=True))
    assert not np.array_equal(fields[0].rows, fields[2].rows)  # type: ignore[union-attr]


def test_smaller_patches_where_little_is_known() -> None:
    unusable = np.ones((30, 30), bool)
    unusable[:, 14:17] = False
    assert usable_places(unusable)[0] == 1
    unusable[:, 14:16] = True
    radius, usable = usable_places(unusable)
    assert radius == 0 and np.array_equal(usable, ~unusable)
    assert match(scene(7, 30, 30), unusable, unusable, 0) is not None
    everything = np.ones((30, 30), bool)
    assert match(scene(7, 30, 30), everything, everything, 0) is None
