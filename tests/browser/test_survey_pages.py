"""The survey's pages in a real browser: whole studies, bad networks, zoom, small screens."""

# ruff: noqa: F811  (fixtures are imported, and named again by those who use them)

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image as PillowImage
from playwright.sync_api import Browser, CDPSession, Locator, Page, Route, expect

from survey import texts
from tests.browser.conftest import CHROMIUM, OPTIONS
from tests.browser.study import (  # noqa: F401
    PHONE,
    QUESTIONS,
    Study,
    agree,
    answers,
    button,
    choices,
    images,
    middle,
    ready,
    served,
    start,
    visit,
)

Visit = Callable[..., Page]


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
    expect(page).to_have_url(re.compile("/done$"))
    code = page.locator("#code").text_content()
    found = answers(served)
    assert code == served.study.keys.completion_code(found[0].code)
    assert [row.choice for row in found] == ["left", "tie", "right", "right"]
    assert [row.zoomed for row in found] == [True, False, False, False]
    assert not any(row.compared for row in found)
    assert {row.layout for row in found} == {"side"}
    page.go_back()
    expect(page).to_have_url(re.compile("/done$"))


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


def press(page: Page, *names: str) -> None:
    for name in names:
        page.keyboard.press(name)


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
    expect(page).to_have_url(re.compile("/done$"))
    found = answers(served)
    assert [row.choice for row in found] == ["left", "right", "tie", "left"]
    assert [row.compared for row in found] == [False, False, True, False]
    assert {row.layout for row in found} == {"stacked"}
    assert {row.shown_px for row in found} == {round(whole * 2)}


def fingers(touch: CDPSession, kind: str, *places: tuple[float, float]) -> None:
    points = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(places)]
    touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


def width(page: Page) -> float:
    box = images(page)[0].bounding_box()
    assert box
    return box["width"]


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
    expect(page).to_have_url(re.compile("/done$"))
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


# Looking


@pytest.fixture
def looking(visit: Visit) -> Page:
    return start(visit())


def assert_in_step(page: Page) -> None:
    """Both images lie alike in their windows, but for the rounding to pixels."""
    windows = [place.bounding_box() for place in page.locator(".window").all()]
    pictures = [image.bounding_box() for image in images(page)]
    first, second = (
        [picture[side] - (window[side] if side in "xy" else 0) for side in picture]
        for picture, window in zip(pictures, windows, strict=True)
        if picture and window
    )
    assert first == pytest.approx(second, abs=0.51)
    assert first[2:] == second[2:]


def test_zoom_moves_both_images_exactly_together(looking: Page) -> None:
    page = looking
    first, second = page.locator(".window").all()
    box = second.bounding_box()
    assert box
    # Around a corner, where the test's images are the same noise.
    page.mouse.move(box["x"] + 1, box["y"] + 1)
    for _ in range(5):
        page.mouse.wheel(0, -200)
    assert_in_step(page)
    expect(page.locator(".stage")).to_have_class(re.compile("crisp"))
    page.mouse.move(0, 0)
    assert first.screenshot() == second.screenshot()
    # Dragged, by keys, and with the window's size changed meanwhile.
    page.mouse.move(*middle(second))
    page.mouse.down()
    page.mouse.move(*middle(first), steps=3)
    page.mouse.up()
    assert_in_step(page)
    page.set_viewport_size({"width": 700, "height": 600})
    press(page, "-", "Shift+ArrowDown", "Shift+ArrowRight")
    assert_in_step(page)
    press(page, "0")
    expect(page.locator("#fit")).to_have_attribute("aria-disabled", "true")
    expect(page.locator(".stage")).not_to_have_class(re.compile("zoomed"))


def test_the_point_under_the_pointer_stays(looking: Page) -> None:
    page = looking
    box = page.locator(".window").first.bounding_box()
    assert box
    x, y = box["x"] + box["width"] * 0.7, box["y"] + box["height"] * 0.4
    before = share(page, x, y)
    page.mouse.move(x, y)
    page.mouse.wheel(0, -300)
    assert share(page, x, y) == pytest.approx(before, abs=0.01)


def share(page: Page, x: float, y: float) -> tuple[float, float]:
    """Which point of image A lies at (x, y), as shares of its sides."""
    box = images(page)[0].bounding_box()
    assert box
    return (x - box["x"]) / box["width"], (y - box["y"]) / box["height"]


def test_a_double_click_shows_real_pixels_and_back(looking: Page) -> None:
    page = looking
    whole = width(page)
    page.mouse.dblclick(*middle(page.locator(".window").first))
    assert width(page) == 200
    expect(page.locator("#zoom")).to_have_text("100%")
    page.mouse.dblclick(*middle(page.locator(".window").first))
    assert width(page) == whole


