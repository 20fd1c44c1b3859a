"""Weights files: found, read whatever their suffix, checked, and never run."""

from __future__ import annotations

import argparse
import collections
import hashlib
import importlib.util
import os
import pickle
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from typer.testing import CliRunner

import methods
from methods.__main__ import app
from methods.base import MissingRequirementError
from methods.weights import WeightsError, registry, store
from methods.weights.content import Kind, kind_of
from methods.weights.files import built, check_state, find, metadata, read
from methods.weights.tensorflow_files import checkpoint_files

# Not skipped, which some runs of the tests take for a failure.
needs_tensorflow = pytest.mark.xfail(
    importlib.util.find_spec("tensorflow") is None,
    reason="needs the optional extra: pip install '.[tensorflow]'",
    run=False,
)

STATE = {
    "en_0.encode.0.conv.1.weight": torch.arange(24.0).reshape(2, 3, 2, 2),
    "en_0.encode.0.conv.1.bias": torch.tensor([0.5, -0.25]),
    "en_1.encode.1.num_batches_tracked": torch.tensor(7),
}


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where weights are kept."""
    monkeypatch.setenv("INPAINTING_WEIGHTS", str(tmp_path / "kept"))
    return tmp_path / "kept"


def same(found: dict[str, torch.Tensor]) -> bool:
    return list(found) == list(STATE) and all(torch.equal(found[n], STATE[n]) for n in STATE)


def zipped(content: Any, path: Path) -> None:
    torch.save(content, path)


def legacy(content: Any, path: Path) -> None:
    torch.save(content, path, _use_new_zipfile_serialization=False)


def one_line(path: Path) -> str:
    with pytest.raises(WeightsError) as caught:
        read(path)
    message = str(caught.value)
    assert "\n" not in message and str(path) in message
    return message


class Optimiser:
    """Stands for whatever a training script kept."""

    def __init__(self) -> None:
        self.rates = [1, 2]


class Whole(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Conv2d(3, 4, 3)


CHECKPOINTS: dict[str, Callable[[], Any]] = {
    "bare": lambda: STATE,
    "ordered": lambda: collections.OrderedDict(STATE),
    "state_dict": lambda: {"epoch": 3, "state_dict": STATE},
    "netG": lambda: {"netG": STATE, "netD": {"w": torch.zeros(1)}, "step": torch.tensor(1)},
    "G": lambda: {"G": STATE, "D": {"w": torch.zeros(1)}},
    "one of any name": lambda: {"inpainter": STATE, "epoch": 1},
    "nested": lambda: {"model": {"state_dict": STATE}},
    "parallel": lambda: {"module." + name: tensor for name, tensor in STATE.items()},
    "parameters": lambda: {
        name: torch.nn.Parameter(tensor, requires_grad=tensor.is_floating_point())
        for name, tensor in STATE.items()
    },
    "options": lambda: {"args": argparse.Namespace(lr=1e-4), "state_dict": STATE},
    "network": lambda: {"network": Whole(), "state_dict": STATE},
    "objects": lambda: {
        "optimiser": Optimiser(),
        "best": np.float64(0.25),
        "history": np.arange(3),
        "kinds": {Kind.TORCH},
        "where": Path("somewhere"),
        "counts": collections.Counter("abc"),
        "state_dict": STATE,
    },
}


@pytest.mark.parametrize("save", [zipped, legacy])
@pytest.mark.parametrize("name", CHECKPOINTS)
def test_tensors_of_a_checkpoint(
    name: str, save: Callable[[Any, Path], None], tmp_path: Path
) -> None:
    path = tmp_path / "weights.whatever"
    save(CHECKPOINTS[name](), path)
    found = read(path)
    assert same(found) and not any(tensor.requires_grad for tensor in found.values())


def test_safetensors_with_what_they_say_of_themselves(tmp_path: Path) -> None:
    save_file(STATE, tmp_path / "weights.pth", {"colour_order": "RGB"})
    assert set(read(tmp_path / "weights.pth")) == set(STATE)
    assert metadata(tmp_path / "weights.pth") == {"colour_order": "RGB"}
    zipped(STATE, tmp_path / "torch.safetensors")
    assert same(read(tmp_path / "torch.safetensors"))
    assert metadata(tmp_path / "torch.safetensors") == {}


class Attack:
    """A pickle of this makes a file when it is loaded carelessly."""

    def __init__(self, call: Callable[..., Any], *args: Any) -> None:
        self.call, self.args = call, args

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return self.call, self.args


@pytest.mark.parametrize("save", [zipped, legacy])
@pytest.mark.parametrize("call", [os.mkdir, eval, getattr])
def test_nothing_that_a_file_says_to_run_is_run(
    call: Callable[..., Any], save: Callable[[Any, Path], None], tmp_path: Path
) -> None:
    trace = str(tmp_path / "trace")
    args = {os.mkdir: (trace,), eval: (f"__import__('os').mkdir({trace!r})",), getattr: (1, "real")}
    path = tmp_path / "attack.pth"
    save({"x": Attack(call, *args[call]), "state_dict": STATE}, path)
    assert same(read(path))
    assert not Path(trace).exists()
    if call is not getattr:
        # The attack is one: a careless reader is taken in.
        torch.load(path, weights_only=False)
        assert Path(trace).exists()


def script(path: Path) -> None:
    torch.jit.script(torch.nn.Linear(2, 2)).save(str(path))


def npz(path: Path) -> None:
    with path.open("wb") as file:
        np.savez(file, a=np.zeros(2))


def onnx(path: Path) -> None:
    from onnx import TensorProto, helper

    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    out = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", [value], [out])
    path.write_bytes(helper.make_model(graph).SerializeToString())


def cut(save: Callable[[Any, Path], None], share: float) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        save({name: torch.zeros(300, 300) for name in STATE}, path)
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * share)])

    return write


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 3\n"
WRONG: list[tuple[str, Callable[[Path], Any], str]] = [
    ("missing", lambda path: None, "is not there"),
    ("folder", Path.mkdir, "is a folder"),
    ("empty", Path.touch, "is empty"),
    ("page", lambda p: p.write_bytes(b"\n <!doctype HTML><p>Quota"), "is a web page"),
    ("lfs", lambda p: p.write_bytes(LFS), "Git LFS pointer"),
    ("text", lambda p: p.write_text("\n\n\nweights\n"), "of no known format"),
    ("picture", lambda p: p.write_bytes(b"\x89PNG\r\n\x1a\n"), "begins with b'.x89PNG"),
    ("keras", lambda p: p.write_bytes(b"\x89HDF\r\n\x1a\n"), "an HDF5 file"),
    ("onnx", onnx, "ONNX network, which the method exchange runs"),
    ("script", script, "TorchScript network, which the method exchange runs"),
    ("npz", npz, "a zip archive that PyTorch did not write"),
    ("pickle", lambda p: p.write_bytes(pickle.dumps(3)), "a pickle that torch.save did not write"),
    ("cut zip", cut(zipped, 0.7), "cut short"),
    ("cut legacy", cut(legacy, 0.7), "cut short"),
    ("cut legacy early", cut(legacy, 0.0005), "cut short"),
    ("cut safetensors", cut(save_file, 0.7), "cut short"),
    ("number", lambda p: zipped(3, p), "holds no tensors by name, but a int"),
    ("nothing", lambda p: zipped({"epoch": 3}, p), "a dictionary of epoch"),
    ("whole", lambda p: zipped(Whole(), p), "a whole object; save its state_dict"),
    ("two", lambda p: zipped({"a": STATE, "b": STATE}, p), "several networks .a, b."),
]


@pytest.mark.parametrize(("write", "said"), [row[1:] for row in WRONG], ids=[r[0] for r in WRONG])
def test_a_wrong_file_gets_one_line(
    write: Callable[[Path], Any], said: str, tmp_path: Path
) -> None:
    path = tmp_path / "weights.pth"
    write(path)
    message = one_line(path)
    assert re.search(said, message), message


EXPECTED = {name: tuple(tensor.shape) for name, tensor in STATE.items()}


def test_the_right_state_passes() -> None:
    check_state(STATE, EXPECTED)


def test_what_differs_is_counted_with_an_example() -> None:
    state = {**STATE, "en_0.encode.0.conv.1.bias": torch.zeros(3), "extra": torch.zeros(1)}
    del state["en_1.encode.1.num_batches_tracked"]
    with pytest.raises(WeightsError) as caught:
        check_state(state, EXPECTED)
    assert str(caught.value) == (
        "not this network's weights: 3 tensors expected, 3 found, "
        "1 missing (en_1.encode.1.num_batches_tracked), 1 not expected (extra), "
        "1 of another shape (en_0.encode.0.conv.1.bias is (3,), not (2,))"
    )


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("en1.encode.0.conv.1.weight", "look like those of RefinementNet.*--weights refinement="),
        ("inpaint_net/conv1/kernel", "look like those of DeepFill v2"),
        ("generator/c_en_down_128_feat/w", "look like those of HiFill"),
    ],
)
def test_weights_of_another_network_are_recognised(name: str, said: str) -> None:
    with pytest.raises(WeightsError, match=said):
        check_state({name: torch.zeros(1)}, EXPECTED)


def test_a_given_file_and_its_checksum(tmp_path: Path) -> None:
    path = tmp_path / "w.pth"
    zipped(STATE, path)
    found = find("dfnet", str(path))
    assert found.path == path
    assert found.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    zipped({**STATE, "more": torch.zeros(1)}, path)
    assert find("dfnet", str(path)).sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_given_file_that_cannot_be_one_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"weights of dfnet: nowhere\.pth is not there"):
        find("dfnet", "nowhere.pth")
    (tmp_path / "page.pth").write_text("<html>")
    with pytest.raises(WeightsError, match=r"page.pth is a web page.*was expected"):
        find("dfnet", str(tmp_path / "page.pth"))


def test_weights_that_are_not_here_say_how_to_get_them() -> None:
    with pytest.raises(MissingRequirementError) as caught:
        find("dfnet", None)
    assert str(caught.value) == (
        "dfnet needs its weights: python -m methods fetch dfnet (132 MB, CC BY-NC 4.0), "
        "or --weights dfnet=PATH"
    )
    with pytest.raises(MissingRequirementError, match="fetch dfnet --variant celeba"):
        find("dfnet", "celeba")
    with pytest.raises(MissingRequirementError, match="my-own needs its weights: --weights my-own"):
        find("my-own", None)


def test_the_shipped_registry() -> None:
    known = registry.load()
    networks = {"dfnet", "refinement", "deepfillv2", "hifill"}
    exported = {name for name, weights in known.weights.items() if weights.marker is None}
    assert exported == {"lama", "migan"} and set(known.weights) == networks | exported
    dfnet = known.weights["dfnet"].variants
    assert [dfnet[name].size for name in ("places2", "celeba")] == [131_611_811, 131_611_811]
    hifill = known.weights["hifill"].variants["places2"].files[0]
    assert hifill.git_blob == "2ae94705483c6796bd106be94c5fa4accc1a671d"
    for weights in known.weights.values():
        assert weights.citation and weights.weights_licence and weights.code_licence
        assert weights.default in weights.variants
        for variant in weights.variants.values():
            assert bool(variant.files) != bool(variant.bundled)
    for method in known.methods.values():
        assert set(method.weights) <= set(known.weights)


def test_networks_that_come_with_the_suite_need_no_fetching(kept: Path) -> None:
    for name in ("dfnet", "refinement"):
        found = find(name, "compact")
        assert metadata(found.path)["remark"] == "compact, trained here"
        done = CliRunner().invoke(app, ["fetch", name, "--variant", "compact"])
        assert done.exit_code == 0 and "it is here" in done.stdout and "MIT" in done.stdout
        told = " ".join(CliRunner().invoke(app, ["info", name]).stdout.split())
        assert "comes with the suite" in told
    assert not kept.exists()
    bundled = list(registry.BUNDLED.glob("*"))
    assert sum(path.stat().st_size for path in bundled) < 24e6


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[weights.net]\ntitel = 'x'", "unknown key 'weights.net.titel'"),
        ("[weights.'../net']", "string should match"),
    ],
)
def test_mistakes_in_a_registry_are_named(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "registry.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match=said) as caught:
        registry.load(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def listed() -> str:
    done = CliRunner().invoke(app, ["list"])
    assert done.exit_code == 0
    return done.stdout


def test_the_list_survives_a_method_that_cannot_be_imported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = methods.method_class

    def broken(name: str) -> Any:
        if name == "patchmatch":
            raise ImportError("libstrange.so is\nnot there")
        return found(name)

    monkeypatch.setattr(methods, "method_class", broken)
    text = listed()
    assert "no: patchmatch cannot be imported: libstrange.so is not there" in text
    assert all(name in text for name in methods.available())


def test_the_list_tells_licence_needs_and_how_to_get_them(kept: Path) -> None:
    text = listed()
    row = next(line for line in text.splitlines() if line.startswith("dfnet "))
    assert "no" in row.split() and "weights dfnet" in row and "CC BY-NC 4.0" in row
    assert "python -m methods fetch dfnet (132 MB, CC BY-NC 4.0)" in text
    table = [line for line in text.splitlines() if "no: " not in line]
    assert max(map(len, table)) <= 100
    path = kept / "dfnet" / "places2" / "model_places2.pth"
    path.parent.mkdir(parents=True)
    zipped(STATE, path)
    row = next(line for line in listed().splitlines() if line.startswith("dfnet "))
    assert "yes" in row.split()


@pytest.mark.parametrize("name", ["dfnet", "two-stage", "telea", "external", "refinement"])
def test_info_of_methods_and_weights(name: str) -> None:
    done = CliRunner().invoke(app, ["info", name])
    assert done.exit_code == 0
    told = " ".join(done.stdout.split())
    known = registry.load()
    if name in known.methods:
        assert known.methods[name].paper in told and known.methods[name].licence in told
    if name in ("dfnet", "two-stage"):
        assert "model_places2.pth, 132 MB" in told and "none is published" in told


def fake_checkpoint(folder: Path, shards: int = 1) -> Path:
    """The files of a checkpoint, by their names and the end of the index only."""
    folder.mkdir()
    (folder / "snap-0.index").write_bytes(b"\0" * 48 + bytes.fromhex("57fb808b247547db"))
    for i in range(shards):
        (folder / f"snap-0.data-{i:05d}-of-{shards:05d}").write_bytes(b"data %d" % i)
    (folder / "snap-0.meta").write_bytes(b"meta")
    return folder


NAMES = ["", "snap-0", "snap-0.index", "snap-0.data-00001-of-00002", "snap-0.meta"]


@pytest.mark.parametrize("name", NAMES)
def test_any_file_of_a_checkpoint_means_all_of_it(name: str, tmp_path: Path) -> None:
    folder = fake_checkpoint(tmp_path / "model", shards=2)
    found = find("deepfillv2", str(folder / name))
    assert found.path == folder / "snap-0.index"
    files = [folder / "snap-0.index", *(folder / f"snap-0.data-0000{i}-of-00002" for i in (0, 1))]
    content = b"".join(file.read_bytes() for file in files)
    assert found.sha256 == hashlib.sha256(content).hexdigest()
    assert checkpoint_files(folder / name) == files


@pytest.mark.parametrize("pointer", ["checkpoint", "checkpoint.txt"])
def test_of_several_checkpoints_the_one_that_is_named(pointer: str, tmp_path: Path) -> None:
    folder = fake_checkpoint(tmp_path / "model")
    (folder / "snap-9.index").write_bytes(b"")
    with pytest.raises(WeightsError, match=r"several checkpoints .snap-0.index, snap-9.index."):
        find("deepfillv2", str(folder))
    (folder / pointer).write_text('model_checkpoint_path: "/data/yu/snap-0"\n')
    assert find("deepfillv2", str(folder)).path == folder / "snap-0.index"
    assert find("deepfillv2", str(folder / pointer)).path == folder / "snap-0.index"


def test_a_checkpoint_with_a_part_missing(tmp_path: Path) -> None:
    folder = fake_checkpoint(tmp_path / "model", shards=2)
    (folder / "snap-0.data-00001-of-00002").unlink()
    with pytest.raises(WeightsError, match="1 of the checkpoint's 2 data files"):
        find("deepfillv2", str(folder))
    (folder / "snap-0.index").unlink()
    with pytest.raises(WeightsError, match=r"whose index .* is not there"):
        find("deepfillv2", str(folder / "snap-0.data-00000-of-00002"))


def test_without_tensorflow_its_files_say_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    folder = fake_checkpoint(tmp_path / "model")
    with pytest.raises(MissingRequirementError, match=r"pip install '\.\[tensorflow\]"):
        read(folder / "snap-0.index")
    # Converted elsewhere, it is read without TensorFlow.
    digest = find("deepfillv2", str(folder)).sha256
    store.converted(digest).parent.mkdir(parents=True)
    save_file(STATE, store.converted(digest))
    assert set(read(folder / "snap-0.index")) == set(STATE)


VARIABLES = {
    "inpaint_net/conv1/kernel": np.random.default_rng(1).normal(size=(5, 5, 5, 48)),
    "inpaint_net/conv1/bias": np.linspace(-1, 1, 48),
    "inpaint_net/scale": np.array(0.5),
}


def graph_with_variables(tf: Any, session: Any) -> Any:
    """Variables with the values above, in a computation that ends at the node `result`."""
    made = {
        name: tf.compat.v1.get_variable(
            name, initializer=value.astype(np.float32), use_resource=False
        )
        for name, value in VARIABLES.items()
    }
    tf.compat.v1.get_variable("global_step", initializer=np.int64(12), use_resource=False)
    image = tf.compat.v1.placeholder(tf.float32, (1, 8, 8, 5), name="img")
    features = tf.nn.conv2d(image * 2.5, made["inpaint_net/conv1/kernel"], 1, "SAME")
    shifted = tf.nn.bias_add(features, made["inpaint_net/conv1/bias"])
    tf.identity(shifted * made["inpaint_net/scale"], name="result")
    session.run(tf.compat.v1.global_variables_initializer())


def check_variables(found: dict[str, torch.Tensor]) -> None:
    for name, value in VARIABLES.items():
        assert found[name].dtype == torch.float32 and found[name].shape == value.shape
        np.testing.assert_array_equal(found[name].numpy(), value.astype(np.float32))


@needs_tensorflow
def test_a_real_checkpoint_is_converted_once(
    tmp_path: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tensorflow as tf

    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        graph_with_variables(tf, session)
        tf.compat.v1.train.Saver().save(session, str(tmp_path / "model" / "snap-0"))
    for given in ("model", "model/snap-0", "model/snap-0.meta"):
        found = find("deepfillv2", str(tmp_path / given))
        check_variables(read(found.path))
    assert [path.stem for path in kept.rglob("*.safetensors")] == [found.sha256]
    assert read(found.path)["global_step"].item() == 12
    # From now on without TensorFlow.
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    check_variables(read(found.path))


@needs_tensorflow
def test_a_real_frozen_graph_is_converted(tmp_path: Path, kept: Path) -> None:
    import tensorflow as tf

    with tf.Graph().as_default() as graph, tf.compat.v1.Session() as session:
        graph_with_variables(tf, session)
        frozen = tf.compat.v1.graph_util.convert_variables_to_constants(
            session, graph.as_graph_def(), ["result"]
        )
    path = tmp_path / "hifill.bin"
    path.write_bytes(frozen.SerializeToString())
    found = read(find("hifill", str(path)).path)
    check_variables(found)
    # Variables only: not the constant of the computation, nor the step, which freezing drops.
    assert set(found) == set(VARIABLES)
    assert metadata(store.converted(find("hifill", str(path)).sha256))["source"] == "hifill.bin"


@needs_tensorflow
def test_damaged_tensorflow_files_get_one_line(tmp_path: Path, kept: Path) -> None:
    import tensorflow as tf

    with tf.Graph().as_default() as graph, tf.compat.v1.Session() as session:
        graph_with_variables(tf, session)
        tf.compat.v1.train.Saver().save(session, str(tmp_path / "snap-0"))
        content = graph.as_graph_def().SerializeToString()
    data = tmp_path / "snap-0.data-00000-of-00001"
    data.write_bytes(data.read_bytes()[:1000])
    assert "cut short" in one_line(tmp_path / "snap-0.index")
    (tmp_path / "cut.pb").write_bytes(content[:-7])
    assert kind_of(tmp_path / "cut.pb") is Kind.TF_GRAPH
    assert "cut short" in one_line(tmp_path / "cut.pb")
    assert not list(kept.rglob("*"))


def test_a_network_of_half_precision_weights_computes_in_float32() -> None:
    state = {"weight": torch.tensor([[0.5, -1.5]]).half(), "bias": torch.tensor([0.25])}
    network = built(lambda: torch.nn.Linear(2, 1), state)
    assert network(torch.tensor([2.0, 1.0])).item() == -0.25
    with pytest.raises(WeightsError, match=r"1 of another shape \(weight is \(1, 2\)"):
        built(lambda: torch.nn.Linear(3, 1), state)
