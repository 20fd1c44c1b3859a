"""diffusers itself, with pipelines of random weights."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.command_line import run
from tests.methods.conftest import box, scene
from tests.methods.diffusers.conftest import IMAGE, MASK, create
from tests.methods.diffusers.tiny_pipelines import save_stable_diffusion

pytestmark = [
    pytest.mark.slow,
    # Not skipped, which some runs of the tests take for a failure.
    pytest.mark.xfail(
        importlib.util.find_spec("diffusers") is None,
        reason="needs the optional extra: pip install '.[diffusers]'",
        run=False,
    ),
]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Real pipelines with random weights: sd9 and sd4."""
    folder = tmp_path_factory.mktemp("pipelines")
    for channels in (9, 4):
        save_stable_diffusion(folder / f"sd{channels}", channels)
    return folder


@pytest.mark.parametrize("name", ["sd9", "sd4"])
def test_the_hole_is_what_the_pipeline_computes(tiny: Path, name: str) -> None:
    from diffusers import StableDiffusionInpaintPipeline
    from PIL import Image

    image, mask = scene(1, 96, 128), box(96, 128, slice(20, 61), slice(33, 70))
    filled = create(tiny / name, steps=2, prompt="a b", seed=3).inpaint(image, mask)
    pipeline = StableDiffusionInpaintPipeline.from_pretrained(tiny / name)
    output = pipeline(
        prompt="a b",
        image=Image.fromarray(np.where(mask[..., None], np.uint8(0), image)),
        mask_image=Image.fromarray(mask),
        height=96,
        width=128,
        num_inference_steps=2,
        generator=torch.Generator().manual_seed(3),
    )
    expected = np.asarray(output.images[0])
    assert np.abs(filled[mask].astype(int) - expected[mask]).max() <= 1
    assert np.array_equal(filled[~mask], image[~mask])
    for other in ({"seed": 4}, {"prompt": "b"}, {"steps": 3}):
        options = {"steps": 2, "prompt": "a b", "seed": 3, **other}
        assert not np.array_equal(create(tiny / name, **options).inpaint(image, mask), filled)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_nearly_the_same(tiny: Path, dtype: str) -> None:
    full, half = (
        create(tiny / "sd9", steps=2, dtype=name).inpaint(IMAGE, MASK)[MASK].astype(int)
        for name in ("float32", dtype)
    )
    assert 0 < np.abs(full - half).mean() < 3


def test_fill_prints_one_line(tiny: Path, tmp_path: Path) -> None:
    from methods.images import read_rgb, write_png

    write_png(tmp_path / "image.png", IMAGE)
    write_png(tmp_path / "mask.png", MASK)
    files = [str(tmp_path / f"{name}.png") for name in ("image", "mask", "result")]
    done = run("methods", "fill", f"diffusers:{tiny / 'sd9'}", *files, "--option", "steps=2")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1 and "130x97, filled by diffusers:" in done.stdout
    result = read_rgb(tmp_path / "result.png")
    assert np.array_equal(result[~MASK], IMAGE[~MASK]) and result[MASK].std() > 5
