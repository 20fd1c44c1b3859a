"""The plug-in's arithmetic in plain bytes, with numpy as the independent oracle."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import region
from region import Box

SHAPES = st.tuples(st.integers(1, 9), st.integers(1, 9))
MASKS = SHAPES.flatmap(lambda shape: arrays(bool, shape))


def as_bytes(mask: np.ndarray) -> bytes:
    return (mask * np.uint8(255)).tobytes()


@st.composite
def layers_with_holes(draw: st.DrawFn) -> tuple[Box, Box]:
    """A layer anywhere on the canvas, and a hole inside it."""
    layer = Box(
        *(draw(st.integers(-900, 900)) for _ in "xy"), *(draw(st.integers(1, 3000)) for _ in "wh")
    )
    x, width = _part(draw, layer.x, layer.width)
    y, height = _part(draw, layer.y, layer.height)
    return layer, Box(x, y, width, height)


def _part(draw: st.DrawFn, start: int, length: int) -> tuple[int, int]:
    first = draw(st.integers(0, length - 1))
    return start + first, draw(st.integers(1, length - first))


def test_the_hole_is_the_middle_third() -> None:
    layer, hole = Box(0, 0, 6000, 4000), Box(3000, 1000, 400, 300)
    assert region.context_box(hole, layer) == Box(2600, 700, 1200, 900)


def test_small_holes_see_512_pixels() -> None:
    layer, hole = Box(0, 0, 6000, 4000), Box(3000, 1000, 10, 10)
    assert region.context_box(hole, layer) == Box(2749, 749, 512, 512)


def test_a_box_at_the_edge_is_moved_inside() -> None:
    layer, hole = Box(100, 50, 3000, 3000), Box(2900, 60, 200, 200)
    assert region.context_box(hole, layer) == Box(2500, 50, 600, 600)


def test_a_small_layer_is_taken_whole() -> None:
    layer, hole = Box(-5, 7, 300, 4000), Box(20, 2000, 200, 10)
    assert region.context_box(hole, layer) == Box(-5, 1749, 300, 512)


@given(layers_with_holes())
def test_context_lies_in_the_layer_around_the_hole(boxes: tuple[Box, Box]) -> None:
    layer, hole = boxes
    context = region.context_box(hole, layer)
    assert context.intersection(layer) == context and context.intersection(hole) == hole
    for got, inner, outer in zip(context.size, hole.size, layer.size, strict=True):
        assert got == min(outer, max(512, 3 * inner))


@given(arrays(np.uint8, 60))
def test_half_selected_is_hole(values: np.ndarray) -> None:
    assert region.threshold(values.tobytes()) == as_bytes(values >= 128)


@given(arrays(np.uint8, (30, 2)))
def test_what_is_transparent_in_a_mask_layer_is_no_hole(values: np.ndarray) -> None:
    expected = (values >= 128).all(axis=1)
    assert region.threshold_with_alpha(values.tobytes()) == as_bytes(expected)


@given(MASKS, st.integers(-50, 50), st.integers(-50, 50))
def test_the_box_of_the_holes(mask: np.ndarray, x: int, y: int) -> None:
    found = region.hole_box(as_bytes(mask), Box(x, y, mask.shape[1], mask.shape[0]))
    if not mask.any():
        assert found is None
        return
    rows, columns = np.nonzero(mask)
    size = np.ptp(columns) + 1, np.ptp(rows) + 1
    assert found == Box(x + columns.min(), y + rows.min(), *size)


@given(MASKS)
def test_runs_are_the_holes_in_order_and_none_spans_two_rows(mask: np.ndarray) -> None:
    width = mask.shape[1]
    found = list(region.runs(as_bytes(mask), width))
    drawn = np.zeros(mask.size, int)
    for start, end in found:
        assert start < end and start // width == (end - 1) // width
        drawn[start:end] += 1
    assert np.array_equal(drawn.reshape(mask.shape), mask.astype(int))
    # Each is as long as it can be.
    assert all(a[1] < b[0] or b[0] % width == 0 for a, b in pairwise(found))


@given(MASKS, st.integers(1, 4), st.integers(0, 2), st.randoms(use_true_random=False))
def test_only_hole_pixels_are_written_and_their_alpha_is_kept(
    mask: np.ndarray, colour: int, alpha: int, random: object
) -> None:
    rng = np.random.default_rng(random.getrandbits(32))  # type: ignore[attr-defined]
    shape = (*mask.shape, colour + alpha)
    old, new = (rng.integers(0, 256, shape, dtype=np.uint8) for _ in range(2))
    expected = old.copy()
    expected[mask, :colour] = new[mask, :colour]
    got = region.spliced(old.tobytes(), new.tobytes(), as_bytes(mask), mask.shape[1], alpha)
    assert got == expected.tobytes()
    lone = region.hole_pixels(new.tobytes(), as_bytes(mask), mask.shape[1])
    assert lone == (new * mask[..., None]).tobytes()


@given(st.data())
def test_cutting_takes_zeros_from_outside(data: st.DataObject) -> None:
    number, side = st.integers(-6, 6), st.integers(1, 8)
    box, wanted = (
        Box(*(data.draw(number) for _ in "xy"), data.draw(side), data.draw(side)) for _ in range(2)
    )
    depth = data.draw(st.integers(1, 3))
    pixels = data.draw(arrays(np.uint8, (box.height, box.width, depth)))
    canvas = np.zeros((40, 40, depth), np.uint8)
    canvas[box.y + 15 : box.y + 15 + box.height, box.x + 15 : box.x + 15 + box.width] = pixels
    rows = slice(wanted.y + 15, wanted.y + 15 + wanted.height)
    expected = canvas[rows, wanted.x + 15 : wanted.x + 15 + wanted.width]
    assert region.cut(pixels.tobytes(), box, wanted, depth) == expected.tobytes()
