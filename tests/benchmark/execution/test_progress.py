"""The estimate of the time left."""

from __future__ import annotations

import pytest

from benchmark.execution.progress import RemainingTime
from benchmark.inputs.dataset import Photo
from benchmark.planning.method_specs import MethodSpec
from benchmark.planning.plan import Case
from benchmark.run_folder.rows import Row


def case(method: str, resolution: int) -> Case:
    photo = Photo("cat", "cat.png", "0")
    return Case(MethodSpec(method, method, {}), resolution, photo, "i", "k", "s")


def row(method: str, resolution: int, seconds: float | None) -> Row:
    return Row(method, resolution, "cat", "ok", seconds=seconds)


def test_methods_are_told_apart_and_pixels_counted() -> None:
    cases = [case("slow", 100), case("slow", 200), case("fast", 100), case("fast", 200)]
    remaining = RemainingTime(cases, [], workers=1)
    assert remaining.seconds() is None and remaining.text() == ""
    remaining.finished(row("slow", 100, 10.0))
    assert remaining.text() == "at least 1:30 left"
    remaining.finished(row("fast", 100, 1.0))
    assert remaining.text() == "about 0:44 left"
    # Four times the pixels each: 40 s and 4 s, in half the time with two workers.
    assert remaining.seconds() == pytest.approx(44)
    assert RemainingTime(
        [case("slow", 200)], [row("slow", 100, 10.0)], workers=2
    ).seconds() == pytest.approx(20)


def test_cases_without_a_time_count_as_done() -> None:
    remaining = RemainingTime([case("a", 100), case("a", 100)], [], workers=1)
    remaining.finished(row("a", 100, None))
    remaining.finished(row("a", 100, 3.0))
    assert remaining.seconds() == 0
