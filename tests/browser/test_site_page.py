"""The site of several runs in a real browser: sorting by keyboard, methods chosen, no requests."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page

from analysis.site.build import build
from tests.analysis.conftest import INFO, SCORES, journaled, write_pictures, write_run
from tests.shared import made_once

LONG = "A method with a rather long name, and an_unbreakable_word_of_forty_letters"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_once(tmp_path_factory, "site", make_pages)


def make_pages(folder: Path) -> None:
    entry = {"label": LONG, "method": LONG, "options": {}, "note": LONG}
    info = {**INFO, "methods": [*INFO["methods"], entry]}
    run = write_run(folder / "run", info, SCORES + f'"{LONG}",128,x,ok,1,2,0,0,1,1,\n')
    write_pictures(run, ["[a]", "b|ar", LONG], ["x", "y"], 128)
    build([journaled(run)], folder / "out", None, False, "Results", [], lambda *_: None)


def column(page: Page, number: int) -> list[str]:
    return page.locator(f".sortable tbody tr > :nth-child({number})").all_inner_texts()


def test_headings_sort_by_keyboard_best_first(page: Page, pages: Path) -> None:
    page.goto((pages / "out/index.html").as_uri())
    psnr = page.locator(".sortable thead tr:nth-child(2) th").nth(1)
    assert psnr.get_attribute("aria-sort") is None
    psnr.get_by_role("button").focus()
    page.keyboard.press("Enter")
    assert psnr.get_attribute("aria-sort") == "descending"
    # Of image y: x has an infinite value. The others have none at 64 px.
    assert column(page, 3) == ["30.00", "25.00", "–", "–"]
    page.keyboard.press("Space")
    assert psnr.get_attribute("aria-sort") == "ascending"
    assert column(page, 3) == ["25.00", "30.00", "–", "–"]
    page.get_by_role("button", name="Method").click()
    assert psnr.get_attribute("aria-sort") is None
    assert column(page, 1)[0] == "[a]"


def test_a_number_leads_to_what_it_is(page: Page, pages: Path) -> None:
    page.goto((pages / "out/index.html").as_uri())
    page.get_by_role("link", name="25.00", exact=True).click()
    assert "b|ar" in page.locator("article:has(:target) h3").inner_text()
    row = page.locator("tr:target")
    assert "PSNR" in row.inner_text() and "1 of 1" in row.inner_text()
    row.get_by_role("link").click()
    assert page.locator(":target").inner_text() == "PSNR"


def test_methods_are_chosen_and_outlined(page: Page, pages: Path) -> None:
    page.goto((pages / "out/pictures-run.html").as_uri() + "#m1")
    assert page.locator("figure.chosen").count() == 2
    assert page.locator("figure.chosen b").first.inner_text() == "b|ar"
    page.get_by_label("b|ar").uncheck()
    assert page.locator("figure[data-method='1']:visible").count() == 0
    page.get_by_role("button", name="None").click()
    assert page.locator("figure:visible").count() == 4
    page.get_by_role("button", name="All").click()
    assert page.locator("figure:visible").count() == 12


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("name", ["index", "run-run", "pictures-run"])
def test_no_page_scrolls_sideways_or_asks_others(
    page: Page, pages: Path, name: str, width: int
) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.set_viewport_size({"width": width, "height": 800})
    page.goto((pages / f"out/{name}.html").as_uri())
    widths = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert widths[0] <= widths[1]
    assert all(url.startswith(("file:", "data:")) for url in asked)


def test_dark_where_the_reader_likes_it(page: Page, pages: Path) -> None:
    page.emulate_media(color_scheme="dark")
    page.goto((pages / "out/index.html").as_uri())
    colours = "[getComputedStyle(document.body), getComputedStyle(document.querySelector('td a'))]"
    shades = page.evaluate(f"{colours}.map((it, i) => i ? it.color : it.backgroundColor)")
    paper, ink = (int(shade.split("(")[1].split(",")[0]) for shade in shades)
    assert paper < 60 and ink > 180
