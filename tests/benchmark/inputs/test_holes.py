"""Holes against the numbers of the paper's published masks and against plain geometry."""

from __future__ import annotations

import numpy as np
import pytest

from benchmark.inputs.holes import Box, CentreSquare, FreeForm, MiddleThird
from methods.images import read_mask, resample_nearest
from tests.paths import SHARED

PUBLISHED = SHARED / "data" / "moskalenko2020" / "masks"
THIRD = MiddleThird(kind="middle-third")


@pytest.mark.parametrize(
    ("size", "first", "last"),
    [(1024, 342, 682), (1536, 512, 1024), (1792, 598, 1194), (2048, 683, 1365)],
)
def test_middle_third_rows_and_columns(size: int, first: int, last: int) -> None:
    mask = THIRD.draw(size, size, "any")
    for axis in (0, 1):
        inside = np.flatnonzero(mask.any(axis=axis))
        assert (inside[0], inside[-1]) == (first, last)
    assert mask.sum() == (last - first + 1) ** 2


def test_middle_third_equals_the_published_masks() -> None:
    if not PUBLISHED.is_dir():
        pytest.skip("published samples of Moskalenko et al. are not here")
    for path in PUBLISHED.glob("*.png"):
        assert np.array_equal(read_mask(path), THIRD.draw(1024, 1024, path.stem))


@pytest.mark.parametrize("share", [0.05, 0.25, 0.5])
def test_centre_square_covers_its_share(share: float) -> None:
    mask = CentreSquare(kind="centre-square", share=share).draw(1000, 1000, "any")
    assert mask.mean() == pytest.approx(share, abs=0.002)
    assert np.array_equal(mask, mask.T)


def test_box_lies_where_it_was_put() -> None:
    box = Box(kind="box", top=0.1, left=0.5, height=0.2, width=0.25)
    rows, columns = np.nonzero(box.draw(200, 200, "any"))
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (20, 59, 100, 149)


def test_a_band_is_as_wide_as_the_image_and_no_box_leaves_it() -> None:
    band = Box(kind="box", top=0.7, left=0, height=0.3, width=1)
    assert band.draw(100, 100, "any").sum() == 30 * 100
    for left, width in ((0.9, 0.2), (0.5, 1.0)):
        with pytest.raises(ValueError, match=r"left \+ width is 1\.\d: the box leaves the image"):
            Box(kind="box", top=0.1, left=left, height=0.5, width=width)


def test_free_form_depends_on_seed_and_name_alone() -> None:
    hole = FreeForm(kind="free-form", seed=3)
    assert np.array_equal(hole.draw(256, 256, "cat"), hole.draw(256, 256, "cat"))
    assert not np.array_equal(hole.draw(256, 256, "cat"), hole.draw(256, 256, "dog"))
    other = FreeForm(kind="free-form", seed=4)
    assert not np.array_equal(hole.draw(256, 256, "cat"), other.draw(256, 256, "cat"))


def test_free_form_is_the_same_shape_at_every_resolution() -> None:
    for name in ("cat", "dog", "owl"):
        hole = FreeForm(kind="free-form", thickness="medium")
        small, large = (
            hole.draw(512, 512, name),
            resample_nearest(hole.draw(2048, 2048, name), 512, 512),
        )
        assert (small & large).sum() / (small | large).sum() > 0.9


def test_free_form_thickness_orders_the_area() -> None:
    shares = []
    for thickness in ("thin", "medium", "thick"):
        hole = FreeForm.model_validate({"kind": "free-form", "thickness": thickness})
        shares.append(np.mean([hole.draw(256, 256, str(name)).mean() for name in range(30)]))
    assert 0.01 < shares[0] < shares[1] < shares[2] < 0.6
