"""Which refinement two-stage uses by default and when asked, and what tables are told of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

import methods
from methods.base import Inpainter
from methods.images import write_png
from methods.two_stage import TwoStage
from tests.methods.conftest import box, scene


class Own(Inpainter):
    """A user's method."""

    name: ClassVar[str] = "own"
    summary: ClassVar[str] = "grey"

    def fill(self, image: np.ndarray, mask: np.ndarray) -> np.ndarray:
        return np.full_like(image, 99)


def note_of(name: str, **options: Any) -> str:
    return methods.create(name, **options).note


def test_defaults_follow_stage_one(tmp_path: Path) -> None:
    write_png(tmp_path / "cat.png", np.zeros((8, 8, 3), np.uint8))
    own = f"two-stage:{__name__}:Own"
    textured: dict[str, dict[str, Any]] = {
        "two-stage:patchmatch": {},
        "two-stage:shiftmap": {},
        "two-stage:deepfillv2": {"stage_one_options": {"weights": "random"}},
        "two-stage:external": {"stage_one_options": {"folder": str(tmp_path)}},
        "two-stage:command": {"stage_one_options": {"template": "cp {image} {mask} {result}"}},
        own: {},
    }
    for name, options in textured.items():
        method = methods.create(name, **options)
        assert "detail of places that look like it" in method.note, name
        assert method.remark.startswith("matched detail")
    for name in ("two-stage", "two-stage:telea", "two-stage:biharmonic"):
        assert "refined at full size" in note_of(name)
        assert methods.create(name).remark == "compact, trained here"


def test_each_refinement_can_be_asked_for() -> None:
    assert "refined at full size" in note_of("two-stage:patchmatch", refinement="network")
    assert "not the paper's refinement network" in note_of("two-stage", refinement="matched")
    assert "NOT refined" in note_of("two-stage:patchmatch", refinement="none")
    # Whoever gives the network's weights or profile wants the network.
    for options in ({"weights": "random"}, {"profile": "paper"}):
        assert "refined at full size" in note_of("two-stage:patchmatch", **options)


def test_matched_detail_of_a_smooth_stage_one_is_warned_of() -> None:
    for name in ("two-stage", "two-stage:telea", "two-stage:navier-stokes"):
        assert "may repeat as a pattern" in note_of(name, refinement="matched")
    assert "pattern" not in note_of("two-stage:patchmatch")


def test_the_weights_of_matched_detail_are_stage_ones() -> None:
    assert methods.create("two-stage:patchmatch").weights_used() == {}
    assert list(methods.create("two-stage", refinement="matched").weights_used()) == ["dfnet"]


@pytest.mark.parametrize("refinement", ["network", "matched", "none"])
def test_refine_goes_on_working_and_may_not_contradict(refinement: str) -> None:
    assert "NOT refined" in note_of("two-stage:patchmatch", refine=False)
    is_refined = refinement != "none"
    note_of("two-stage:telea", refinement=refinement, refine=is_refined)
    with pytest.raises(ValueError, match=r"^[^\n]*contradicts refinement = \w+: leave one[^\n]*$"):
        methods.create("two-stage:telea", refinement=refinement, refine=not is_refined)


def test_other_contradictions_are_one_line() -> None:
    with pytest.raises(ValueError, match="refinement = network, not matched"):
        methods.create("two-stage:patchmatch", refinement="matched", profile="published")
    with pytest.raises(ValueError, match="refinement: input should be 'network', 'matched'"):
        methods.create("two-stage:patchmatch", refinement="mached")


def test_finished_cases_with_the_network_and_without_refinement_stay() -> None:
    """The options by which they are known are those of the time before there was a choice."""

    def identity(name: str, **options: Any) -> dict[str, Any]:
        return methods.create(name, **options).identity(1024, "cat")

    known = {"weights", "working_size", "refine", "profile"}
    network = identity("two-stage")
    assert set(network["options"]) == known and network["options"]["refine"] is True
    assert network == identity("two-stage", refinement="network")
    assert network == identity("two-stage", refine=True)
    assert set(network) == {"method", "version", "options", "libraries", "stage_one"}
    alone = identity("two-stage:patchmatch", refinement="none")
    assert set(alone["options"]) == known and alone["options"]["refine"] is False
    assert alone == identity("two-stage:patchmatch", refine=False)

    matched = identity("two-stage:patchmatch")
    assert matched == identity("two-stage:patchmatch", refinement="matched")
    others = [identity("two-stage:patchmatch", refinement=kind) for kind in ("network", "none")]
    assert matched not in others
    assert matched != identity("two-stage:patchmatch", seed=1)
    smooth = [identity("two-stage:telea", refinement="matched", seed=seed) for seed in (0, 1)]
    assert smooth[0] != smooth[1], "the search for detail is seeded too"


def test_loops_are_compiled_when_loaded() -> None:
    """So that no case is timed with it: afterwards no signature is added."""
    from methods.texture import detail, field, tones

    method = methods.create("two-stage:telea", refinement="matched", working_size=64)
    method.load()
    loops = (field._search, field._pull, tones._relax, detail._fill)
    before = [len(loop.signatures) for loop in loops]
    method.inpaint(scene(1, 130, 99), box(130, 99, slice(40, 80), slice(30, 99)))
    assert [len(loop.signatures) for loop in loops] == before
    assert isinstance(method, TwoStage)
