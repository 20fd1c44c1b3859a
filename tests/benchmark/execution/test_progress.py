"""The estimate of the time left."""

from __future__ import annotations

import pytest

from benchmark.execution.progress import RemainingTime
from benchmark.inputs.photos import Photo
from benchmark.planning.method_specs import MethodSpec
from benchmark.planning.plan import Case
from benchmark.run_folder.rows import Row
from methods.base import Resolution


def case(method: str, resolution: Resolution, name: str = "cat", width: int = 0) -> Case:
    photo = Photo(name, f"{name}.png", "0", width=width, height=width)
    return Case(MethodSpec(method, method, {}), resolution, photo, "i", "k", "s")


def row(method: str, resolution: Resolution, seconds: float | None, name: str = "cat") -> Row:
    return Row(method, resolution, name, "ok", seconds=seconds)


def test_methods_are_told_apart_and_pixels_counted() -> None:
    cases = [case("slow", 100), case("slow", 200), case("fast", 100), case("fast", 200)]
    remaining = RemainingTime(cases, [], workers=1)
    assert remaining.seconds(0) is None and remaining.text(0) == ""
    remaining.finished(row("slow", 100, 10.0))
    assert remaining.text(0) == "at least 1:30 left"
    remaining.finished(row("fast", 100, 1.0))
    assert remaining.text(0) == "about 0:44 left"
    # Four times the pixels each: 40 s and 4 s, in half the time with two workers.
    assert remaining.seconds(0) == pytest.approx(44)
    assert RemainingTime([case("slow", 200)], [row("slow", 100, 10.0)], workers=2).seconds(
        0
    ) == pytest.approx(20)


def test_photographs_at_their_own_size_count_by_their_pixels() -> None:
    cases = [case("a", "native", "small", 100), case("a", "native", "large", 300)]
    remaining = RemainingTime(cases, [], workers=1)
    remaining.finished(row("a", "native", 2.0, "small"))
    assert remaining.seconds(0) == pytest.approx(18)


def test_cases_without_a_time_count_as_done() -> None:
    remaining = RemainingTime([case("a", 100), case("a", 100, "dog")], [], workers=1)
    remaining.finished(row("a", 100, None))
    remaining.finished(row("a", 100, 3.0, "dog"))
    assert remaining.seconds(0) == 0


def test_what_methods_state_makes_the_first_estimate_and_scales_with_the_machine() -> None:
    cases = [case("fast", 1000), case("slow", 1000)]
    remaining = RemainingTime(cases, [], workers=1, typical={"fast": 1.0, "slow": 60.0})
    assert remaining.text(0) == "about 1:01 left"
    # The machine turns out to be twice as slow as the one that the statements are from.
    remaining.finished(row("fast", 1000, 2.0))
    assert remaining.seconds(0) == pytest.approx(120)


def test_time_falls_within_a_case_and_stops_before_its_end() -> None:
    remaining = RemainingTime([case("a", 1000)], [], workers=1, typical={"a": 60.0})
    remaining.started(("a", 1000, "cat"), now=100.0)
    assert remaining.seconds(130.0) == pytest.approx(30)
    assert remaining.cases_under_way(130.0) == pytest.approx(0.5)
    # It takes longer than expected.
    assert remaining.seconds(500.0) == pytest.approx(3)
    assert remaining.cases_under_way(500.0) == pytest.approx(0.95)
    remaining.finished(row("a", 1000, 400.0))
    assert remaining.seconds(500.0) == 0 and remaining.cases_under_way(500.0) == 0
