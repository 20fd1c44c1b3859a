"""A person's way through a study in the three engines: by mouse, by keyboard, by touch."""

# ruff: noqa: F811  (fixtures are imported, and named again by those who use them)

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from tests.browser.engines import ENGINES, Open
from tests.browser.person import PRESS, RELEASE, Person, to
from tests.browser.study import QUESTIONS, Study, answers, served  # noqa: F401

Visit = Callable[..., Person]


@pytest.fixture(scope="module", params=ENGINES)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator:
    with ENGINES[request.param](tmp_path_factory.mktemp(request.param)) as open_page:
        yield open_page


@pytest.fixture
def visit(engine: Open, served: Study) -> Iterator[Visit]:
    drivers = []

    def open_page(phone: bool = False) -> Person:
        drivers.append(engine(phone))
        return Person(drivers[-1], served.address)

    yield open_page
    for driver in drivers:
        driver.close()


@contextmanager
def cut_off(served: Study) -> Iterator[None]:
    """Answer nothing, also on connections that a browser opened ahead of its requests."""
    served.cut_off.set()
    try:
        yield
    finally:
        served.cut_off.clear()


def test_by_mouse(visit: Visit, served: Study) -> None:
    person = visit()
    person.go("/")
    person.click("[name=consent]")
    person.click("button.primary")
    person.ready(1, QUESTIONS)
    zoom_compare_and_move(person)
    person.click("[data-choice=left]")
    person.ready(2, QUESTIONS)
    person.driver.reload()
    person.ready(2, QUESTIONS)
    person.go("/withdraw")
    person.driver.back()
    person.ready(2, QUESTIONS)
    person.click("[data-choice=tie]")
    person.ready(3, QUESTIONS)
    with cut_off(served):
        person.click("[data-choice=right]")
        person.reads("Your answer is kept")
        person.reads(f"3 of {QUESTIONS}")
    person.ready(4, QUESTIONS)
    person.click("[data-choice=right]")
    person.arrives("/done")
    found = answers(served)
    person.reads(served.study.secrets.completion_code(found[0].code))
    assert [row.choice for row in found] == ["left", "tie", "right", "right"]
    assert [row.zoomed for row in found] == [True, False, False, False]
    assert [row.compared for row in found] == [True, False, False, False]
    assert all(0 < row.response_ms < 30_000 for row in found)
    person.driver.back()
    # Without TLS, WebKit shows the first page again; agreeing again leads back to the end.
    path = person.until("['/', '/done'].includes(location.pathname) && location.pathname")
    if path == "/":
        person.click("button.primary")
    person.arrives("/done")


def zoom_compare_and_move(person: Person) -> None:
    """At last the images are whole again."""
    # Around a corner, where the test's images are the same noise.
    left, top, _, _ = person.boxes(".window")[1]
    person.wheel((left + 3, top + 3), -200, times=5)
    person.until("document.querySelector('.stage.crisp')")
    person.mouse(to(3, 3))
    first, second = (look[:150, :150] for look in person.looks(".window"))
    assert np.array_equal(first, second)
    before = person.boxes(".window img")
    x, y = person.middle(".window")
    person.mouse(to(x, y), PRESS, to(x - 60, y - 40, 50), RELEASE)
    after = person.boxes(".window img")
    for (x0, y0, *_), (x1, y1, *_) in zip(before, after, strict=True):
        assert (x1 - x0, y1 - y0) == pytest.approx((-60, -40), abs=1)
    person.mouse(to(*person.middle("#compare")), PRESS)
    person.reads("in the place of A")
    assert person.boxes(".window img") == after[::-1]
    person.mouse(RELEASE)
    assert person.boxes(".window img") == after
    person.click("#fit")
    person.until("document.querySelector('.stage:not(.zoomed)')")


def test_by_keyboard(visit: Visit, served: Study) -> None:
    person = visit()
    person.go("/")
    person.keys("Tab", " ", "Tab", "Enter")
    person.ready(1, QUESTIONS)
    person.keys("+", "+", "Shift+Left")
    assert person.driver.run("return document.querySelector('.stage.zoomed') !== null")
    person.key(" ", "keyDown")
    person.reads("in the place of A")
    # "Left" would be ambiguous now.
    person.keys("Left")
    person.key(" ", "keyUp")
    person.reads(f"1 of {QUESTIONS}")
    person.keys("Right")
    person.ready(2, QUESTIONS)
    person.keys("t")
    person.ready(3, QUESTIONS)
    with cut_off(served):
        person.keys("Left")
        person.reads("Your answer is kept")
    person.ready(4, QUESTIONS)
    person.keys("Tab", "Tab", "Tab")
    assert person.driver.run("return document.activeElement.dataset.choice") == "right"
    person.keys("Enter")
    person.arrives("/done")
    found = answers(served)
    assert [row.choice for row in found] == ["right", "tie", "left", "right"]
    assert [row.zoomed for row in found] == [True, False, False, False]
    assert [row.compared for row in found] == [True, False, False, False]


def test_by_touch(visit: Visit, served: Study) -> None:
    person = visit(phone=True)
    person.go("/")
    person.tap(person.middle("[name=consent]"))
    person.tap(person.middle("button.primary"))
    person.ready(1, QUESTIONS)
    (_, _, whole, _), _ = person.boxes(".window img")
    x, y = person.middle(".window")
    apart = [[to(x + side * 20, y), PRESS, to(x + side * 40, y, 50), RELEASE] for side in (-1, 1)]
    person.fingers(*apart)
    before, also = person.boxes(".window img")
    assert before[2:] == also[2:]
    assert before[2] == pytest.approx(2 * whole, rel=0.05)
    person.fingers([to(x, y), PRESS, to(x + 30, y + 10, 50), RELEASE])
    after, _ = person.boxes(".window img")
    assert (after[0] - before[0], after[1] - before[1]) == pytest.approx((30, 10), abs=1)
    assert person.driver.run("return visualViewport.scale") == 1, "the page itself is not zoomed"
    person.tap(person.middle("[data-choice=left]"))
    person.ready(2, QUESTIONS)
    person.tap(person.middle(".window"), times=2)
    person.until("document.querySelector('#zoom').textContent === '100%'")
    person.tap(person.middle("[data-choice=right]"))
    person.ready(3, QUESTIONS)
    person.fingers([to(x, y), PRESS])
    person.reads("in the place of A")
    person.lift()
    person.until("document.querySelector('.stage:not(.swapped)')")
    person.tap(person.middle("[data-choice=tie]"))
    person.ready(4, QUESTIONS)
    person.tap(person.middle("[data-choice=left]"))
    person.arrives("/done")
    found = answers(served)
    assert [row.choice for row in found] == ["left", "right", "tie", "left"]
    assert [row.zoomed for row in found] == [True, True, False, False]
    assert [row.compared for row in found] == [False, False, True, False]
    assert {row.layout for row in found} == {"stacked"}