@pytest.mark.parametrize("ratio", [1.25, 2.625])
def test_real_pixels_are_exact_on_screens_of_any_ratio(
    browser: Browser, served: Study, ratio: float
) -> None:
    """As a desktop's settings or a phone scale: Playwright's own factor rounds otherwise."""
    scaled = [*OPTIONS, f"--force-device-scale-factor={ratio}", "--window-size=701,503"]
    with browser.browser_type.launch(executable_path=CHROMIUM, args=scaled) as own:
        page = start(own.new_context(no_viewport=True, base_url=served.address).new_page())
        assert page.evaluate("devicePixelRatio") == pytest.approx(ratio)
        page.mouse.dblclick(*middle(page.locator(".window").first))
        page.mouse.move(0, 0)
        shown = pixels(page.screenshot())
        for image in images(page):
            file = page.request.get(image.get_attribute("src") or "")
            assert holds(shown, pixels(file.body()), image, ratio)


def pixels(file: bytes) -> np.ndarray:
    return np.asarray(PillowImage.open(io.BytesIO(file)).convert("RGB"))


def holds(shown: np.ndarray, picture: np.ndarray, place: Locator, ratio: float) -> bool:
    """Whether all that is seen of `picture`, at `place`, is there pixel by pixel."""
    box = place.bounding_box()
    window = place.locator("..").bounding_box()
    assert box and window
    left, top = round(box["x"] * ratio), round(box["y"] * ratio)
    # A pixel at the rim belongs to the window only in part.
    x = np.arange(max(left, window["x"] * ratio + 1), window["x"] * ratio + 60).astype(int)
    y = np.arange(max(top, window["y"] * ratio + 1), window["y"] * ratio + 60).astype(int)
    return bool((shown[np.ix_(y, x)] == picture[np.ix_(y - top, x - left)]).all())


def test_holding_shows_each_image_in_the_others_place(looking: Page) -> None:
    page = looking
    first, second = (image.bounding_box() for image in images(page))
    page.locator("#compare").hover()
    for hold, let_go in (
        (lambda: page.keyboard.down(" "), lambda: page.keyboard.up(" ")),
        (page.mouse.down, page.mouse.up),
    ):
        hold()
        assert [image.bounding_box() for image in images(page)] == [second, first]
        expect(page.get_by_text("in the place of A")).to_be_visible()
        let_go()
        assert [image.bounding_box() for image in images(page)] == [first, second]
        expect(page.get_by_text("in the place of A")).not_to_be_visible()


@pytest.mark.parametrize("ratio", [1.25, 2.625])
def test_real_pixels_are_exact_on_screens_of_any_ratio(
    browser: Browser, served: Study, ratio: float
) -> None:
    """As a desktop's settings or a phone scale: Playwright's own factor rounds otherwise."""
    scaled = [*OPTIONS, f"--force-device-scale-factor={ratio}", "--window-size=701,503"]
    with browser.browser_type.launch(executable_path=CHROMIUM, args=scaled) as own:
        page = start(own.new_context(no_viewport=True, base_url=served.address).new_page())
        assert page.evaluate("devicePixelRatio") == pytest.approx(ratio)
        page.mouse.dblclick(*middle(page.locator(".window").first))
        page.mouse.move(0, 0)
        shown = pixels(page.screenshot())
        for image in images(page):
            file = page.request.get(image.get_attribute("src") or "")
            assert holds(shown, pixels(file.body()), image, ratio)


def pixels(file: bytes) -> np.ndarray:
    return np.asarray(PillowImage.open(io.BytesIO(file)).convert("RGB"))


def holds(shown: np.ndarray, picture: np.ndarray, place: Locator, ratio: float) -> bool:
    """Whether all that is seen of `picture`, at `place`, is there pixel by pixel."""
    box = place.bounding_box()
    window = place.locator("..").bounding_box()
    assert box and window
    left, top = round(box["x"] * ratio), round(box["y"] * ratio)
    # A pixel at the rim belongs to the window only in part.
    x = np.arange(max(left, window["x"] * ratio + 1), window["x"] * ratio + 60).astype(int)
    y = np.arange(max(top, window["y"] * ratio + 1), window["y"] * ratio + 60).astype(int)
    return bool((shown[np.ix_(y, x)] == picture[np.ix_(y - top, x - left)]).all())


