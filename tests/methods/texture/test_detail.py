"""Matched detail at full resolution, against a slow version."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from methods.texture import detail
from methods.texture.field import Field, match
from methods.texture.matched import reduced
from tests.methods.conftest import box, scene


def slowly(image: np.ndarray, mask: np.ndarray, small: np.ndarray, field: Field) -> np.ndarray:
    """The definition, pixel by pixel, with OpenCV's enlargement."""
    height, width = mask.shape
    high, wide = small.shape[:2]
    enlarged = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR).astype(float)
    result = image.copy()
    for y, x in np.argwhere(mask):
        middle, centre = (y + 0.5) * high / height - 0.5, (x + 0.5) * wide / width - 0.5
        proposals: dict[tuple[int, int], float] = {}
        for i in range(y * high // height - 1, y * high // height + 2):
            for j in range(x * wide // width - 1, x * wide // width + 2):
                if not (0 <= i < high and 0 <= j < wide) or field.rows[i, j] < 0:
                    continue
                row = y + int(np.floor((field.rows[i, j] - i) * height / high + 0.5))
                column = x + int(np.floor((field.columns[i, j] - j) * width / wide + 0.5))
                if not (0 <= row < height and 0 <= column < width) or mask[row, column]:
                    continue
                near = ((i - middle) ** 2 + (j - centre) ** 2) / (2 * detail.NEAR**2)
                alike = np.exp(-field.distance[i, j] / (2 * detail.ALIKE**2)) + detail.LEAST
                weight = alike * np.exp(-near)
                proposals[row, column] = proposals.get((row, column), 0) + weight
        value = enlarged[y, x]
        weights = np.array(list(proposals.values())) / sum(proposals.values())
        for (row, column), weight in zip(proposals, weights, strict=True):
            gain = (weights**2).sum() ** (-detail.RESTORED / 2)
            value = value + gain * weight * (image[row, column] - enlarged[row, column])
        result[y, x] = np.floor(value.clip(0, 255) + 0.5)
    return result


@pytest.mark.parametrize("size", [(64, 80), (56, 70), (77, 91), (48, 60)])
def test_it_is_what_the_definition_says(size: tuple[int, int]) -> None:
    """At scales of 2, 1.75, 2.4 by 2.3 and 1.5."""
    image = scene(1, *size)
    mask = box(*size, slice(size[0] // 3, size[0] // 2), slice(size[1] // 3, size[1] // 2))
    small_size = (32, 40)
    small = cv2.resize(image, small_size[::-1], interpolation=cv2.INTER_AREA)
    unusable = reduced(mask, small_size)
    wanted = cv2.dilate(unusable.view(np.uint8), np.ones((3, 3), np.uint8)) > 0
    field = match(small, wanted, unusable, seed=0)
    assert field is not None
    result = detail.fill(image, mask, small.astype(np.float32), field)
    expected = slowly(image, mask, small.astype(np.float32), field)
    assert np.array_equal(result[~mask], image[~mask])
    # Sums in another order.
    assert np.abs(result.astype(int) - expected).max() <= 1
    assert (result != expected).mean() < 1e-3


def test_small_pixels_touched_by_a_hole() -> None:
    mask = np.zeros((7, 10), bool)
    mask[3, 3] = True
    # Row 3 is in the second of three parts (3 * 3 // 7 = 1), column 3 in the second of five.
    assert np.argwhere(reduced(mask, (3, 5))).tolist() == [[1, 1]]
