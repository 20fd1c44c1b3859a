"""The networks: parts of the whole at the whole's values, exact sizes, and the adapters around
them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

import methods
from methods.architectures.dfnet import DFNet
from methods.architectures.refinement import RefinementNet
from methods.architectures.spans import Span
from methods.base import MissingRequirementError
from methods.network import torch_device
from tests.conformance.dfnet import filled
from tests.methods.conftest import box, scene

# Rows and columns of 512 x 768: inside, at a corner, one pixel, across, everything.
BOXES = [
    (Span(200, 290), Span(300, 470)),
    (Span(0, 40), Span(700, 768)),
    (Span(511, 512), Span(0, 1)),
    (Span(0, 512), Span(300, 301)),
    (Span(0, 512), Span(0, 768)),
]


@pytest.fixture(scope="module")
def dfnet() -> DFNet:
    return filled(DFNet(width=0.125), "test:")  # type: ignore[return-value]


@pytest.fixture(scope="module")
def refiner() -> RefinementNet:
    return filled(RefinementNet(width=0.125), "test:")  # type: ignore[return-value]


def noise(channels: int, height: int, width: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(channels)
    return torch.rand(1, channels, height, width, generator=generator)


@pytest.mark.slow
@torch.inference_mode()
def test_what_dfnet_computes_only_where_needed_is_the_same(dfnet: DFNet) -> None:
    image, known = noise(3, 512, 768), (noise(1, 512, 768) > 0.3).float()
    whole = dfnet(image * known, known)[0][0]
    for rows, columns in BOXES:
        part = whole[..., slice(*rows), slice(*columns)]
        found = dfnet.result_in(image * known, known, rows, columns)
        assert found.shape == part.shape and (found - part).abs().max() < 2e-6


@pytest.mark.slow
@torch.inference_mode()
def test_what_is_refined_only_where_needed_is_the_same(refiner: RefinementNet) -> None:
    stack = noise(20, 512, 768)
    whole = refiner.predict(stack)
    for rows, columns in BOXES:
        part = whole[..., slice(*rows), slice(*columns)]
        found = refiner.predict_in(
            lambda r, c: stack[..., slice(*r), slice(*c)], (512, 768), rows, columns
        )
        assert found.shape == part.shape and (found - part).abs().max() < 2e-6


@pytest.mark.slow
def test_a_hole_needs_a_third_of_the_work() -> None:
    """Multiplications of the convolutions, for the middle third: the specification says 0.38 at
    1024 px and 0.29 at 1536."""
    from torch.utils.flop_counter import FlopCounterMode

    network = RefinementNet().to("meta")
    for size, share in ((1024, 0.38), (1536, 0.29)):
        with FlopCounterMode(display=False) as full:
            network(torch.empty(1, 20, size, size, device="meta"))
        span = Span(-(-size // 3), 2 * size // 3 + 1)
        with FlopCounterMode(display=False) as needed:
            network.predict_in(
                lambda r, c: torch.empty(1, 20, r.stop - r.start, c.stop - c.start, device="meta"),
                (size, size),
                span,
                span,
            )
        assert needed.get_total_flops() / full.get_total_flops() == pytest.approx(share, abs=0.006)


@pytest.mark.parametrize("size", [(128, 256), (256, 300)])
def test_sizes_that_do_not_halve_exactly_are_refused(
    dfnet: DFNet, refiner: RefinementNet, size: tuple[int, int]
) -> None:
    with pytest.raises(ValueError, match="multiples of 256"):
        dfnet(torch.zeros(1, 3, *size), torch.zeros(1, 1, *size))
    with pytest.raises(ValueError, match="multiples of 256"):
        refiner(torch.zeros(1, 20, *size))


def stored(path: Path, network: torch.nn.Module, **metadata: str) -> str:
    save_file(network.state_dict(), path, metadata=metadata)
    return str(path)


def test_weights_say_their_colour_order_and_width(dfnet: DFNet, tmp_path: Path) -> None:
    image, mask = scene(1, 200, 130), box(200, 130, slice(60, 120), slice(20, 100))
    published = stored(tmp_path / "bgr.safetensors", dfnet)
    own = stored(tmp_path / "rgb.safetensors", dfnet, colour_order="RGB")
    bgr = methods.create("dfnet", weights=published).inpaint(image, mask)
    rgb = methods.create("dfnet", weights=own).inpaint(image[..., ::-1].copy(), mask)
    assert np.array_equal(bgr, rgb[..., ::-1]) and not np.array_equal(bgr, rgb)


def test_rounding_to_bytes(dfnet: DFNet, tmp_path: Path) -> None:
    image, mask = scene(2, 256, 256), box(256, 256, slice(60, 120), slice(20, 100))
    path = stored(tmp_path / "w.safetensors", dfnet)
    cut, nearest = (
        methods.create("dfnet", weights=path, rounding=how).inpaint(image, mask).astype(int)
        for how in ("truncate", "nearest")
    )
    assert set(np.unique(nearest - cut)) == {0, 1}
    assert 0.4 < (nearest - cut)[mask].mean() < 0.6


@pytest.mark.slow
def test_random_weights_say_so_and_repeat() -> None:
    image, mask = scene(3, 64, 64), box(64, 64, slice(20, 40), slice(20, 40))
    one, two = (methods.create("dfnet", weights="random") for _ in range(2))
    assert "RANDOM WEIGHTS" in one.note and one.weights_used() == {"dfnet": "random"}
    torch.manual_seed(7)
    before = torch.get_rng_state()
    assert np.array_equal(one.inpaint(image, mask), two.inpaint(image, mask))
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("depth", [6, 7, 8])
def test_every_depth_that_training_offers_can_be_used(tmp_path: Path, depth: int) -> None:
    path = tmp_path / "dfnet.safetensors"
    save_file(DFNet(width=0.02, relative=True, depth=depth).state_dict(), path)
    network = methods.create("dfnet", weights=str(path), device="cpu").loaded()
    assert network.multiple == 2**depth


def test_checked_weights_are_not_read_again(dfnet: DFNet, tmp_path: Path) -> None:
    path = Path(stored(tmp_path / "w.safetensors", dfnet))
    inpainter = methods.create("dfnet", weights=str(path), device="cpu")
    inpainter.check()
    path.unlink()
    inpainter.load()
    assert torch.equal(
        inpainter.loaded().state_dict()["de_0.decode.0.conv.bias"], dfnet.de_0.decode[0].conv.bias
    )


def test_a_device_that_is_not_there_is_named() -> None:
    with pytest.raises(MissingRequirementError, match="device 'cuda:99' cannot be used"):
        torch_device("cuda:99")
