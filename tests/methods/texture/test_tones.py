"""Copies joined at their differences, against a solver of sparse equations."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import spsolve

from methods.texture.field import Field, match
from methods.texture.tones import REACH, SHARE, calmed, joined
from tests.methods.conftest import box, scene


def solved(image: np.ndarray, hole: np.ndarray, field: Field) -> np.ndarray:
    """The same equations, written pixel by pixel; places must not touch the border."""
    pixels = [tuple(pixel) for pixel in np.argwhere(hole)]
    number = {pixel: i for i, pixel in enumerate(pixels)}
    matrix, right = sparse.lil_matrix((len(pixels),) * 2), np.zeros((len(pixels), 3))
    values = image.astype(float)
    for i, (y, x) in enumerate(pixels):
        matrix[i, i] = REACH**-2
        right[i] = values[y, x] * REACH**-2
        for dy, dx in ((0, 1), (0, -1), (1, 0), (-1, 0)):
            v, u = y + dy, x + dx
            if not (0 <= v < hole.shape[0] and 0 <= u < hole.shape[1]):
                continue
            row, column = field.rows[y, x], field.columns[y, x]
            wanted = [values[row, column] - values[row + dy, column + dx]]
            if field.rows[v, u] >= 0:
                row, column = field.rows[v, u], field.columns[v, u]
                wanted.append(values[row - dy, column - dx] - values[row, column])
            matrix[i, i] += 1
            right[i] += np.mean(wanted, axis=0)
            if hole[v, u]:
                matrix[i, number[v, u]] -= 1
            else:
                right[i] += values[v, u]
    result = values.copy()
    result[hole] = spsolve(matrix.tocsc(), right)
    return result


def test_the_equations_are_solved() -> None:
    image = scene(1, 50, 56)
    for rows in (slice(18, 34), slice(0, 12)):
        hole = box(50, 56, rows, slice(20, 40))
        image[hole] = 128
        unusable = hole | ~box(50, 56, slice(4, 46), slice(4, 52))
        field = match(image, hole, unusable, seed=0)
        assert field is not None
        error = np.abs(joined(image, hole, field) - solved(image, hole, field))
        assert error.max() < 1


def test_copies_take_the_tone_of_the_rim() -> None:
    """Stripes of one contrast, brighter to the right: the copy from the left becomes brighter."""
    columns = np.arange(96)
    row = 60 + columns + 20 * (columns % 8 < 4)
    image = np.repeat(np.tile(row, (60, 1))[..., None], 3, axis=2).astype(np.uint8)
    hole = box(60, 96, slice(20, 40), slice(56, 76))
    rows, cols = np.full((2, 60, 96), -1, np.int32)
    ys, xs = np.nonzero(hole)
    rows[hole], cols[hole] = ys, xs - 40
    guess = image.copy()
    guess[hole] = image[ys, xs - 40]
    field = Field(rows, cols, np.zeros((60, 96), np.float32))
    off = np.abs(joined(guess, hole, field) - image)[hole]
    # The copy is 40 levels too dark; its slope is that of the image.
    assert off.mean() < 8 and off.max() < 16
    deep = box(60, 96, slice(29, 31), slice(60, 72))
    assert (joined(guess, hole, field) > guess)[deep].all()


def test_without_a_hole_nothing_changes() -> None:
    image, nowhere = scene(2, 20, 20), np.zeros((20, 20), bool)
    places = np.zeros((20, 20), np.int32)
    field = Field(places, places, places.astype(np.float32))
    assert np.array_equal(joined(image, nowhere, field), image)


def test_what_the_rim_does_not_suggest_is_calmed() -> None:
    """A bright blob in a hole in grey loses a share of its contrast; a ramp stays as it is."""
    hole = box(96, 128, slice(24, 72), slice(32, 96))
    grey = np.full((96, 128, 3), 100, np.float32)
    blob = grey.copy()
    blob[40:56, 56:72] = 200
    result = calmed(blob, hole)
    assert np.allclose(result[48, 64], 200 - 100 * SHARE, atol=1)
    assert np.array_equal(result[~hole], blob[~hole])
    ramp = grey + np.arange(128, dtype=np.float32)[:, None]
    assert np.abs(calmed(ramp, hole) - ramp).max() < 1
    assert np.allclose(calmed(grey, hole), grey)