@pytest.mark.parametrize("way", ["key", "button"])
def test_holding_shows_each_image_in_the_others_place(looking: Page, way: str) -> None:
    page = looking
    first, second = (image.bounding_box() for image in images(page))
    page.locator("#compare").hover()
    (page.keyboard.down(" ") if way == "key" else page.mouse.down())
    assert [image.bounding_box() for image in images(page)] == [second, first]
    expect(page.get_by_text("in the place of A")).to_be_visible()
    (page.keyboard.up(" ") if way == "key" else page.mouse.up())
    assert [image.bounding_box() for image in images(page)] == [first, second]
    expect(page.get_by_text("in the place of A")).not_to_be_visible()


def test_nobody_can_answer_before_both_images_are_there(visit: Visit, served: Study) -> None:
    page = visit()
    waiting: list[Route] = []
    kept_back = True
    page.route(
        "**/stimuli/*", lambda route: waiting.append(route) if kept_back else route.continue_()
    )
    agree(page)
    expect(page.locator(".wait")).to_be_visible()
    while len(waiting) < 2:
        page.wait_for_timeout(20)
    waiting[0].continue_()
    page.wait_for_timeout(600)
    expect(button(page, "left")).to_have_attribute("aria-disabled", "true")
    press(page, "ArrowLeft")
    kept_back = False
    waiting[1].continue_()
    button(ready(page, 1), "right").click()
    ready(page, 2)
    (found,) = answers(served)
    assert found.choice == "right"
    assert found.response_ms < 2000, "counted from when the images were there"


def test_images_that_fail_are_asked_for_again(visit: Visit) -> None:
    page = visit()
    page.route("**/stimuli/*", lambda route: route.abort(), times=2)
    agree(page)
    expect(page.locator("#notice")).to_contain_text("Trying again")
    ready(page, 1)
    expect(page.locator("#notice")).to_be_empty()


def test_only_the_next_pair_is_loaded_ahead(visit: Visit) -> None:
    page = visit()
    asked: list[str] = []
    page.on("request", lambda one: "/stimuli/" in one.url and asked.append(one.url))
    start(page)
    for position in range(1, QUESTIONS):
        page.wait_for_load_state("networkidle")
        assert len(asked) == len(set(asked)) <= 2 * (position + 1)
        button(page, "left").click()
        ready(page, position + 1)


def test_each_script_is_loaded_once_and_without_waiting_for_another(visit: Visit) -> None:
    page = visit()
    asked: list[str] = []
    page.on("request", lambda one: one.resource_type == "script" and asked.append(one.url))
    start(page)
    named = page.locator("script[src], link[rel=modulepreload]")
    found = named.evaluate_all("all => all.map(one => one.src || one.href)")
    assert sorted(asked) == sorted(found)


def test_nothing_differs_between_the_two_sides(looking: Page) -> None:
    sides = [pane.evaluate("pane => pane.outerHTML") for pane in looking.locator(".pane").all()]
    alike = [re.sub(r"/stimuli/[0-9a-f]+|\b[AB]\b", "", side) for side in sides]
    assert alike[0] == alike[1]


# Screens, and people who do not see or point


SCREENS = {
    (360, 740): "stacked",
    (740, 360): "side",
    (768, 1024): "stacked",
    (1024, 768): "side",
    (1920, 1080): "side",
    (3840, 2160): "side",
}


def test_the_question_fits_every_screen(looking: Page) -> None:
    page = looking
    for (across, down), layout in SCREENS.items():
        page.set_viewport_size({"width": across, "height": down})
        expect(page.locator(".stage")).to_have_attribute("data-layout", layout)
        page.wait_for_timeout(100)
        assert overflow(page) == [0, 0]
        inside(page, across, down)
        # As large as the narrower way allows, less the letters and the bars.
        most = min(across / 2, down) if layout == "side" else min(across, down / 2)
        assert width(page) > 0.7 * most
        page.locator("#menu").click()
        assert overflow(page) == [0, 0]
        press(page, "Escape")


def test_pages_to_read_fit_every_screen(visit: Visit) -> None:
    page = visit()
    page.goto("/")
    for across, down in SCREENS:
        page.set_viewport_size({"width": across, "height": down})
        assert overflow(page)[0] <= 0


def overflow(page: Page) -> Any:
    return page.evaluate(
        "() => { const all = document.scrollingElement; "
        "return [all.scrollWidth - innerWidth, all.scrollHeight - innerHeight]; }"
    )


def inside(page: Page, across: int, down: int) -> None:
    """Both images, all buttons and the question lie on the screen, and no two overlap."""
    places = page.locator(".window, .choice, .tool:visible, .judge h1, .count").all()
    boxes = [box for box in (place.bounding_box() for place in places) if box]
    for box in boxes:
        assert box["x"] >= 0 and box["x"] + box["width"] <= across
        assert box["y"] >= 0 and box["y"] + box["height"] <= down
    for number, one in enumerate(boxes):
        for other in boxes[number + 1 :]:
            assert (
                one["x"] + one["width"] <= other["x"] + 0.5
                or other["x"] + other["width"] <= one["x"] + 0.5
                or one["y"] + one["height"] <= other["y"] + 0.5
                or other["y"] + other["height"] <= one["y"] + 0.5
            ), (one, other)


