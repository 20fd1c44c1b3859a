"""The compact refinement network: detail of the shifted copies, and nothing of its own."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from methods.architectures.detail import BANDS, COPIES, DetailNet, add_detail
from methods.architectures.spans import Span
from methods.architectures.two_stage_input import DIRECTIONS, RefinementInput
from methods.base import Image, Mask

SIDE = 512
CPU = torch.device("cpu")
ROWS, COLUMNS = Span(171, 341), Span(180, 350)


def hole() -> Mask:
    mask = np.zeros((SIDE, SIDE), bool)
    mask[slice(*ROWS), slice(*COLUMNS)] = True
    return mask


def texture(period: int) -> Image:
    """Fine and coarse texture that repeats after `period` pixels both ways."""
    tile = np.random.default_rng(0).integers(0, 256, (period, period, 3)).astype(np.float32)
    tile += 2 * cv2.GaussianBlur(tile, (0, 0), 4)
    times = -(-SIDE // period)
    return np.tile(tile / 3, (times, times, 1))[:SIDE, :SIDE].astype(np.uint8)


def channels(image: Image, shift: int) -> Tensor:
    """The 20 channels where stage one filled the hole with one colour."""
    filled = image.copy()
    filled[hole()] = image[hole()].mean(axis=0)
    return RefinementInput(filled, hole(), (shift, shift)).at(Span(0, SIDE), Span(0, SIDE), CPU)


def one_copy(copy: int) -> Tensor:
    """Gains that take one copy as it is."""
    gains = torch.zeros(1, COPIES, BANDS, SIDE // 4, SIDE // 4)
    gains[:, copy] = 1
    return gains.flatten(1, 2)


def network() -> DetailNet:
    torch.manual_seed(0)
    found = DetailNet(0.1)
    with torch.no_grad():
        found.last_conv.conv.weight.normal_(0, 3)
    return found.eval()


@pytest.mark.parametrize("copy", range(COPIES))
def test_texture_that_repeats_comes_back_from_each_copy(copy: int) -> None:
    image = texture(96)
    result = add_detail(channels(image, 96), one_copy(copy))[0].permute(1, 2, 0).numpy() * 255
    vertical, horizontal = DIRECTIONS[copy]
    # Where the copy shows known pixels, away from where its detail fades in.
    rows, columns = (
        slice(span.start + 24, span.start + 66)
        if sign > 0
        else slice(span.stop - 66, span.stop - 24)
        for sign, span in ((vertical or 1, ROWS), (horizontal or 1, COLUMNS))
    )
    wanted, before = image[rows, columns], channels(image, 96)[0, 1:4, rows, columns] * 255
    left = np.std(wanted - result[rows, columns])
    assert left < 0.35 * np.std(wanted - before.permute(1, 2, 0).numpy())


def test_without_gains_stage_one_is_left_as_it_is() -> None:
    x = channels(texture(64), 102)
    assert torch.equal(
        add_detail(x, torch.zeros(1, COPIES * BANDS, SIDE // 4, SIDE // 4)), x[:, 1:4]
    )


def test_no_pattern_where_there_is_no_detail() -> None:
    """Not even from gains that jump: nothing can draw a checkerboard or a frame's border."""
    x = channels(np.full((SIDE, SIDE, 3), 130, np.uint8), 102)
    result = network()(x)
    assert (result - 130 / 255).abs().max() < 1e-5


def test_what_is_unknown_or_out_of_the_frame_takes_no_part() -> None:
    x = channels(texture(64), 102)
    spoiled = x.clone()
    for first in range(4, 20, 4):
        unknown = x[:, first + 3 : first + 4] > 0
        spoiled[:, first : first + 3] = torch.where(unknown, 0.9, x[:, first : first + 3])
    gains = torch.full((1, COPIES * BANDS, SIDE // 4, SIDE // 4), 2.0)
    torch.testing.assert_close(add_detail(spoiled, gains), add_detail(x, gains))


def test_a_box_is_that_part_of_the_whole_and_known_pixels_are_kept() -> None:
    x, net = channels(texture(96), 102), network()
    with torch.inference_mode():
        whole = net(x)
        box = net.predict_in(
            lambda rows, columns: x[..., slice(*rows), slice(*columns)], (SIDE, SIDE), ROWS, COLUMNS
        )
    torch.testing.assert_close(box, whole[..., slice(*ROWS), slice(*COLUMNS)])
    known = ~torch.from_numpy(hole())
    assert torch.equal(whole[..., known], x[:, 1:4][..., known])
    assert (whole - x[:, 1:4]).abs().max() > 0.05


def test_a_frame_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="256"):
        network()(torch.zeros(1, 20, 300, 256))
