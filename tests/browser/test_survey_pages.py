"""The survey's pages in a real browser: whole studies, bad networks, other devices."""

# ruff: noqa: F811  (fixtures are imported, and named again by those who use them)

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import CDPSession, Route, expect

from tests.browser.study import (  # noqa: F401
    PHONE,
    QUESTIONS,
    Study,
    Visit,
    agree,
    answers,
    assert_in_step,
    button,
    choices,
    images,
    middle,
    press,
    ready,
    served,
    start,
    visit,
    width,
)

# Whole studies


def test_a_whole_study_by_mouse(visit: Visit, served: Study) -> None:
    page = ready(agree(visit()), 1)
    page.mouse.move(*middle(page.locator(".window").first))
    page.mouse.wheel(0, -400)
    button(page, "left").click()
    button(ready(page, 2), "tie").click()
    # Not given away before the last answer is in.
    page.goto("/done")
    expect(page).to_have_url(re.compile("/question$"))
    button(ready(page, 3), "right").click()
    button(ready(page, 4), "right").click()
    expect(page).to_have_url(re.compile(r"/done\?id="))
    code = page.locator("#code").text_content()
    found = answers(served)
    assert code == served.study.secrets.completion_code(found[0].code)
    assert [row.choice for row in found] == ["left", "tie", "right", "right"]
    assert [row.zoomed for row in found] == [True, False, False, False]
    assert not any(row.compared for row in found)
    assert {row.layout for row in found} == {"side"}
    page.go_back()
    expect(page).to_have_url(re.compile(r"/done\?id="))


def test_a_whole_study_by_keyboard_alone(visit: Visit, served: Study) -> None:
    page = visit()
    page.goto("/")
    press(page, "Tab", "Space", "Tab", "Enter")
    ready(page, 1)
    press(page, "+", "Shift+ArrowLeft", "ArrowLeft")
    ready(page, 2)
    page.keyboard.down(" ")
    # "Left" would be ambiguous while the images have changed places.
    press(page, "ArrowLeft")
    page.keyboard.up(" ")
    press(page, "ArrowRight")
    ready(page, 3)
    press(page, "t")
    ready(page, 4)
    press(page, "Tab", "Tab", "Tab")
    expect(button(page, "right")).to_be_focused()
    press(page, "Enter")
    expect(page.locator("h1")).to_have_text("Thank you!")
    found = answers(served)
    assert [row.choice for row in found] == ["left", "right", "tie", "right"]
    assert [row.zoomed for row in found] == [True, False, False, False]
    assert [row.compared for row in found] == [False, True, False, False]


def test_a_whole_study_by_touch(visit: Visit, served: Study) -> None:
    page = ready(agree(visit(**PHONE)), 1)
    touch = page.context.new_cdp_session(page)
    window = page.locator(".window").first
    x, y = middle(window)
    whole = width(page)
    fingers(touch, "touchStart", (x - 20, y), (x + 20, y))
    fingers(touch, "touchMove", (x - 40, y), (x + 40, y))
    fingers(touch, "touchEnd")
    assert width(page) == pytest.approx(2 * whole, rel=0.02)
    assert_in_step(page)
    # The page itself was not zoomed, and a finger moves both images.
    assert page.evaluate("visualViewport.scale") == 1
    before = images(page)[0].bounding_box()
    fingers(touch, "touchStart", (x, y))
    fingers(touch, "touchMove", (x + 30, y + 10))
    fingers(touch, "touchEnd")
    after = images(page)[0].bounding_box()
    assert before and after and after["x"] == pytest.approx(before["x"] + 30, abs=1)
    assert_in_step(page)
    button(page, "left").tap()
    ready(page, 2)
    for _ in range(2):
        page.touchscreen.tap(x, y)
    assert width(page) == 200 / 2, "one pixel of the image is one of the screen"
    button(page, "right").tap()
    ready(page, 3)
    fingers(touch, "touchStart", (x, y))
    expect(page.locator(".stage")).to_have_class(re.compile("swapped"))
    fingers(touch, "touchEnd")
    expect(page.locator(".stage")).not_to_have_class(re.compile("swapped"))
    button(page, "tie").tap()
    button(ready(page, 4), "left").tap()
    expect(page).to_have_url(re.compile(r"/done\?id="))
    found = answers(served)
    assert [row.choice for row in found] == ["left", "right", "tie", "left"]
    assert [row.compared for row in found] == [False, False, True, False]
    assert {row.layout for row in found} == {"stacked"}
    assert {row.shown_px for row in found} == {round(whole * 2)}


def fingers(touch: CDPSession, kind: str, *places: tuple[float, float]) -> None:
    points = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(places)]
    touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


# No answer lost, none twice


def test_an_answer_survives_a_cut_network(visit: Visit, served: Study) -> None:
    page = start(visit())
    page.context.set_offline(True)
    button(page, "right").click()
    expect(page.locator("#notice")).to_contain_text("Your answer is kept")
    expect(page.locator("#count")).to_have_text(f"1 of {QUESTIONS}")
    button(page, "left").click(force=True)
    press(page, "ArrowLeft")
    assert choices(served) == []
    page.context.set_offline(False)
    ready(page, 2)
    expect(page.locator("#notice")).to_be_empty()
    assert choices(served) == ["right"]


