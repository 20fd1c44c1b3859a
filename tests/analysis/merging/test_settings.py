"""Which methods of two runs are one: not where anything differs that results depend on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from analysis.merging import merge as merging
from analysis.runs import run
from methods.errors import InputError
from tests.analysis.merging.runs import entry, make_run, refused

FILL = {"python": "1", "fill.py": "2", "best.pth": "3"}
COMMAND = "python {}/fill.py {} --weights={}/best.pth {{image}} {{mask}} {{result}}"


def merged(tmp_path: Path, one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """Merge runs of one method on other photographs; return the methods."""
    paths = [make_run(tmp_path / "a", [one], ["x"]), make_run(tmp_path / "b", [other], ["z"])]
    merging.merge(paths, tmp_path / "out", [], ["merge"], print)
    return run.load(tmp_path / "out").methods


def command(folder: str, option: str, *, weights: str = "", **sums: str) -> dict[str, Any]:
    template = COMMAND.format(folder, option, weights or folder)
    return entry(
        "ours", method="command", options={"template": template}, weights_sha256={**FILL, **sums}
    )


def network(name: str, weights_sha256: dict[str, str], **options: Any) -> dict[str, Any]:
    return entry("net", method=name, options=options, weights_sha256=weights_sha256)


SAME = {
    "a program and its files": (
        command("/home/ann/ours", "--grey 10"),
        command("/srv/ben", "--grey 10", weights="/data/ben"),
    ),
    "an exported network": (
        network("exchange", {"net.onnx": "9"}, file="/home/ann/net.onnx"),
        network("exchange", {"net.onnx": "9"}, file=r"C:\nets\net.onnx"),
    ),
    "weights under another name": (
        network("dfnet", {"dfnet": "9"}, weights="/home/ann/a.pth"),
        network("dfnet", {"dfnet": "9"}),
    ),
    "weights of stage one": (
        network("two-stage:dfnet", {"dfnet": "9"}, stage_one_options={"weights": "/ann/a.pth"}),
        network("two-stage:dfnet", {"dfnet": "9"}, stage_one_options={"weights": "/ben/b.pth"}),
    ),
    "a pipeline's folder": (
        network("diffusers:/home/ann/sd", {"sd": "9"}, prompt="sky / sea"),
        network("diffusers:/data/sd", {"sd": "9"}, prompt="sky / sea"),
    ),
    "results made elsewhere": (
        entry("net", method="external", options={"folder": "/ann/theirs", "names": {"x": "x_1"}}),
        entry("net", method="external", options={"folder": "/ben/theirs/"}),
    ),
    "a suite that did not record as much": (
        entry("net", method="mine:Net", source_sha256="9", adapter_versions={"mine": 2}),
        entry("net", method="mine:Net"),
    ),
}


@pytest.mark.parametrize("name", SAME)
def test_files_of_the_same_content_may_lie_anywhere(tmp_path: Path, name: str) -> None:
    assert len(merged(tmp_path, *SAME[name])) == 1


OTHERS = {
    "an option before a path": (
        command("/ours", "--grey 10"), command("/ours", "--grey 200"), "template (", "--grey 200",
    ),
    "a word that ends like a file": (
        command("/ours", "--style red/best.pth"),
        command("/ours", "--style blue/best.pth"),
        "template (", "blue/best.pth",
    ),
    "a path without a checksum": (
        command("/ours", "--style red/plain"), command("/ours", "--style blue/plain"),
        "template (", "blue/plain",
    ),
    "other content": (
        command("/ours", "-q"), command("/ours", "-q", **{"best.pth": "4"}), "weights file (", "4",
    ),
    "a prompt": (
        network("diffusers", {"sd": "9"}, prompt="a red car / studio light"),
        network("diffusers", {"sd": "9"}, prompt="a blue car / studio light"),
        "set of options, prompt (a red car / studio light and ", "a blue car",
    ),
    "a model of the same last name": (
        network("iopaint:ann/model", {}), network("iopaint:ben/model", {}),
        "adapter (iopaint:ann/model and ", "ben/model",
    ),
    "a setting in a table": (
        network("iopaint:sd", {}, settings={"prompt": "sky/sea"}),
        network("iopaint:sd", {}, settings={"prompt": "land/sea"}),
        "settings (", "land/sea",
    ),
    "a file of one's own method": (
        network("mine:Net", {}, weights="/v1/best.pth"),
        network("mine:Net", {}, weights="/v2/best.pth"),
        "weights (/v1/best.pth and ", "/v2/best.pth",
    ),
    "a file of one's own stage one": (
        network("two-stage:m:N", {"refine": "9"}, stage_one_options={"weights": "/v1/best.pth"}),
        network("two-stage:m:N", {"refine": "9"}, stage_one_options={"weights": "/v2/best.pth"}),
        "stage_one_options (", "/v2/best.pth",
    ),
    "the file of one's own method itself": (
        entry("net", method="mine:Net", source_sha256="8a"),
        entry("net", method="mine:Net", source_sha256="9b"),
        "file of its class (8a and ", "9b",
    ),
    "an adapter's version": (
        entry("net", adapter_versions={"net": 1}), entry("net", adapter_versions={"net": 2}),
        "version of its adapter (", "{'net': 2}",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", OTHERS)
def test_a_method_that_differs_is_refused_with_both_values(tmp_path: Path, name: str) -> None:
    one, other, *said = OTHERS[name]
    with pytest.raises(InputError) as caught:
        merged(tmp_path, one, other)
    message = str(caught.value)
    label, path = other["label"], tmp_path / "b"
    remedy = f'--rename "{path}:{label}={label} (b)"'
    assert all(text in message for text in (*said, remedy)), message
    assert not (tmp_path / "out").exists()


def test_methods_that_would_share_a_folder_are_refused(tmp_path: Path) -> None:
    a, b = make_run(tmp_path / "a", ["a:b"]), make_run(tmp_path / "b", ["A_b"])
    assert "would share a folder" in refused(a, b, out=tmp_path / "out")
