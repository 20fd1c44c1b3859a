"""Networks exported by others: every convention that a method file can state."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import methods
from methods.base import MethodError
from tests.methods.conftest import box, scene
from tests.paths import ROOT

# TorchScript still runs, and is what people have.
pytestmark = pytest.mark.filterwarnings(
    "ignore:.*torch.jit:DeprecationWarning", "ignore::UserWarning"
)
IMAGE, MASK = scene(1, 90, 75), box(90, 75, slice(30, 60), slice(20, 50))


class LikeLaMa(nn.Module):
    """Image in [0, 1] with mask 1 = hole; sides must be multiples of 8; red in the hole."""

    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        halves = image.reshape(1, 3, image.shape[2] // 8, 8, image.shape[3] // 8, 8)
        red = torch.tensor([0.8, 0.2, 0.1]).reshape(1, 3, 1, 1)
        return halves.reshape(image.shape) * (1 - mask) + red * mask


class LikeTracedMIGAN(nn.Module):
    """One tensor: mask, 0.5 known and -0.5 hole, then the image in [-1, 1], 0 in the hole."""

    def forward(self, x: Tensor) -> Tensor:
        hole = 0.5 - x[:, :1]
        red = torch.tensor([0.6, -0.6, -0.797]).reshape(1, 3, 1, 1)
        return x[:, 1:] + red * hole


def scripted(network: nn.Module, path: Path, *example: Tensor) -> str:
    torch.jit.trace(network, example).save(str(path))
    return str(path)


def saved_onnx(path: Path, network: str) -> str:
    """Small ONNX graphs with the interfaces of the LaMa and MI-GAN exports."""
    import onnx
    from onnx import TensorProto, helper

    kind = TensorProto.FLOAT if network == "lama" else TensorProto.UINT8
    sizes: list[Any] = [512, 512] if network == "lama" else ["height", "width"]
    image = helper.make_tensor_value_info("image", kind, [1, 3, *sizes])
    mask = helper.make_tensor_value_info("mask", kind, [1, 1, *sizes])
    result = helper.make_tensor_value_info("result", kind, [1, 3, *sizes])
    if network == "lama":
        colour = helper.make_tensor("colour", kind, [1, 3, 1, 1], [204.0, 51.0, 26.0])
        scale = helper.make_tensor("scale", kind, [], [255.0])
        nodes = [
            helper.make_node("Mul", ["image", "scale"], ["shown"]),
            helper.make_node("Mul", ["mask", "colour"], ["filled"]),
            helper.make_node("Add", ["shown", "filled"], ["result"]),
        ]
        constants = [colour, scale]
    else:
        colour = helper.make_tensor("colour", kind, [1, 3, 1, 1], [204, 51, 26])
        nodes = [
            helper.make_node("Cast", ["mask"], ["known"], to=TensorProto.BOOL),
            helper.make_node("Where", ["known", "image", "colour"], ["result"]),
        ]
        constants = [colour]
    graph = helper.make_graph(nodes, network, [image, mask], [result], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 16)])
    model.ir_version = 8
    onnx.save(model, path)
    return str(path)


def red_in_the_hole(method: methods.Inpainter, colour: tuple[int, int, int]) -> None:
    raw = method.fill(IMAGE, MASK)
    assert raw[45, 35].tolist() == list(colour)
    # Known pixels come through, so that order, range and polarity are right.
    known = box(90, 75, slice(0, 25), slice(0, 75))
    assert np.abs(raw[known].astype(int) - IMAGE[known]).max() <= 1


def test_torchscript_with_a_multiple(tmp_path: Path) -> None:
    path = scripted(LikeLaMa(), tmp_path / "l.pt", torch.zeros(1, 3, 8, 8), torch.zeros(1, 1, 8, 8))
    # A trace keeps the example's sizes; a script does not.
    torch.jit.script(LikeLaMa()).save(path)
    red_in_the_hole(methods.create("exchange", file=path, multiple=8), (204, 51, 26))
    with pytest.raises(MethodError, match="set `multiple`"):
        methods.create("exchange", file=path).inpaint(IMAGE, MASK)


def test_one_tensor_of_four_channels(tmp_path: Path) -> None:
    path = scripted(LikeTracedMIGAN(), tmp_path / "m.pt", torch.zeros(1, 4, 16, 16))
    method = methods.create(
        "exchange",
        file=path,
        inputs=["mask+image"],
        image_range=[-1, 1],
        hole_value=0,
        mask_values=[0.5, -0.5],
        output_range=[-1, 1],
    )
    red_in_the_hole(method, (204, 51, 26))


@pytest.mark.parametrize(
    ("network", "options"),
    [
        ("lama", {"size": 512, "output_range": [0, 255]}),
        (
            "migan",
            {
                "dtype": "uint8",
                "image_range": [0, 255],
                "mask_values": [255, 0],
                "output_range": [0, 255],
            },
        ),
    ],
)
def test_onnx(network: str, options: dict[str, Any], tmp_path: Path) -> None:
    path = saved_onnx(tmp_path / f"{network}.onnx", network)
    method = methods.create("exchange", file=path, **options)
    result = method.inpaint(IMAGE, MASK)
    assert result[45, 35].tolist() == [204, 51, 26]
    assert np.array_equal(result[~MASK], IMAGE[~MASK])


def test_colour_order(tmp_path: Path) -> None:
    path = str(tmp_path / "l.pt")
    torch.jit.script(LikeLaMa()).save(path)
    method = methods.create("exchange", file=path, multiple=8, colours="BGR")
    red_in_the_hole(method, (26, 51, 204))


def test_it_can_be_stage_one(tmp_path: Path) -> None:
    path = saved_onnx(tmp_path / "lama.onnx", "lama")
    options = {"file": path, "size": 512, "output_range": [0, 255]}
    method = methods.create("two-stage:exchange", stage_one_options=options, refine=False)
    assert method.inpaint(IMAGE, MASK)[45, 35].tolist() == [204, 51, 26]


def test_identity_is_the_file(tmp_path: Path) -> None:
    found = []
    for name, red in (("a.pt", 0.8), ("b.pt", 0.8), ("c.pt", 0.7)):
        network = LikeTracedMIGAN() if red == 0.7 else LikeLaMa()
        path = str(tmp_path / name)
        if not found:
            torch.jit.script(network).save(path)
        elif name == "b.pt":
            (tmp_path / name).write_bytes((tmp_path / "a.pt").read_bytes())
        else:
            torch.jit.script(network).save(path)
        found.append(methods.create("exchange", file=path).identity(1024, "cat"))
    assert found[0] == found[1] != found[2]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("x.onnx", b"<html>not found</html>", "is not an ONNX network that can be run"),
        ("x.pt", b"<html>not found</html>", "is neither .onnx nor TorchScript"),
    ],
)
def test_a_wrong_file_is_named(name: str, content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(MethodError, match=said) as caught:
        methods.create("exchange", file=str(tmp_path / name)).inpaint(IMAGE, MASK)
    assert name in str(caught.value)


def test_wrong_descriptions_are_named(tmp_path: Path) -> None:
    path = saved_onnx(tmp_path / "lama.onnx", "lama")
    with pytest.raises(ValueError, match="no such file"):
        methods.create("exchange", file="not_there.onnx")
    with pytest.raises(ValueError, match="size 500 is not a multiple of 8"):
        methods.create("exchange", file=path, size=500, multiple=8)
    with pytest.raises(MethodError, match=r"takes 2 inputs \(image, mask\), `inputs` has 1"):
        methods.create("exchange", file=path, size=512, inputs=["image+mask"]).inpaint(IMAGE, MASK)


def test_the_method_of_the_docs_runs_as_the_docs_say(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "add_a_method.md").read_text()
    code = (ROOT / "docs" / "mean_colour.py").read_text()
    assert code.strip() in page and len(code.splitlines()) < 40
    method = methods.create("docs.mean_colour:MeanColour", reach=3)
    result = method.inpaint(IMAGE, MASK)
    ring = box(90, 75, slice(27, 63), slice(17, 53)) & ~MASK
    assert np.abs(result[45, 35] - IMAGE[ring].mean(axis=0)).max() <= 1


def test_a_method_in_the_current_folder_and_one_that_a_package_announces(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text((ROOT / "docs" / "mean_colour.py").read_text())
    info = tmp_path / "mine-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[inpainting_suite.methods]\nmean = mine:MeanColour\n")
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); sys.path.remove('')\n"
        "import methods\n"
        "print(methods.create('mine:MeanColour').reach)\n"
        f"sys.path.append({str(tmp_path)!r})\n"
        "print(methods.create('mean', reach=5).reach, 'mean' in methods.available())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.stdout == "16\n5 True\n", done.stderr


# The format writes the length of a name of 128 bytes or more in two bytes.
@pytest.mark.parametrize("data_file", ["x.onnx.data", f"{'x' * 140}.data"])
def test_weights_in_a_file_beside_the_network_are_part_of_it(
    data_file: str, tmp_path: Path
) -> None:
    """As today's exporters write them: x.onnx and x.onnx.data."""
    import onnx
    from onnx import numpy_helper

    model = onnx.load(saved_onnx(tmp_path / "plain.onnx", "lama"))
    for tensor in model.graph.initializer:
        tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor), tensor.name))
    apart = tmp_path / "x.onnx"
    onnx.save(
        model, apart, save_as_external_data=True, location=data_file, size_threshold=0,
        convert_attribute=True,
    )  # fmt: skip
    options = {"size": 512, "output_range": [0, 255]}
    method = methods.create("exchange", file=str(apart), **options)
    assert method.inpaint(IMAGE, MASK)[45, 35].tolist() == [204, 51, 26]
    before = method.identity(512, "cat"), method.weights_used()
    assert list(before[1]) == ["x.onnx"]
    data = bytearray((tmp_path / data_file).read_bytes())
    data[-1] ^= 1
    (tmp_path / data_file).write_bytes(data)
    after = methods.create("exchange", file=str(apart), **options)
    assert after.identity(512, "cat") != before[0] and after.weights_used() != before[1]