def test_an_answer_survives_a_reload_without_network(visit: Visit, served: Study) -> None:
    page = start(visit())
    page.route("**/vote", lambda route: route.abort())
    button(page, "right").click()
    expect(page.locator("#notice")).not_to_be_empty()
    page.unroute("**/vote")
    page.reload()
    ready(page, 2)
    assert choices(served) == ["right"]


def lose_the_reply(route: Route) -> None:
    route.fetch()
    route.abort()


def test_one_answer_whatever_happens_to_it(visit: Visit, served: Study) -> None:
    happenings: list[Callable[[Route], None]] = [
        lose_the_reply,
        lambda route: route.fulfill(status=503),
        lambda route: route.fulfill(status=429, json={"error": "too_many", "reload": False}),
        lambda route: route.fulfill(status=200, body="<html>The hotel's network: log in</html>"),
    ]
    page = start(visit())
    for position, happens in enumerate(happenings, 1):
        page.route("**/vote", happens, times=1)
        button(ready(page, position), "right").click()
    expect(page).to_have_url(re.compile(r"/done\?id="))
    assert choices(served) == ["right"] * QUESTIONS


def test_a_page_that_is_too_old_loads_again_and_sends_its_answer(
    visit: Visit, served: Study
) -> None:
    page = start(visit())
    refusal = {"error": "expired", "reload": True}
    page.route("**/vote", lambda route: route.fulfill(status=403, json=refusal), times=1)
    button(page, "right").click()
    ready(page, 2)
    assert choices(served) == ["right"]


def test_a_page_that_is_always_refused_does_not_reload_for_ever(visit: Visit) -> None:
    page = start(visit())
    page.route("**/vote", lambda route: route.fulfill(status=400, json={"reload": True}))
    loads: list[str] = []
    page.on("load", lambda: loads.append(page.url))
    for times in (1, 2, 3):
        button(page, "left").click()
        ready(page, 1)
        assert len(loads) == times
    button(page, "left").click()
    expect(page.locator("#notice")).to_contain_text("Something went wrong")
    assert len(loads) == 3


def test_a_page_whose_script_got_lost_is_loaded_again(visit: Visit, served: Study) -> None:
    """As where a phone changes its network in the midst: Chromium gives up what still waits."""
    page = visit()
    lost = iter([True])

    def lose_once(route: Route) -> None:
        route.abort("failed") if next(lost, False) else route.continue_()

    page.route("**/viewer.js", lose_once)
    button(start(page), "left").click()
    ready(page, 2)
    assert choices(served) == ["left"]


def test_a_page_whose_script_never_comes_says_so_in_the_end(visit: Visit) -> None:
    page = visit()
    page.route("**/viewer.js", lambda route: route.abort("failed"))
    loads: list[str] = []
    page.on("load", lambda: loads.append(page.url))
    agree(page)
    expect(page.locator("#notice")).to_contain_text("Something went wrong")
    assert ["/question" in url for url in loads] == [False, True, True, True, True]


def test_a_double_click_answers_once(visit: Visit, served: Study) -> None:
    page = start(visit())
    button(page, "left").dblclick()
    ready(page, 2)
    assert choices(served) == ["left"]


def test_a_key_kept_down_answers_once(visit: Visit, served: Study) -> None:
    page = start(visit())
    for _ in range(30):
        page.keyboard.down("ArrowRight")
        page.wait_for_timeout(20)
    page.keyboard.up("ArrowRight")
    ready(page, 2)
    assert choices(served) == ["right"]


def test_two_tabs_answer_each_question_once(visit: Visit, served: Study) -> None:
    first = start(visit())
    second = first.context.new_page()
    second.goto("/question")
    ready(second, 1)
    # A page behind another one is hardly drawn.
    first.bring_to_front()
    button(first, "left").click()
    button(ready(first, 2), "left").click()
    ready(first, 3)
    second.bring_to_front()
    button(second, "right").click()
    ready(second, 3)
    assert choices(served) == ["left", "left"]


def test_reload_and_back_show_the_right_question(visit: Visit, served: Study) -> None:
    page = ready(agree(visit()), 1)
    button(page, "left").click()
    ready(page, 2)
    page.reload()
    ready(page, 2)
    page.goto("/withdraw")
    page.go_back()
    button(ready(page, 2), "left").click()
    ready(page, 3)
    page.go_back()
    ready(page, 3)
    assert choices(served) == ["left", "left"]


def test_another_device_continues_with_the_personal_link(visit: Visit, served: Study) -> None:
    page = start(visit())
    button(page, "left").click()
    ready(page, 2).locator("#menu").click()
    other = visit(**PHONE)
    other.goto(page.locator("#resume-link").input_value())
    button(ready(other, 2), "right").tap()
    ready(other, 3)
    assert choices(served) == ["left", "right"]


def test_withdrawing_deletes_the_answers(visit: Visit, served: Study) -> None:
    page = start(visit())
    button(page, "left").click()
    ready(page, 2).locator("#menu").click()
    page.locator("#help").get_by_role("link", name="Withdraw").click()
    page.get_by_role("button", name="Delete my answers").click()
    expect(page.locator("h1")).to_have_text("Your answers are deleted")
    assert choices(served) == []
