"""Whose networks two-stage uses: the published ones once both have been fetched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import methods
from methods.base import MissingRequirementError
from methods.weights import WeightsError
from methods.weights.store import Record, remember
from tests.command_line import run
from tests.fetched import fetched

COMPACT = "compact, trained here"


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of fetched weights, empty at first."""
    monkeypatch.setenv("INPAINTING_WEIGHTS", str(tmp_path))
    return tmp_path


def both_fetched() -> list[Path]:
    return [fetched("dfnet"), fetched("refinement")]


def identity(name: str, **options: Any) -> dict[str, Any]:
    return methods.create(name, **options).identity(1024, "cat")


def test_the_compact_networks_are_used_where_nothing_has_been_fetched() -> None:
    method = methods.create("two-stage")
    assert method.remark == COMPACT and "compact weights of dfnet and refinement" in method.note
    assert identity("two-stage") == identity("two-stage", networks="compact")
    with pytest.raises(MissingRequirementError, match=r"fetch refinement .*fetch dfnet "):
        methods.create("two-stage", networks="published")


def test_the_published_networks_are_used_once_both_have_been_fetched() -> None:
    compact = identity("two-stage")
    both_fetched()
    method = methods.create("two-stage")
    assert method.remark == "published weights"
    for part in ("published weights of dfnet and refinement", "at 512 px", "profile published"):
        assert part in method.note
    assert identity("two-stage") == identity("two-stage", networks="published") != compact
    assert identity("two-stage", networks="compact") == compact
    assert methods.create("two-stage", networks="compact").remark == COMPACT


def test_what_stage_one_does_not_use_is_not_named() -> None:
    matched = identity("two-stage:patchmatch")
    both_fetched()
    telea = methods.create("two-stage:telea")
    assert telea.remark == "published weights"
    assert "published weights of refinement" in telea.note
    patchmatch = methods.create("two-stage:patchmatch")
    assert patchmatch.remark == "matched detail" and "weights of" not in patchmatch.note
    assert identity("two-stage:patchmatch") == matched


@pytest.mark.parametrize(("present", "absent"), [("dfnet", "refinement"), ("refinement", "dfnet")])
def test_one_of_both_is_not_enough_and_the_note_says_what_to_fetch(
    present: str, absent: str
) -> None:
    compact = identity("two-stage")
    fetched(present)
    method = methods.create("two-stage")
    assert method.remark == COMPACT and f"python -m methods fetch {absent})" in method.note
    assert identity("two-stage") == compact


def test_weights_of_ones_own_stay_with_the_compact_networks() -> None:
    """A stage two that was trained around the compact stage one."""
    before = identity("two-stage", weights="random")
    both_fetched()
    assert identity("two-stage", weights="random") == before
    own = methods.create("two-stage", stage_one_options={"weights": "random"})
    assert "compact weights of refinement" in own.note


def test_a_fetched_file_that_has_changed_is_refused_not_replaced_by_the_compact_one() -> None:
    for path in both_fetched():
        remember(path, Record("https://example.org", 1, "0" * 64, [], "2020-01-01"))
    with pytest.raises(WeightsError, match="has changed since it was fetched"):
        methods.create("two-stage")


def test_other_processes_use_the_same_networks_whatever_is_fetched_meanwhile() -> None:
    for name in ("two-stage", "two-stage:patchmatch"):
        settled = methods.create(name).settled_options()
        before = identity(name)
        paths = both_fetched()
        assert identity(name, **settled) == before
        for path in paths:
            path.unlink()
    both_fetched()
    for name in ("two-stage", "two-stage:patchmatch"):
        assert identity(name, **methods.create(name).settled_options()) == identity(name)


def test_lists_show_which_are_used() -> None:
    def shown(*arguments: str) -> str:
        return run("methods", *arguments).stdout

    assert f"two-stage: yes ({COMPACT})" in shown("list")
    assert "compact weights of dfnet and refinement" in " ".join(shown("info", "two-stage").split())
    both_fetched()
    assert "two-stage: yes (published weights)" in shown("list")
    assert "yes (published weights)" in shown("info", "two-stage")


def test_matched_detail_names_its_package_before_anything_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("methods.architectures.two_stage_choice.find_spec", lambda name: None)
    with pytest.raises(MissingRequirementError, match="matched detail needs numba: pip install n"):
        methods.create("two-stage:patchmatch")
    assert methods.create("two-stage:patchmatch", refinement="none").note
