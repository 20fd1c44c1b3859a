"""The U-Net in a box: only what the box depends on, a few rows at a time."""

from __future__ import annotations

import pytest
import torch

from methods.architectures import boxes
from methods.architectures.spans import Span
from methods.architectures.unet import UNet

BOXES = [(Span(0, 7), Span(60, 96)), (Span(20, 41), Span(33, 34)), (Span(0, 64), Span(0, 96))]


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("strip", [1, 5000, 10**9])
@pytest.mark.parametrize("box", BOXES)
def test_a_box_is_that_of_the_whole_output(
    box: tuple[Span, Span], strip: int, layout: torch.memory_format, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the number of rows at a time, at the border of the frame too."""
    monkeypatch.setattr(boxes, "STRIP", strip)
    torch.manual_seed(1)
    network = UNet(5, [(8, 7), (16, 5), (16, 3), (16, 3)], width=1.0).eval()
    network.to(memory_format=layout)  # type: ignore[call-overload]
    x = torch.rand(1, 5, 64, 96)
    rows, columns = box
    with torch.inference_mode():
        whole = network.outputs(x)[0][..., slice(*rows), slice(*columns)]
        part = network.output_in(lambda r, c: x[..., slice(*r), slice(*c)], (64, 96), rows, columns)
    assert part.shape == whole.shape
    assert (part - whole).abs().max() < 1e-5
