"""Two-stage: reduce, fill, enlarge, paste, refine; at any size and around any method."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import save_file

import methods
from methods.architectures.dfnet import DFNet
from methods.architectures.refinement import RefinementNet
from methods.architectures.spans import Span
from methods.architectures.two_stage_input import RefinementInput, frame_as_in_paper, paste_upscaled
from methods.base import MethodError, blank
from methods.images import write_png
from tests.conformance.dfnet import filled
from tests.methods.conftest import box, scene
from tests.paths import DATA

MOVES = ((-60, 0), (60, 0), (0, 100), (0, -100))
GOLDEN = DATA / "two_stage" / "pipeline_256x256.npz"


UNREFINED: dict[str, Any] = {"refine": False}


def test_without_refinement_it_is_reduce_fill_enlarge_paste() -> None:
    """Where a small pixel covers known and missing ones it is the mean of the known ones."""
    image = scene(1, 1024, 1024)
    mask = box(1024, 1024, slice(341, 683), slice(341, 683))
    fours = (~mask).reshape(512, 2, 512, 2).sum(axis=(1, 3))
    total = (image * ~mask[..., None]).reshape(512, 2, 512, 2, 3).sum(axis=(1, 3))
    small = np.rint(total / np.maximum(fours, 1)[..., None]).astype(np.uint8)
    coarse = cv2.inpaint(small, (fours == 0).astype(np.uint8), 3, cv2.INPAINT_TELEA)
    expected = image.copy()
    expected[mask] = cv2.resize(coarse, (1024, 1024), interpolation=cv2.INTER_LINEAR)[mask]
    result = methods.create("two-stage:telea", **UNREFINED).inpaint(image, mask)
    assert np.array_equal(result, expected)


SIZES = [(64, 64), (700, 200), (230, 1100), (1100, 1099), (64, 4096)]


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("stage_one", ["telea", "patchmatch"])
def test_any_size_and_shape(stage_one: str, height: int, width: int) -> None:
    image = scene(2, height, width)
    rows, columns = slice(height // 3, height // 2), slice(width // 3, width // 2)
    mask = box(height, width, rows, columns)
    method = methods.create(f"two-stage:{stage_one}", working_size=128, **UNREFINED)
    result = method.inpaint(image, mask)
    assert np.array_equal(result[~mask], image[~mask]) and result[mask].min() > 15


@pytest.mark.slow
@pytest.mark.parametrize("profile", ["paper", "published"])
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_refined_at_any_size_and_shape(
    height: int, width: int, profile: str, refinement: Path
) -> None:
    image = scene(2, height, width)
    rows, columns = slice(height // 3, height // 2), slice(width // 3, width // 2)
    mask = box(height, width, rows, columns)
    options = {"weights": str(refinement), "profile": profile}
    result = methods.create("two-stage:telea", **options).inpaint(image, mask)
    coarse = methods.create("two-stage:telea", **UNREFINED).inpaint(image, mask)
    assert np.array_equal(result[~mask], image[~mask])
    assert (result[mask] != coarse[mask]).any()


@pytest.mark.parametrize("side", [300, 512, 700])
def test_the_coarse_result_lies_where_it_belongs(side: int) -> None:
    """A ramp continues through the hole whatever the frame around the photograph."""
    ramp = np.linspace(40, 220, side).astype(np.uint8)
    image = np.repeat(np.repeat(ramp[:, None, None], side, axis=1), 3, axis=2)
    mask = box(side, side, slice(side - side // 3, side), slice(side // 3, side // 2))
    method = methods.create("two-stage:navier-stokes", working_size=256, **UNREFINED)
    flat = method.inpaint(image, mask)[mask].astype(int) - image[mask]
    across = box(side, side, slice(side // 3, side // 2), slice(side // 3, side // 2))
    middle = method.inpaint(image, across)[across].astype(int) - image[across]
    assert np.abs(middle).max() <= 6 and np.abs(flat).mean() < 30


@pytest.fixture(scope="module")
def refinement(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Generated weights of a narrow refinement network."""
    path = tmp_path_factory.mktemp("weights") / "refinement.safetensors"
    save_file(filled(RefinementNet(width=0.125), "test:").state_dict(), path)
    return path


