"""What a pipeline is given, and what becomes of its result; with a stand-in of diffusers."""

from __future__ import annotations

import json
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import methods
from methods.base import MethodError, MissingRequirementError
from tests.command_line import run
from tests.methods.conftest import box
from tests.methods.diffusers.conftest import (
    IMAGE,
    MASK,
    Pipeline,
    Transformer,
    create,
    fill,
    pipeline_folder,
)


def test_sides_are_padded_to_the_pipelines_multiple_and_white_is_the_hole(folder: Path) -> None:
    result, call = fill(folder)
    # Eight pixels a latent pixel, which the U-Net halves once.
    assert (call["width"], call["height"]) == call["image"].size == call["mask_image"].size
    assert (call["width"], call["height"]) == (144, 112)
    image, mask = np.asarray(call["image"]), np.asarray(call["mask_image"])
    assert np.array_equal(mask[:97, :130], np.where(MASK, 255, 0)) and mask.ndim == 2
    assert np.array_equal(image[:97, :130], np.where(MASK[..., None], 0, IMAGE))
    assert (image[97:] == image[96]).all() and (image[:, 130:] == image[:, 129:130]).all()
    assert (mask[97:] == 0).all() and (mask[:, 130:] == 0).all()
    assert np.array_equal(result[MASK][:, 0], np.nonzero(MASK)[1])
    assert np.array_equal(result[~MASK], IMAGE[~MASK])


def test_transformers_take_patches_and_the_multiple_can_be_set(
    folder: Path, diffusers: Any
) -> None:
    assert fill(folder, multiple=1)[1]["image"].size == (130, 97)
    diffusers.AutoPipelineForInpainting = Transformer
    assert fill(folder)[1]["image"].size == (144, 112)


def test_a_hole_at_the_border_goes_on_in_the_padding(folder: Path) -> None:
    mask = box(97, 130, slice(80, 97), slice(100, 130))
    create(folder).inpaint(IMAGE, mask)
    padded = np.asarray(Pipeline.calls[-1]["mask_image"])
    assert (padded[80:, 100:] == 255).all() and (padded[:80] == 0).all()


def test_larger_images_are_reduced_and_the_hole_is_enlarged(folder: Path) -> None:
    result, call = fill(folder, largest_side=64, multiple=1)
    assert call["image"].size == (64, 48)
    # Columns count half as fast.
    expected = np.nonzero(MASK)[1] * 64 / 130
    assert np.abs(result[MASK][:, 0] - expected).max() < 1.5
    assert fill(folder, largest_side=130, multiple=1)[1]["image"].size == (130, 97)


def test_a_hole_that_is_lost_at_the_small_size(folder: Path) -> None:
    thin = box(97, 130, slice(40, 41), slice(20, 100))
    result = create(folder, largest_side=64).inpaint(IMAGE, thin)
    assert not Pipeline.calls and result[thin].min() > 15
    nearly_all = ~box(97, 130, slice(0, 0), slice(0, 0))
    nearly_all[0, 0] = False
    filled = create(folder, largest_side=64).inpaint(IMAGE, nearly_all)
    assert np.array_equal(filled[0, 0], IMAGE[0, 0])


def test_options_are_the_pipelines_arguments(folder: Path) -> None:
    _, call = fill(folder)
    # What is not set is the pipeline's own, but for strength: the hole is black.
    assert (call["prompt"], call["negative_prompt"], call["strength"]) == ("", None, 1.0)
    assert (call["num_inference_steps"], call["guidance_scale"]) == (50, 7.5)
    assert call["output_type"] == "np"
    _, call = fill(
        folder, prompt="a wall", negative_prompt="text", steps=3, guidance=2, strength=0.9,
        arguments={"clip_skip": 1},
    )  # fmt: skip
    assert (call["prompt"], call["negative_prompt"], call["strength"]) == ("a wall", "text", 0.9)
    assert (call["num_inference_steps"], call["guidance_scale"]) == (3, 2)
    assert call["clip_skip"] == 1


def test_every_image_has_the_same_noise_from_the_cpu(folder: Path) -> None:
    method = create(folder, seed=7)
    for _ in range(2):
        method.inpaint(IMAGE, MASK)
    first, second = (call["generator"] for call in Pipeline.calls)
    assert first is not second and first.device.type == "cpu"
    assert first.initial_seed() == second.initial_seed() == 7


