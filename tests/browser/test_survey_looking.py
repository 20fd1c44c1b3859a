"""The survey's question page in a real browser: zoom, comparing, images, screens, help."""

# ruff: noqa: F811  (fixtures are imported, and named again by those who use them)

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from PIL import Image as PillowImage
from playwright.sync_api import Browser, Locator, Page, Route, expect

from tests.browser.conftest import CHROMIUM, OPTIONS
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
    looking,
    middle,
    overflow,
    press,
    ready,
    served,
    start,
    visit,
    width,
)


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


def test_long_words_do_not_touch_above_the_images_of_a_small_phone(visit: Visit) -> None:
    """As in German."""
    page = start(visit(**{**PHONE, "viewport": {"width": 320, "height": 640}}))
    count, compare = page.locator("#count"), page.locator("#compare")
    for place, words in ((count, "27 von 27"), (compare.locator("span"), "Vergleichen")):
        place.evaluate("(element, words) => { element.textContent = words }", words)
    left, right = count.bounding_box(), compare.bounding_box()
    assert left and right and right["x"] - left["x"] - left["width"] >= 6
    menu = page.locator("#menu").bounding_box()
    assert menu and menu["x"] + menu["width"] <= 320
