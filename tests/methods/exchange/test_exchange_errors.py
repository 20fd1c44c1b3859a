"""Errors of exported networks: one line that names the file, the fault and the option."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import methods
from methods.base import MethodError
from methods.exported.errors import failure
from tests.benchmark.conftest import PROTOCOL, Bench, save
from tests.methods.conftest import box, scene
from tests.methods.exchange import networks

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*torch.jit:DeprecationWarning", "ignore::UserWarning"
)
IMAGE, MASK = scene(1, 90, 75), box(90, 75, slice(30, 60), slice(20, 50))


class OtherInputs(nn.Module):
    def forward(self, image: Tensor, mask: Tensor, edges: Tensor, lines: Tensor) -> Tensor:
        return image * mask + edges * lines


class WithConvolution(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(4, 3, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)


class Small(nn.Module):
    """Returns half the size."""

    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        return (image * mask)[:, :, ::2, ::2]


class NotFinite(nn.Module):
    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        return image / (1 - mask)


class HoleOnly(nn.Module):
    """Leaves out what is known, which is not an error."""

    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        return networks.mean_filled(image, mask) * mask


def message_of(path: str, **options: Any) -> str:
    with pytest.raises(MethodError) as caught:
        methods.create("exchange", file=path, device="cpu", **options).inpaint(IMAGE, MASK)
    message = str(caught.value)
    assert message.startswith(path) and "\n" not in message
    return message


@pytest.mark.parametrize(
    ("network", "options", "said"),
    [
        ({}, {"inputs": ["image+mask"]}, "takes 2 inputs (image, mask), `inputs` has 1"),
        (
            {},
            {"inputs": ["mask", "image"]},
            "input 'mask' (float32, 1 x 1 x height x width) has 1 channels in",
        ),
        ({}, {"layout": "NHWC"}, "looks like NCHW, `layout` is NHWC: remove `layout`"),
        ({"images": 4}, {}, "takes 4 images at a time: export the network for one image"),
        ({}, {"dtype": "uint8"}, "input 'image' is float32, `dtype` is uint8: remove `dtype`"),
        ({"mask": "bool"}, {"mask_dtype": "int64"}, "`mask_dtype` is int64: remove `mask_dtype`"),
        ({}, {"output": "inpainted"}, "has no output 'inpainted', `output` may be: result"),
        ({}, {"input_names": ["img", "mask"]}, "no input 'img', `input_names` may be: image, mask"),
        ({"sides": (64, 48)}, {"size": 512}, "takes 48x64 pixels, `size` is 512: remove `size`"),
        (
            {"result_white": 255},
            {},
            " of 255 with [0, 1], by 0.0 with [0, 255]",
        ),
        ({}, {"output_range": [-1, 1]}, "`output_range` looks wrong"),
        ({"hole": 0, "known": 1}, {}, "`mask_values` looks reversed: the hole came back as it was"),
    ],
    ids=str,
)
def test_an_option_that_contradicts_the_file_is_named(
    network: dict[str, Any], options: dict[str, Any], said: str, tmp_path: Path
) -> None:
    path = networks.onnx_network(tmp_path / "n.onnx", **network)
    assert said in message_of(path, **options)


@pytest.mark.parametrize(
    ("network", "options", "said"),
    [
        (WithConvolution, {}, "takes one input (x): set `inputs`"),
        (WithConvolution, {"inputs": ["image"]}, "but got 3 channels instead; `inputs`"),
        (WithConvolution, {"inputs": ["image+mask"], "dtype": "uint8"}, "`dtype` or `mask_dtype`"),
        (networks.LaMa, {}, "set `multiple` (8, 16, 32...)"),
        (networks.LaMa, {"multiple": 8, "dtype": "uint8"}, "; try: python -m methods inspect"),
        (networks.LaMaTrainer, {"inputs": ["image"]}, "takes 2 inputs (image, mask)"),
        (Small, {}, "returned output (1, 3, 45, 38) for an input of 75x90"),
        (NotFinite, {}, "not finite: `image_range` or `dtype`"),
        (OtherInputs, {}, "takes 4 inputs (image, mask, edges, lines)"),
        (OtherInputs, {}, "needs a method of its own (docs/add_a_method.md)"),
    ],
)  # fmt: skip
def test_a_network_that_fails_says_which_option(
    network: type[nn.Module], options: dict[str, Any], said: str, tmp_path: Path
) -> None:
    path = networks.scripted(network(), tmp_path / "n.pt")
    assert said in message_of(path, **options)


def test_a_network_may_leave_out_what_is_known(tmp_path: Path) -> None:
    path = networks.scripted(HoleOnly(), tmp_path / "n.pt")
    method = methods.create("exchange", file=path)
    result = method.inpaint(IMAGE, MASK)
    assert np.abs(result[45, 35] - IMAGE[~MASK].mean(axis=0)).max() <= 2
    # It goes to the log of the case.
    assert "unless the network leaves them out, an option is wrong" in method.log
    path = networks.onnx_network(tmp_path / "n.onnx")
    method = methods.create("exchange", file=path)
    method.inpaint(IMAGE, MASK)
    assert method.log == ""


def test_files_that_are_no_networks_are_told_apart(tmp_path: Path) -> None:
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"
    for name, content, said in (
        ("a.onnx", pointer, "Git LFS pointer; fetch the file itself: git lfs pull"),
        ("b.pt", b"<!doctype html>", "web page; download the file itself"),
        ("c.pt", b"", "the file is empty"),
        ("d.onnx", b"\x08\x07nonsense", "not an ONNX network that can be run"),
    ):
        (tmp_path / name).write_bytes(content)
        assert said in message_of(str(tmp_path / name))
    for new in (True, False):
        path = tmp_path / f"weights_{new}.pth"
        state = WithConvolution().state_dict()
        torch.save(state, path, _use_new_zipfile_serialization=new)
        assert "it has weights only, no network; export the network" in message_of(str(path))


def test_options_that_mean_nothing_are_refused(tmp_path: Path) -> None:
    path = networks.onnx_network(tmp_path / "n.onnx")
    for options, said in (
        ({"inputs": ["picture", "mask"]}, "inputs: 'picture' is not one of image, mask, ones"),
        ({"inputs": ["mask"]}, "no input is the image"),
        ({"mask_values": [1, 1]}, "mask_values: the two values are the same"),
        ({"input_names": ["image"]}, "as many names as `inputs`"),
        ({"layout": "HWC"}, "layout: input should be 'NCHW' or 'NHWC'"),
    ):
        with pytest.raises(ValueError, match=said):
            methods.create("exchange", file=path, **options)


def test_running_out_of_memory_is_not_blamed_on_options() -> None:
    for text in ("CUDA out of memory. Tried to allocate 9 GiB", "Failed to allocate memory for"):
        assert isinstance(failure(Path("n.pt"), RuntimeError(text)), MemoryError)


@pytest.mark.slow
def test_the_traceback_goes_to_the_log_and_its_last_line_to_the_row(tmp_path: Path) -> None:
    save(tmp_path / "photos" / "cat.png", scene(3, 90, 90))
    (tmp_path / "tiny.toml").write_text(PROTOCOL)
    path = networks.scripted(networks.LaMa(), tmp_path / "n.pt")
    bench = Bench(tmp_path / "photos", tmp_path / "tiny.toml", tmp_path / "run")
    done = bench.run(
        *("--methods", "exchange", "--option", f"exchange.file={path}", "--device", "cpu"),
        *("--resolutions", "60"),
    )
    assert done.returncode == 1
    with (bench.out / "scores.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["status"] == "failed"
    assert row["error"].startswith(f"{path} failed: shape '[1, 3, 7, 8, 7, 8]' is invalid")
    assert "set `multiple`" in row["error"] and "Traceback" not in row["error"]
    log = (bench.out / "logs/60/exchange/cat.txt").read_text()
    assert "Traceback of TorchScript" in log and "image.shape[3] // 8" in log
