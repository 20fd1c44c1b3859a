"""The survey's question page with very tall and very wide images, in a real browser."""

# ruff: noqa: F811  (fixtures are imported, and named again by those who use them)

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image as PillowImage
from playwright.sync_api import Locator, Page, expect

from survey.setup import create
from survey.web.app import create_app
from tests.browser.study import (  # noqa: F401
    PHONE,
    Visit,
    assert_in_step,
    button,
    images,
    press,
    start,
    visit,
)
from tests.survey.conftest import Served

DESK = {"viewport": {"width": 1280, "height": 720}}
SHAPES = [(1080, 3240), (200, 12000), (6000, 200)]


@pytest.fixture(scope="module", params=SHAPES, ids=lambda shape: f"{shape[0]}x{shape[1]}")
def served(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """A study of images of one size, each with lines at every fiftieth pixel."""
    folder = tmp_path_factory.mktemp("shape")
    width, height = request.param
    given = []
    for number, method in enumerate(("telea", "patchmatch", "reference")):
        (folder / method).mkdir()
        pixels = np.full((height, width, 3), 60 * (number + 1), np.uint8)
        pixels[::50] = pixels[:, ::50] = 250
        for image in range(4):
            PillowImage.fromarray(pixels).save(folder / method / f"photo{image}.png")
        given.append(f"{method}={folder / method}")
    wanted = create.Request(
        out=folder / "study", images=given, check="telea", pairs=3, checks=1, ties=True
    )
    create.create(wanted, create.find_images(wanted))
    served = Served(create_app(folder / "study"))
    yield served
    served.stop()


@pytest.mark.parametrize("screen", [DESK, PHONE], ids=["desk", "phone"])
def test_zoomed_images_use_the_room_there_is(visit: Visit, screen: dict[str, Any]) -> None:
    page = start(visit(**screen))
    resting = buttons(page)
    for x, _, width, _ in resting:
        assert x >= 0 and x + width <= screen["viewport"]["width"]
    assert_near_their_letters(page)
    # A double click beside an image that is too narrow to hit shows its real pixels.
    left, top, width, height = place(page.locator(".window").first)
    x, y = max(left - 2, place(page.locator("#stage"))[0] + 1), top + height / 2
    page.mouse.dblclick(x, y)
    expect(page.locator("#zoom")).to_have_text("100%")
    page.mouse.move(x, y)
    for _ in range(6):
        page.mouse.wheel(0, -200)
    assert_in_step(page)
    assert buttons(page) == resting, "they do not flee from the pointer"
    _, _, across, down = place(page.locator("#stage"))
    covered = sum(box[2] * box[3] for box in map(place, page.locator(".window").all()))
    assert covered > 0.8 * across * down
    press(page, "0")
    assert place(page.locator(".window").first) == (left, top, width, height)


def test_the_point_under_the_pointer_stays_while_the_windows_grow(visit: Visit) -> None:
    page = start(visit(**DESK))
    for number, window in enumerate(page.locator(".window").all()):
        press(page, "0")
        left, top, width, height = place(window)
        x, y = left + 0.5 * width, top + 0.5 * height
        page.mouse.move(x, y)
        # Until both images are larger than the room, they are held in its middle.
        for _ in range(12):
            page.mouse.wheel(0, -200)
        before = share(page, number, x, y)
        page.mouse.wheel(0, 200)
        assert share(page, number, x, y) == pytest.approx(before, abs=0.005)


def share(page: Page, number: int, x: float, y: float) -> tuple[float, float]:
    """Which point of an image lies at (x, y), as shares of its sides."""
    left, top, width, height = place(images(page)[number])
    return (x - left) / width, (y - top) / height


def place(of: Locator) -> tuple[float, float, float, float]:
    box = of.bounding_box()
    assert box
    return box["x"], box["y"], box["width"], box["height"]


def buttons(page: Page) -> list[tuple[float, float, float, float]]:
    return [place(button(page, choice)) for choice in ("left", "tie", "right")]


def assert_near_their_letters(page: Page) -> None:
    """The letter stands above the middle of its whole image, or beside it."""
    side = page.locator("#stage").get_attribute("data-layout") == "side"
    axis = 0 if side else 1
    for pane in page.locator(".pane").all():
        window, letter = place(pane.locator(".window")), place(pane.locator("b"))
        middles = [box[axis] + box[axis + 2] / 2 for box in (window, letter)]
        assert middles[0] == pytest.approx(middles[1], abs=6)
