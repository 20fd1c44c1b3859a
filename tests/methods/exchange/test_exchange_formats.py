"""Exported networks of every interface: what the file tells need not be told again."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import methods
from tests.methods.conftest import box, scene
from tests.methods.exchange import networks
from tests.paths import ROOT

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*torch.jit:DeprecationWarning", "ignore::UserWarning"
)
IMAGE, MASK = scene(1, 90, 75), box(90, 75, slice(30, 60), slice(20, 50))
UINT8 = {"image": "uint8", "mask": "uint8", "white": 255}


def fills_with_the_mean(path: str, tolerance: int = 1, **options: Any) -> None:
    method = methods.create("exchange", file=path, device="cpu", **options)
    raw = method.fill(IMAGE, MASK).astype(int)
    assert np.abs(raw[~MASK] - IMAGE[~MASK]).max() <= tolerance
    assert np.abs(raw[MASK] - IMAGE[~MASK].mean(axis=0)).max() <= 1 + tolerance


@pytest.mark.parametrize(
    ("network", "options"),
    [
        ({"image": "float16", "mask": "float16"}, {}),
        ({"mask": "bool"}, {}),
        ({"mask": "bool", "hole": 0, "known": 1}, {"mask_values": [1, 0]}),
        ({"mask": "int64", "hole": 255}, {"mask_values": [0, 255]}),
        ({"mask_first": True}, {}),
        ({"channels_last": True}, {}),
        ({"channels_last": True, "ranks": (3, 2)}, {}),
        ({**UINT8, "hole": 0, "known": 255}, {"mask_values": [255, 0]}),
        ({**UINT8, "hole": 255, "channels_last": True}, {"mask_values": [0, 255]}),
        ({"result_white": 255}, {"output_range": [0, 255]}),
        ({"coarse": True}, {"output": 2}),
    ],
    ids=str,
)
def test_onnx_tells_types_layout_and_order(
    network: dict[str, Any], options: dict[str, Any], tmp_path: Path
) -> None:
    path = networks.onnx_network(tmp_path / "n.onnx", **network)
    fills_with_the_mean(path, **options)


def test_an_image_that_has_the_fixed_size_already_is_not_resampled(tmp_path: Path) -> None:
    fills_with_the_mean(networks.onnx_network(tmp_path / "n.onnx", sides=(90, 75)))
    # Padding by a multiple comes first.
    path = networks.onnx_network(tmp_path / "padded.onnx", sides=(96, 80))
    raw = methods.create("exchange", file=path, multiple=16).fill(IMAGE, MASK)
    assert np.abs(raw[~MASK].astype(int) - IMAGE[~MASK]).max() <= 1


def test_other_images_are_resampled_to_the_fixed_size(tmp_path: Path) -> None:
    """A hole in an image of one colour is filled with it, at any size."""
    path = networks.onnx_network(tmp_path / "n.onnx", sides=(64, 48))
    flat = np.full((200, 300, 3), (200, 100, 50), np.uint8)
    mask = box(200, 300, slice(50, 90), slice(60, 200))
    result = methods.create("exchange", file=path).inpaint(flat, mask)
    assert np.abs(result.astype(int) - flat).max() <= 1


@pytest.mark.parametrize(
    ("network", "options"),
    [
        (networks.LaMaTrainer, {"output": "inpainted"}),
        (
            networks.LaMaTrainer,
            {"output": 2, "inputs": ["mask", "image"], "input_names": ["mask", "image"]},
        ),
        (
            networks.BoolMask,
            {"inputs": ["mask", "image"], "mask_dtype": "bool", "mask_values": [1, 0]},
        ),
        (networks.DeepFill, {"inputs": ["image+ones+mask", "mask"], "output": "1"}),
        (
            networks.MIGAN,
            {
                "inputs": ["mask+image"],
                "mask_values": [0.5, -0.5],
                "image_range": [-1, 1],
                "output_range": [-1, 1],
            },
        ),
        (networks.ChannelsLast, {"layout": "NHWC", "dtype": "uint8", "mask_values": [0, 255]}),
        # The type of the weights is known.
        (lambda: networks.Half().half(), {}),
    ],
)
def test_torchscript(
    network: Callable[[], torch.nn.Module], options: dict[str, Any], tmp_path: Path
) -> None:
    fills_with_the_mean(networks.scripted(network(), tmp_path / "n.pt"), **options)


@pytest.mark.slow
def test_torch_export_tells_the_multiple_and_takes_a_dictionary(tmp_path: Path) -> None:
    sides = networks.eights()
    batch = {"image": torch.zeros(1, 3, 64, 80), "mask": torch.zeros(1, 1, 64, 80)}
    path = networks.exported(
        networks.LaMaTrainer(),
        tmp_path / "n.pt2",
        batch,
        dynamic=({"image": sides, "mask": sides},),
    )
    method = methods.create("exchange", file=path, device="cpu", output="inpainted")
    # Neither 90 nor 75 is a multiple of 8: the border is repeated, which moves the mean.
    raw = method.fill(IMAGE, MASK).astype(int)
    padded = np.pad(IMAGE, ((0, 6), (0, 5), (0, 0)), mode="edge")
    known = ~np.pad(MASK, ((0, 6), (0, 5)))
    assert np.abs(raw[MASK] - padded[known].mean(axis=0)).max() <= 1
    assert np.array_equal(raw[~MASK], IMAGE[~MASK])


def test_the_examples_of_the_docs_fit_networks_of_these_interfaces(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "add_a_method.md").read_text()
    blocks = [block.partition("```")[0] for block in page.split("```toml\n")]
    (tables,) = (tomllib.loads(block) for block in blocks if block.startswith("[LaMa]"))
    files = {
        "LaMa": networks.scripted(networks.LaMa(), tmp_path / "l.pt"),
        "LaMa (ONNX)": networks.onnx_network(
            tmp_path / "l.onnx", result_white=255, sides=(512, 512)
        ),
        "MI-GAN (ONNX)": networks.onnx_network(tmp_path / "m.onnx", **UINT8, hole=0, known=255),
        "MI-GAN (traced)": networks.scripted(networks.MIGAN(), tmp_path / "m.pt"),
    }
    image = np.full((96, 80, 3), (200, 100, 50), np.uint8)
    image[:30] = (30, 160, 90)
    mask = box(96, 80, slice(40, 60), slice(20, 50))
    for name, table in tables.items():
        options = {key: value for key, value in table.items() if key != "method"}
        method = methods.create("exchange", **{**options, "file": files[name]})
        result = method.inpaint(image, mask)
        assert np.abs(result[50, 35] - image[~mask].mean(axis=0)).max() <= 2, name


def test_a_case_of_an_earlier_version_is_still_the_same_case(tmp_path: Path) -> None:
    """Else every finished case of an old run folder would run again."""
    file = tmp_path / "n.onnx"
    file.write_bytes(b"network")
    identity = methods.create("exchange", file=str(file)).identity(512, "cat")
    assert identity["options"] == {
        "file": hashlib.sha256(b"network").hexdigest(),
        "inputs": ["image", "mask"],
        "image_range": (0.0, 1.0),
        "mask_values": (0.0, 1.0),
        "output_range": (0.0, 1.0),
        "hole_value": None,
        "dtype": "float32",
        "colours": "RGB",
        "multiple": 1,
        "size": None,
    }
    for options in ({"output": 0}, {"layout": "NHWC"}, {"mask_dtype": "bool"}):
        assert (
            methods.create("exchange", file=str(file), **options).identity(512, "cat") != identity
        )


def test_old_runs_with_bytes_and_no_range_run_again(tmp_path: Path) -> None:
    """Such an image was black: 255 became 1."""
    path = networks.onnx_network(tmp_path / "n.onnx", **UINT8, hole=255)
    method = methods.create("exchange", file=path, dtype="uint8", mask_values=[0, 255])
    assert method.identity(512, "cat")["options"]["image_range"] == (0.0, 255.0)
    fills_with_the_mean(path, dtype="uint8", mask_values=[0, 255])
