"""Photographs by the two-stage method: at full resolution, and only around the hole."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from tests.gimp.real_gimp import RealGimp
from tests.paths import DEMO

PHOTO = DEMO / "lake_mountains.jpg"


@pytest.fixture(scope="module")
def found(gimp: RealGimp) -> dict[str, Any]:
    return gimp.run("photo", photo=f"/host{PHOTO}")


def test_the_middle_third_of_a_photograph_is_filled_twice(
    found: dict[str, Any], gimp: RealGimp
) -> None:
    told = found["middle_third"]
    assert told["first"]["status"] == told["second"]["status"] == "success", told
    before, after = (cv2.imread(str(gimp.shared / name)) for name in ("before.png", "after.png"))
    side = told["size"] // 3
    hole = np.zeros(before.shape[:2], bool)
    hole[side : 2 * side, side : 2 * side] = True
    assert (before == after)[~hole].all()
    assert (before != after)[hole].mean() > 0.5
    print(f"2048: {told['first']['seconds']:.1f} s, then {told['second']['seconds']:.1f} s, "
          f"worker {told['mb']:.0f} MB")  # fmt: skip


def test_a_small_hole_in_a_large_photograph_takes_its_surroundings_alone(
    found: dict[str, Any],
) -> None:
    told = found["large"]
    assert told["status"] == "success", told
    assert told["place"] == [3100, 1700, 200, 200] and told["known"]
    print(f"6000 x 4000: {told['seconds']:.1f} s, worker {told['mb']:.0f} MB")