@pytest.mark.slow
def test_the_published_pipeline_from_photograph_to_result(tmp_path: Path) -> None:
    """The adapter as users call it, with the weights in the formats that were published."""
    golden = np.load(GOLDEN)
    salt = str(golden["salt"])
    torch.save(filled(DFNet(), salt).state_dict(), tmp_path / "dfnet.pth")
    state = filled(RefinementNet(), salt).state_dict()
    torch.save({"state_dict": state, "epoch": 3}, tmp_path / "refinement.pth")
    method = methods.create(
        "two-stage",
        weights=str(tmp_path / "refinement.pth"),
        stage_one_options={"weights": str(tmp_path / "dfnet.pth")},
        profile="published",
    )
    mask = golden["mask"] == 255
    result = method.inpaint(golden["image"], mask)
    off = np.abs(result.astype(int) - golden["result"])
    assert off.max() <= 1 and np.count_nonzero(off) <= 1e-3 * 3 * mask.sum()


def test_the_profile_follows_the_weights(tmp_path: Path) -> None:
    network = RefinementNet(width=0.125)
    paths = [tmp_path / "published.safetensors", tmp_path / "own.safetensors"]
    for path, metadata in zip(paths, ({}, {"profile": "paper"}), strict=True):
        save_file(network.state_dict(), path, metadata=metadata)
    notes = [methods.create("two-stage:telea", weights=str(path)).note for path in paths]
    assert "profile published" in notes[0] and "profile paper" in notes[1]


def test_the_twenty_channels_of_the_paper() -> None:
    """A mask, the image, then the content moved up, down, right and left, each with its mask; what
    was out of the frame is invalid."""
    image = scene(7, 300, 500)
    mask = box(300, 500, slice(100, 200), slice(200, 300))
    frame = frame_as_in_paper(image, mask, 512)
    assert frame.mask.shape == (512, 512) and frame.shift == (60, 100)
    assert frame.invalid.sum() == 512 * 512 - 300 * 500
    whole = paste_upscaled(frame, image)
    assert np.array_equal(whole[:300, :500], image)
    stack = RefinementInput(whole, frame.mask | frame.invalid, frame.shift)
    channels = stack.bytes_at(Span(0, 512), Span(0, 512))
    holes = (mask * np.uint8(255), image)
    assert np.array_equal(channels[0, :300, :500], holes[0])
    for first, (rows, columns) in zip((4, 8, 12, 16), MOVES, strict=True):
        for y, x in ((70, 150), (150, 250), (5, 5), (295, 420)):
            source = y - rows, x - columns
            inside = 0 <= source[0] < 300 and 0 <= source[1] < 500
            expected = image[source] if inside else None
            if expected is not None:
                assert np.array_equal(channels[first : first + 3, y, x], expected)
                assert channels[first + 3, y, x] == 255 * mask[source]
            else:
                assert channels[first + 3, y, x] == 255
    part = stack.bytes_at(Span(30, 90), Span(80, 460))
    assert np.array_equal(part, channels[:, 30:90, 80:460])


def test_a_hole_that_vanishes_at_the_working_size_is_still_filled() -> None:
    image = scene(4, 256, 256)
    mask = box(256, 256, slice(101, 102), slice(20, 200))
    result = methods.create("two-stage:telea", working_size=64, **UNREFINED).inpaint(image, mask)
    assert np.array_equal(result[~mask], image[~mask]) and result[mask].min() > 15
    neighbours = image[[97, 103], 20:200].astype(float)
    assert abs(result[mask].mean() - neighbours.mean()) < 10


def test_scattered_known_pixels_are_all_used() -> None:
    """The published code takes every fourth pixel, which may all be unknown."""
    image, mask = scene(5, 256, 256), np.ones((256, 256), bool)
    mask[1::4, 1::4] = False
    options = {"working_size": 64, **UNREFINED}
    result = methods.create("two-stage:telea", **options).inpaint(image, mask)
    assert np.abs(result[mask].mean(axis=0) - image[~mask].mean(axis=0)).max() < 2
    with pytest.raises(MethodError, match="raise working_size"):
        methods.create("two-stage:telea", profile="published", **options).inpaint(image, mask)


