"""`python -m methods inspect FILE`: what it says of networks, and that its method file runs."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import methods
from methods.network import NetworkInpainter
from tests.benchmark.conftest import PROTOCOL, Bench, save
from tests.command_line import run
from tests.methods.conftest import scene
from tests.methods.exchange import networks
from tests.paths import ROOT

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*torch.jit:DeprecationWarning", "ignore::UserWarning"
)
BUNDLED = ROOT / "methods" / "weights" / "bundled" / "dfnet_compact.safetensors"
UINT8 = {"image": "uint8", "mask": "uint8", "white": 255}
UNIT = {"image_range": [0, 1], "mask_values": [0, 1], "output_range": [0, 1]}
BYTES = {"image_range": [0, 255], "output_range": [0, 255]}


def inspected(path: str) -> tuple[dict[str, Any], str]:
    """Return the only table of the method file, without what all have, and the whole file."""
    done = run("methods", "inspect", path)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    (table,) = tomllib.loads(done.stdout).values()
    assert table.pop("method") == "exchange" and table.pop("file") == path
    return table, done.stdout


@pytest.mark.parametrize(
    ("network", "options"),
    [
        ({}, {**UNIT, "inputs": ["image", "mask"]}),
        ({"image": "float16", "mask": "float16"}, UNIT),
        ({"result_white": 255}, {**UNIT, "output_range": [0, 255]}),
        ({"mask": "bool", "hole": 0, "known": 1}, {**UNIT, "mask_values": [1, 0]}),
        ({**UINT8, "hole": 0, "known": 255}, {**BYTES, "mask_values": [255, 0]}),
        ({**UINT8, "hole": 255, "channels_last": True}, {**BYTES, "mask_values": [0, 255]}),
        ({"white": 255, "hole": 255}, {**BYTES, "mask_values": [0, 255]}),
        ({"mask_first": True, "sides": (64, 48)}, {**UNIT, "inputs": ["mask", "image"]}),
        ({"coarse": True}, {**UNIT, "output": "result"}),
    ],
    ids=str,
)
def test_the_options_of_onnx_networks_are_found(
    network: dict[str, Any], options: dict[str, Any], tmp_path: Path
) -> None:
    path = networks.onnx_network(tmp_path / "n.onnx", **network)
    table, text = inspected(path)
    assert table == {"inputs": ["image", "mask"], **options}
    assert "known pixels differ by 0." in text and "looks like: " in text


@pytest.mark.slow
@pytest.mark.parametrize(
    ("network", "options"),
    [
        (networks.LaMa, {"multiple": 8}),
        (networks.LaMaTrainer, {"output": "inpainted"}),
        (
            networks.BoolMask,
            {"inputs": ["mask", "image"], "mask_dtype": "bool", "mask_values": [1, 0]},
        ),
        (
            networks.ChannelsLast,
            {**BYTES, "layout": "NHWC", "mask_values": [0, 255]},
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
        (lambda: networks.Half().half(), {}),
    ],
)
def test_the_options_of_torchscript_are_found(
    network: Callable[[], nn.Module], options: dict[str, Any], tmp_path: Path
) -> None:
    table, _ = inspected(networks.scripted(network(), tmp_path / "n.pt"))
    assert {**UNIT, "inputs": ["image", "mask"], **options} == table


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning")
def test_the_options_of_a_trained_network_are_found(tmp_path: Path) -> None:
    """The bundled stage one: mask 1 = known, multiples of 128, 18 outputs, fills what it sees."""
    method = methods.create("dfnet", weights=str(BUNDLED), device="cpu")
    assert isinstance(method, NetworkInpainter)
    image, known = torch.zeros(1, 3, 128, 128), torch.ones(1, 1, 128, 128)
    free = {2: "height", 3: "width"}
    path = tmp_path / "dfnet.onnx"
    torch.onnx.export(
        method.loaded(), (image, known), str(path), input_names=["image", "mask"],
        dynamic_axes={"image": free, "mask": free}, dynamo=False,
    )  # fmt: skip
    table, text = inspected(str(path))
    assert table["mask_values"] == [1, 0] and table["multiple"] == 128
    assert table["image_range"] == table["output_range"] == [0, 1] and "output" not in table
    assert "the result depends on what is under the hole" in text and "of 18 outputs" in text


def test_what_the_file_tells_and_what_was_returned_is_printed(tmp_path: Path) -> None:
    path = networks.onnx_network(tmp_path / "n.onnx", mask="bool", coarse=True)
    _, text = inspected(path)
    for line in (
        "# n.onnx: ONNX, 0.0 MB",
        "#   image: float32, 1 x 3 x height x width",
        "#   mask: bool, 1 x 1 x height x width",
        "# tried with a made-up image of 103x101; it returned",
        "#   2 result: float32, 1 x 3 x 101 x 103, values 0 to 1  <- the result",
        '# not to be seen: the order of colours, `colours = "BGR"` if not RGB',
    ):
        assert line in text.splitlines()


class Grey(nn.Module):
    """Does not hide the hole from itself, and returns it with the values under it."""

    def forward(self, x: Tensor) -> Tensor:
        return (x[:, :3] + 0.4 * x[:, 3:4]).clamp(0, 1)


class Nothing(nn.Module):
    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        return image


class Failing(nn.Module):
    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        raise ValueError("the network is not complete")


def test_doubts_are_told(tmp_path: Path) -> None:
    _, text = inspected(networks.scripted(Nothing(), tmp_path / "nothing.pt"))
    assert "BUT the hole comes back as it was given" in text
    _, text = inspected(networks.scripted(networks.Half(), tmp_path / "half.pt"))
    assert "depends on what is under the hole" not in text


@pytest.mark.slow
def test_a_network_that_reads_the_hole_is_told(tmp_path: Path) -> None:
    _, text = inspected(networks.scripted(Grey(), tmp_path / "grey.pt"))
    assert "the result depends on what is under the hole" in text


@pytest.mark.slow
def test_a_network_that_cannot_be_run_leaves_the_reasons_and_a_table(tmp_path: Path) -> None:
    path = networks.scripted(Failing(), tmp_path / "n.pt")
    done = run("methods", "inspect", path)
    assert done.returncode == 1
    assert tomllib.loads(done.stdout)["n"]["file"] == path
    assert "#   the network is not complete" in done.stdout and "Traceback" not in done.stdout


def test_a_file_that_is_no_network_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "n.pt").write_bytes(b"<html>")
    for name, said in (("n.pt", "it is a web page"), ("other.pt", "there is no such file")):
        done = run("methods", "inspect", tmp_path / name)
        assert done.returncode == 2 and done.stdout == ""
        assert said in done.stderr and len(done.stderr.splitlines()) == 1


def test_the_example_of_the_docs_is_what_is_printed(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "add_a_method.md").read_text()
    example = page.partition("```\n# like_lama.pt")[2].partition("```")[0].splitlines()[1:]
    _, text = inspected(networks.scripted(networks.LaMa(), tmp_path / "like_lama.pt"))
    assert len(example) > 10
    missing = set(example) - set(text.splitlines())
    assert missing == {"...", 'file = "/networks/like_lama.pt"'}


@pytest.mark.slow
def test_the_method_file_runs_as_it_is(tmp_path: Path) -> None:
    save(tmp_path / "photos" / "cat.png", scene(3, 90, 90))
    (tmp_path / "tiny.toml").write_text(PROTOCOL)
    networks.scripted(networks.LaMa(), tmp_path / "big [lama].pt")
    networks.onnx_network(tmp_path / "reference.onnx", **UINT8, hole=0, known=255)
    files: list[str] = []
    for name in ("big [lama].pt", "reference.onnx"):
        done = run("methods", "inspect", name, cwd=tmp_path)
        files += ["--method-file", str(tmp_path / f"{name}.toml")]
        Path(files[-1]).write_text(done.stdout)
    bench = Bench(tmp_path / "photos", tmp_path / "tiny.toml", tmp_path / "run")
    done = bench.run(*files, "--resolutions", "60", "--device", "cpu")
    assert done.returncode == 0, done.stderr
    with (bench.out / "scores.csv").open(newline="") as file:
        rows = {row["method"]: row for row in csv.DictReader(file)}
    # The label "reference" is that of the photographs.
    assert set(rows) == {"big [lama]", "network"}
    assert all(float(row["l1_hole"]) < 60 for row in rows.values())
