"""Images from another host in a real browser, under the policy that allows that host alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from survey.study import stimuli
from survey.web.app import create_app
from tests.browser.study import WIDE, button, choices, ready, start
from tests.survey.conftest import Served, make_study
from tests.survey.images import Images, sent, show_from


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_study(tmp_path, images=4, pairs=3, checks=1)


@pytest.fixture
def images(folder: Path) -> Iterator[Images]:
    with sent(folder / stimuli.FOLDER) as running:
        # Another name, since cookies do not tell ports apart.
        show_from(running.url.replace("127.0.0.1", "localhost"), folder)
        yield running


@pytest.fixture
def served(folder: Path, images: Images) -> Iterator[Served]:
    running = Served(create_app(folder))
    yield running
    running.stop()


@pytest.fixture
def page(browser: Browser, served: Served) -> Iterator[Page]:
    context = browser.new_context(viewport=WIDE, base_url=served.address)
    context.set_default_timeout(10_000)
    yield context.new_page()
    context.close()


def natural_widths(page: Page) -> list[int]:
    found: list[int] = page.evaluate(
        "() => [...document.querySelectorAll('.window img')].map((image) => image.naturalWidth)"
    )
    return found


def test_a_whole_study_with_images_from_another_host(
    page: Page, served: Served, images: Images
) -> None:
    wrong: list[str] = []
    page.on("console", lambda said: wrong.append(said.text) if said.type != "log" else None)
    page.on("weberror", lambda failed: wrong.append(str(failed.error)))
    start(page)
    assert natural_widths(page) == [48, 48]
    # Both of this question and, while it is judged, both of the next one.
    page.wait_for_function("() => performance.getEntriesByType('resource').filter("
                           "(one) => one.name.endsWith('.webp')).length === 4")  # fmt: skip
    before = len(images.asked)
    button(page, "left").click()
    ready(page, 2)
    assert natural_widths(page) == [48, 48] and before == 4
    for position in (2, 3):
        button(page, "left").click()
        ready(page, position + 1)
    button(page, "left").click()
    page.wait_for_url("**/done?id=*")
    assert choices(served) == ["left"] * 4
    assert wrong == []
    # Nothing tells that host on which page somebody looks, or who it is.
    assert not any({"Cookie", "Referer", "Origin"} & sent_headers.keys()
                   for sent_headers in images.asked)  # fmt: skip


def test_a_third_host_is_refused(page: Page, served: Served, tmp_path: Path) -> None:
    with sent(tmp_path / "study" / stimuli.FOLDER) as third:
        start(page)
        name = next((tmp_path / "study" / stimuli.FOLDER).iterdir()).name
        loaded = page.evaluate(
            "(url) => new Promise((told) => { const image = new Image(); "
            "image.onload = () => told(true); image.onerror = () => told(false); "
            "image.src = url; })",
            f"{third.url}/{name}",
        )
        assert not loaded and third.asked == []