def test_assistive_technology_finds_its_way(looking: Page) -> None:
    page = looking
    assert page.locator("html").get_attribute("lang") == "en"
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    expect(page.get_by_role("main")).to_have_count(1)
    for name in ("Choose image A", "Choose image B", "No difference", "Compare", "Zoom in"):
        expect(page.get_by_role("button", name=name)).to_be_visible()
    expect(page.get_by_role("progressbar", name=f"1 of {QUESTIONS}")).to_be_visible()
    for element in page.locator("button, a, input, img").all():
        assert element.evaluate("e => e.alt || e.ariaLabel || e.textContent.trim()")
    expect(page.locator("#announce")).to_contain_text(f"Question 1 of {QUESTIONS}")
    assert focused(page, 4) == ["left", "tie", "right", "compare"]
    button(page, "left").focus()
    press(page, "Enter")
    ready(page, 2)
    expect(page.locator("#question")).to_be_focused()
    expect(page.locator("#announce")).to_contain_text(f"Question 2 of {QUESTIONS}")


def focused(page: Page, times: int) -> list[str]:
    """Where the Tab key leads."""
    found = []
    for _ in range(times):
        press(page, "Tab")
        found.append(
            page.evaluate(
                "() => { const e = document.activeElement; return e.dataset.choice || e.id; }"
            )
        )
    return found


def test_the_help_is_a_dialog(looking: Page, served: Study) -> None:
    page = looking
    page.locator("#menu").click()
    expect(page.get_by_role("dialog", name="Help and options")).to_be_visible()
    press(page, "ArrowLeft", "t")
    press(page, "Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert choices(served) == []


def test_without_agreeing_nobody_starts(visit: Visit) -> None:
    page = visit()
    page.goto("/")
    page.locator("button.primary").click()
    expect(page.locator("[name=consent]:invalid")).to_be_visible()
    expect(page.locator("h1")).to_be_visible()


def test_without_scripts_the_page_says_so(visit: Visit) -> None:
    page = visit(java_script_enabled=False)
    page.goto("/")
    # Chromium hides the words from tests that switch scripts off.
    assert "needs JavaScript" in page.content()


# The owner


def test_the_dashboard_at_a_glance_on_a_phone(visit: Visit, served: Study) -> None:
    page = visit(**PHONE)
    page.goto("/owner")
    page.get_by_label("Key").fill("guessed")
    page.get_by_role("button", name="Open").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_label("Key").fill(served.token)
    page.get_by_role("button", name="Open").click()
    expect(page.locator(".state")).to_have_text("Open")
    assert overflow(page)[0] <= 0
    box = page.get_by_text("Valid votes").bounding_box()
    assert box and box["y"] < 200
    # Closing is asked about first.
    expect(page.get_by_role("button", name="Close the study now")).not_to_be_visible()
    page.locator("#closing summary").click()
    page.get_by_role("button", name="Close the study now").click()
    expect(page.locator(".state")).to_have_text("Closed")
    page.get_by_role("button", name="Open again").click()
    expect(page.locator(".state")).to_have_text("Open")


def test_the_dashboard_refreshes_without_disturbing(visit: Visit, served: Study) -> None:
    page = visit()
    page.clock.install()
    page.goto("/owner")
    page.get_by_label("Key").fill(served.token)
    page.get_by_role("button", name="Open").click()
    started = page.get_by_role("row", name="Started")
    before = started.text_content()
    start(visit())
    page.clock.run_for(31_000)
    expect(started).not_to_have_text(before or "")
    page.locator("#closing summary").click()
    before = started.text_content()
    start(visit())
    page.clock.run_for(31_000)
    assert page.locator("#closing").get_attribute("open") is not None
    assert started.text_content() == before


def test_languages_have_the_same_texts() -> None:
    """Names of texts, and what is filled into them."""
    found = {name: dict(flat(texts.load(name))) for name in texts.languages()}
    assert {"en", "ru", "de"} <= set(found)
    for name, words in found.items():
        assert words.keys() == found["en"].keys(), name
        for key, value in words.items():
            slots = sorted(re.findall(r"\{\w+\}", value))
            assert slots == sorted(re.findall(r"\{\w+\}", found["en"][key])), (name, key)


def flat(words: dict[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    for key, value in words.items():
        if isinstance(value, dict):
            yield from flat(value, f"{before}{key}.")
        else:
            yield before + key, value