def test_around_a_program_and_around_external_results(tmp_path: Path) -> None:
    image, mask = scene(6, 200, 200), box(200, 200, slice(50, 99), slice(50, 99))
    script = tmp_path / "fill.py"
    script.write_text(
        "import sys; from PIL import Image\n"
        "image, mask = Image.open(sys.argv[1]), Image.open(sys.argv[2])\n"
        "assert image.size == (100, 100)\n"
        "image.paste((50, 60, 70), mask=mask); image.save(sys.argv[3])\n"
    )
    options = {"template": f"{sys.executable} {script} {{image}} {{mask}} {{result}}"}
    method = methods.create(
        "two-stage:command", working_size=100, stage_one_options=options, **UNREFINED
    )
    assert (method.inpaint(image, mask)[70, 70] == (50, 60, 70)).all()
    # The program's memory, not that of the process that waits for it.
    assert method.measures_cost and method.peak_memory_mb is not None

    write_png(tmp_path / "results" / "200" / "cat.png", np.full((100, 100, 3), 77, np.uint8))
    method = methods.create(
        "two-stage:external",
        working_size=100,
        stage_one_options={"folder": str(tmp_path / "results")},
        **UNREFINED,
    )
    assert (method.for_case(200, "cat").inpaint(image, mask)[70, 70] == 77).all()
    assert not method.measures_cost


def test_identity_and_seed_reach_stage_one() -> None:
    def identity(name: str, **options: object) -> dict[str, object]:
        options = {**UNREFINED, **options}
        return methods.create(name, **options).identity(1024, "cat")  # type: ignore[arg-type]

    assert identity("two-stage:patchmatch", seed=1) != identity("two-stage:patchmatch", seed=2)
    assert identity("two-stage:telea", seed=1) == identity("two-stage:telea", seed=2)
    wide = {"stage_one_options": {"radius": 9}}
    assert identity("two-stage:telea", **wide) != identity("two-stage:telea")
    assert identity("two-stage:telea", working_size=512) == identity("two-stage:telea")
    random = identity("two-stage:telea", refine=True, weights="random")
    assert random != identity("two-stage:telea")
    with pytest.raises(ValueError, match="radios"):
        methods.create("two-stage:telea", stage_one_options={"radios": 9}, **UNREFINED)


def test_tables_are_told_what_was_run() -> None:
    assert "NOT refined" in methods.create("two-stage:telea", **UNREFINED).note
    everything = methods.create(
        "two-stage", weights="random", stage_one_options={"weights": "random"}
    )
    assert everything.note.count("RANDOM WEIGHTS") == 2
    assert everything.remark == "random weights"
    assert methods.create("two-stage:telea", **UNREFINED).remark == "not refined"
    assert everything.weights_used() == {"dfnet": "random", "refinement": "random"}


def test_it_runs_with_the_weights_that_come_with_the_suite() -> None:
    method = methods.create("two-stage")
    assert method.remark == "compact, trained here"
    assert "stage one dfnet at 128 px" in method.note and "profile paper" in method.note
    image = scene(3, 300, 260)
    mask = box(300, 260, slice(100, 190), slice(90, 180))
    result = method.inpaint(image, mask)
    off = result[mask].astype(int) - image[mask]
    assert np.array_equal(result[~mask], image[~mask]) and np.abs(off).mean() < 15
    wrapped = methods.create("two-stage:telea")
    assert wrapped.remark == "compact, trained here" and "telea at 512 px" in wrapped.note
    assert method.weights_used()["refinement"] == wrapped.weights_used()["refinement"]


def test_known_pixels_between_strokes_of_the_hole_are_untouched() -> None:
    """Before they are restored: three in four of them came from the network."""
    image = scene(7, 300, 300)
    mask = np.zeros((300, 300), bool)
    cv2.line(mask.view(np.uint8), (40, 60), (250, 240), 1, 9)
    cv2.circle(mask.view(np.uint8), (60, 220), 25, 1, -1)
    raw = methods.create("two-stage").fill(blank(image, mask), mask)
    assert np.array_equal(raw[~mask], image[~mask])
    assert (raw[mask] != 0).any(axis=1).mean() > 0.9