def test_how_the_pipeline_is_loaded(folder: Path) -> None:
    create(folder, dtype="bfloat16", variant="fp16").load()
    assert Pipeline.loaded == {
        "folder": str(folder),
        "dtype": torch.bfloat16,
        "variant": "fp16",
        "local_files_only": True,
        "safety_checker": None,
    }
    index = json.loads((folder / "model_index.json").read_text())
    del index["safety_checker"]
    (folder / "model_index.json").write_text(json.dumps(index))
    create(folder).load()
    assert "safety_checker" not in Pipeline.loaded


def test_options_that_a_pipeline_does_not_have(folder: Path, diffusers: Any) -> None:
    diffusers.AutoPipelineForInpainting = Transformer
    fill(folder)
    for option, value in (("steps", 3), ("strength", 0.5), ("negative_prompt", "text")):
        with pytest.raises(MethodError, match=f"Transformer takes no {option}, remove"):
            create(folder, **{option: value}).load()
    with pytest.raises(MethodError, match="takes no 'clip_skip'"):
        create(folder, arguments={"clip_skip": 1}).load()
    with pytest.raises(ValueError, match="arguments: height, strength cannot be set here"):
        create(folder, arguments={"strength": 1, "height": 64, "eta": 0})


@pytest.mark.parametrize(
    ("attribute", "value", "said"),
    [
        ("is_black", True, "safety checker has blackened"),
        ("value", float("nan"), "are no numbers in float32; set `dtype`"),
    ],
)
def test_what_is_no_result(
    folder: Path, monkeypatch: pytest.MonkeyPatch, attribute: str, value: object, said: str
) -> None:
    monkeypatch.setattr(Pipeline, attribute, value)
    with pytest.raises(MethodError, match=said):
        fill(folder)


def test_a_result_of_another_size(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = types.SimpleNamespace(images=np.zeros((1, 64, 64, 3)))
    monkeypatch.setattr(Pipeline, "__call__", lambda self, image, mask_image: other)
    with pytest.raises(MethodError, match=r"returned \(64, 64, 3\) for \(112, 144, 3\); set"):
        create(folder, strength=1).inpaint(IMAGE, MASK)


def test_a_pipeline_that_cannot_be_loaded(
    folder: Path, monkeypatch: pytest.MonkeyPatch, diffusers: Any
) -> None:
    def failing(*_: object, **__: object) -> None:
        raise ValueError("AutoPipeline can't find\na pipeline")

    monkeypatch.setattr(Pipeline, "from_pretrained", failing)
    with pytest.raises(MethodError, match=r"loaded: ValueError: AutoPipeline can't find a pipe"):
        create(folder).load()


def test_without_the_library(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    cls = methods.method_class("diffusers")
    monkeypatch.setattr(cls, "requires", {"no_such": "no-such-library"})
    with pytest.raises(MissingRequirementError, match=r"no-such-library: pip install '\.\[di"):
        create(pipeline_folder(tmp_path / "tiny"))
    listed = run("methods", "list").stdout
    assert "diffusers: no: diffusers needs no-such-library: pip install '.[diffusers]'" in listed


def test_versions_that_do_not_know_dtype_are_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for version in ("0.40.0", "1.0.0.dev0", "0.35.2"):
        monkeypatch.setattr("methods.base.installed_version", lambda name, it=version: it)
        if version != "0.35.2":
            create(folder)
    said = r"0.40 or newer, and 0.35.2 is installed: pip install '\.\[diffusers\]'"
    with pytest.raises(MissingRequirementError, match=said):
        create(folder)


def test_a_library_that_cannot_be_imported_is_one_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(name: str) -> None:
        raise ImportError("huggingface-hub<1.0 is required,\nTry: `pip install transformers -U`")

    method = create(folder)
    monkeypatch.setattr("methods.base.importlib.import_module", failing)
    with pytest.raises(MissingRequirementError, match=r"is required, Try: .* pip install '\.\[d"):
        method.load()


@pytest.mark.slow
def test_as_stage_one(folder: Path) -> None:
    options = {"model": str(folder), "multiple": 1}
    by_option = methods.create("two-stage:diffusers", stage_one_options=options, working_size=64)
    by_name = methods.create(
        f"two-stage:diffusers:{folder}", stage_one_options={"multiple": 1}, working_size=64
    )
    assert by_option.identity(256, "a") == by_name.identity(256, "a")
    by_name.inpaint(IMAGE, MASK)
    assert Pipeline.calls[-1]["image"].size == (64, 48)
