"""Pictures of runs that become one: each from a run that has it, and none that is damaged."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image as PillowImage

from analysis.merging import merge as merging
from analysis.runs import run
from methods.errors import InputError
from tests.analysis.merging.runs import SIDE, make_run, merge, refused


@pytest.fixture
def a(tmp_path: Path) -> Path:
    return make_run(tmp_path / "a", ["telea"])


def test_images_are_copied_where_they_cannot_be_linked(
    a: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_link(origin: Path, target: Path) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", no_link)
    merge(a, make_run(tmp_path / "b", ["coal"]), out=tmp_path / "out")
    copy = tmp_path / "out/outputs/64/telea/x.png"
    assert copy.read_bytes() == (a / "outputs/64/telea/x.png").read_bytes()


def test_references_and_masks_are_those_of_any_run_that_has_them(a: Path, tmp_path: Path) -> None:
    b = make_run(tmp_path / "b", ["coal"])
    shutil.rmtree(a / "outputs/64/reference")
    (b / "masks/64/y.png").unlink()
    merge(a, b, out=tmp_path / "out")
    for name in ("x", "y"):
        reference, mask = f"outputs/64/reference/{name}.png", f"masks/64/{name}.png"
        assert (tmp_path / "out" / reference).read_bytes() == (b / reference).read_bytes()
        assert (tmp_path / "out" / mask).read_bytes() == (a / mask).read_bytes()


@pytest.mark.parametrize("name", ["outputs/64/reference/y.png", "masks/64/y.png"])
def test_a_reference_or_mask_that_no_run_has_is_refused(a: Path, tmp_path: Path, name: str) -> None:
    b = make_run(tmp_path / "b", ["coal"])
    for path in (a, b):
        (path / name).unlink()
    assert f"{a / name}: no such file, though scores.csv" in refused(a, b, out=tmp_path / "out")


def test_a_run_without_results_needs_no_references(a: Path, tmp_path: Path) -> None:
    failed = make_run(tmp_path / "b", ["telea"], ["z"], failed={"telea": "failed"})
    shutil.rmtree(failed / "outputs")
    merge(a, failed, out=tmp_path / "out")
    assert not (tmp_path / "out/outputs/64/reference/z.png").exists()
    assert run.load(tmp_path / "out").images == ["x", "y", "z"]


def empty(path: Path) -> None:
    path.write_bytes(b"")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def cut_before_the_end(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-12])


def spoil(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def replace_by_jpeg(path: Path) -> None:
    PillowImage.new("RGB", (SIDE, SIDE)).save(path, "JPEG")


def resize(path: Path) -> None:
    PillowImage.new("RGB", (10, 9)).save(path)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (empty, "empty, damaged or not readable as PNG"),
        (cut, "empty, damaged or not readable as PNG"),
        (cut_before_the_end, "empty, damaged or not readable as PNG"),
        (spoil, "empty, damaged or not readable as PNG"),
        (replace_by_jpeg, "empty, damaged or not readable as PNG"),
        (resize, f"is 10x9, the reference at 64 px {SIDE}x{SIDE}"),
    ],
)
def test_a_damaged_result_is_named_in_its_run_and_nothing_is_left(
    a: Path, tmp_path: Path, damage: Callable[[Path], None], said: str
) -> None:
    b = make_run(tmp_path / "b", ["telea", "coal"])
    # Also where the other run's result, which is equal, is taken.
    shutil.copytree(a / "outputs/64/telea", b / "outputs/64/telea", dirs_exist_ok=True)
    for method in ("coal", "telea"):
        path = b / f"outputs/64/{method}/y.png"
        whole = path.read_bytes()
        damage(path)
        assert f"{path}: {said}: delete it" in refused(a, b, out=tmp_path / "out")
        path.unlink()
        path.write_bytes(whole)
    merge(a, b, out=tmp_path / "out")


def test_what_is_found_while_the_report_is_made_is_named_in_its_run(
    a: Path, tmp_path: Path
) -> None:
    b = make_run(tmp_path / "b", ["coal"])

    def publish(folder: Path) -> None:
        raise InputError(f"{folder / 'outputs/64/coal/x.png'}: corrupt")

    with pytest.raises(InputError, match=f"^{b}/outputs/64/coal/x.png: corrupt$"):
        merging.merge([a, b], tmp_path / "out", [], ["merge"], print, publish)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]
