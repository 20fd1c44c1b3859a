"""A small study on a port of this machine, browsers that take part, and what they left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from survey.setup import create
from survey.storage import database, store
from survey.study import secrets_file
from survey.web.app import create_app
from survey.web.simulate import CSRF
from tests.survey.conftest import Served, write_images

Visit = Callable[..., Page]

QUESTIONS = 4
IMAGE_PX = 200
WIDE = {"width": 1000, "height": 640}
PHONE = {
    "viewport": {"width": 360, "height": 740},
    "has_touch": True,
    "is_mobile": True,
    "device_scale_factor": 2,
}


class Study(Served):
    """With the owner's token."""

    token: str


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Study]:
    folder = tmp_path_factory.mktemp("study")
    images = write_images(folder / "images", images=4, size=IMAGE_PX)
    wanted = create.Request(
        out=folder / "study", images=images, check="telea", pairs=3, checks=1, ties=True
    )
    create.create(wanted, create.find_images(wanted))
    settings = folder / "study" / "study.toml"
    words = settings.read_text().replace("starts_per_minute = 60", "starts_per_minute = 1000")
    settings.write_text(words)
    token = secrets_file.new_owner_token(folder / "study")
    served = Study(create_app(folder / "study"))
    served.token = token
    yield served
    served.stop()


@pytest.fixture
def visit(browser: Browser, served: Served) -> Iterator[Callable[..., Page]]:
    """A page in a browser of its own. Errors, and requests to anybody else, fail the test."""
    contexts: list[BrowserContext] = []
    wrong: list[str] = []

    def heard(kind: str, words: str) -> None:
        # What the network does to the page is each test's own matter.
        if kind in {"error", "warning"} and not words.startswith("Failed to load resource"):
            wrong.append(words)

    def open_page(**options: Any) -> Page:
        context = browser.new_context(**{"viewport": WIDE, "base_url": served.address, **options})
        contexts.append(context)
        context.set_default_timeout(10_000)
        context.on("console", lambda said: heard(said.type, said.text))
        context.on("weberror", lambda failed: wrong.append(str(failed.error)))
        context.on(
            "request",
            lambda asked: asked.url.startswith(served.address) or wrong.append(asked.url),
        )
        return context.new_page()

    yield open_page
    for context in contexts:
        context.close()
    assert wrong == []


def start(page: Page) -> Page:
    """Show the first question to somebody who has agreed; see agree() for the slower way."""
    words = page.request.get("/").text()
    found = CSRF.search(words)
    assert found
    page.request.post("/start", form={"csrf_token": found[1], "consent": "yes"})
    page.goto("/question")
    return ready(page, 1)


def agree(page: Page) -> Page:
    page.goto("/")
    page.locator("[name=consent]").check()
    page.locator("button.primary").click()
    return page


def ready(page: Page, position: int) -> Page:
    """Wait until a question can be answered."""
    expect(page.locator("#count")).to_have_text(f"{position} of {QUESTIONS}")
    expect(button(page, "left")).to_have_attribute("aria-disabled", "false")
    return page


def button(page: Page, choice: str) -> Locator:
    return page.locator(f"[data-choice={choice}]")


def images(page: Page) -> tuple[Locator, Locator]:
    return page.get_by_alt_text("Image A"), page.get_by_alt_text("Image B")


def middle(place: Locator) -> tuple[float, float]:
    box = place.bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def answers(served: Served, person: int = -1) -> list[Any]:
    """What the server has of somebody; by default of who started last."""
    with database.reading(served.study.engine) as connection:
        chosen = store.all_participants(connection)[person]
        return store.answers(connection, chosen.id)


def choices(served: Served) -> list[str]:
    return [row.choice for row in answers(served)]


def press(page: Page, *names: str) -> None:
    for name in names:
        page.keyboard.press(name)


def width(page: Page) -> float:
    box = images(page)[0].bounding_box()
    assert box
    return box["width"]


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


def overflow(page: Page) -> Any:
    return page.evaluate(
        "() => { const all = document.scrollingElement; "
        "return [all.scrollWidth - innerWidth, all.scrollHeight - innerHeight]; }"
    )
