"""Two-stage: exactly reduce, fill, enlarge, paste; at any size and around any method."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

import methods
from methods.base import MethodError
from methods.images import write_png
from tests.methods.conftest import box, scene


def test_it_is_the_pipeline_of_the_paper_without_refinement() -> None:
    image = scene(1, 1024, 1024)
    mask = box(1024, 1024, slice(342, 683), slice(342, 683))
    small = cv2.resize(image, (512, 512), interpolation=cv2.INTER_NEAREST)
    small_mask = cv2.resize(mask.astype(np.uint8), (512, 512), interpolation=cv2.INTER_NEAREST)
    small[small_mask == 1] = 0
    coarse = cv2.inpaint(small, small_mask, 3, cv2.INPAINT_TELEA)
    expected = image.copy()
    expected[mask] = cv2.resize(coarse, (1024, 1024), interpolation=cv2.INTER_LINEAR)[mask]
    assert np.array_equal(methods.create("two-stage:telea").inpaint(image, mask), expected)


@pytest.mark.parametrize(("height", "width"), [(64, 64), (700, 200), (230, 1100), (1500, 1499)])
@pytest.mark.parametrize("stage_one", ["telea", "patchmatch"])
def test_any_size_and_shape(stage_one: str, height: int, width: int) -> None:
    image = scene(2, height, width)
    rows, columns = slice(height // 3, height // 2), slice(width // 3, width // 2)
    mask = box(height, width, rows, columns)
    result = methods.create(f"two-stage:{stage_one}", working_size=128).inpaint(image, mask)
    assert np.array_equal(result[~mask], image[~mask]) and result[mask].min() > 15


def test_small_images_are_not_enlarged_for_stage_one() -> None:
    image = scene(3, 100, 140)
    mask = box(100, 140, slice(30, 60), slice(30, 60))
    assert np.array_equal(
        methods.create("two-stage:telea").inpaint(image, mask),
        methods.create("telea").inpaint(image, mask),
    )


def test_a_hole_that_vanishes_at_the_working_size_is_still_filled() -> None:
    image = scene(4, 256, 256)
    mask = box(256, 256, slice(101, 102), slice(20, 200))
    result = methods.create("two-stage:telea", working_size=64).inpaint(image, mask)
    assert np.array_equal(result[~mask], image[~mask]) and result[mask].min() > 15
    neighbours = image[[97, 103], 20:200].astype(float)
    assert abs(result[mask].mean() - neighbours.mean()) < 10


def test_nothing_known_at_the_working_size_is_an_error() -> None:
    mask = np.ones((256, 256), bool)
    mask[1::4, 1::4] = False
    with pytest.raises(MethodError, match="raise working_size"):
        methods.create("two-stage:telea", working_size=64).inpaint(scene(5, 256, 256), mask)


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
    method = methods.create("two-stage:command", working_size=100, stage_one_options=options)
    assert (method.inpaint(image, mask)[70, 70] == (50, 60, 70)).all()
    # The program's memory, not that of the process that waits for it.
    assert method.measures_cost and method.peak_memory_mb is not None

    write_png(tmp_path / "results" / "200" / "cat.png", np.full((100, 100, 3), 77, np.uint8))
    method = methods.create(
        "two-stage:external",
        working_size=100,
        stage_one_options={"folder": str(tmp_path / "results")},
    )
    assert (method.for_case(200, "cat").inpaint(image, mask)[70, 70] == 77).all()
    assert not method.measures_cost


def test_identity_and_seed_reach_stage_one() -> None:
    def identity(name: str, **options: object) -> dict[str, object]:
        return methods.create(name, **options).identity(1024, "cat")  # type: ignore[arg-type]

    assert identity("two-stage:patchmatch", seed=1) != identity("two-stage:patchmatch", seed=2)
    assert identity("two-stage:telea", seed=1) == identity("two-stage:telea", seed=2)
    wide = {"stage_one_options": {"radius": 9}}
    assert identity("two-stage:telea", **wide) != identity("two-stage:telea")
    with pytest.raises(ValueError, match="radios"):
        methods.create("two-stage:telea", stage_one_options={"radios": 9})


def test_tables_are_told_that_refinement_is_missing() -> None:
    assert "refinement network is not part" in methods.create("two-stage").note
