"""report.html in a real browser: slider, zoom, sorting, and no page wider than its screen."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage
from playwright.sync_api import Locator, Page
from typer.testing import CliRunner

from analysis import style
from analysis.__main__ import app
from analysis.report.publish import publish
from tests.analysis.conftest import INFO, SCORES, leave_empty, write_pictures, write_run
from tests.shared import made_once

LONG = "A method with a rather long name, and an_unbreakable_word_of_forty_letters"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run folders with pages: `run`, `long` with long names, `people` with votes; files of
    figures are empty."""
    return made_once(tmp_path_factory, "pages", make_pages)


def make_pages(folder: Path) -> None:
    write_run(folder / "run")
    write_pictures(folder / "run", ["[a]", "b|ar"], ["x", "y"], 128)
    (folder / "run/outputs/128/[a]/y.png").unlink()
    entry = {"label": LONG, "method": LONG, "options": {}, "note": LONG}
    info = {**INFO, "methods": [*INFO["methods"], entry]}
    write_run(folder / "long", info, SCORES + f'"{LONG}",128,x,ok,1,2,0,0,0.000,1,\n')
    write_pictures(folder / "long", ["[a]", "b|ar", LONG], ["x", "y"], 128)
    run = shutil.copytree(folder / "run", folder / "people")
    rows = ["participant,image,left,right,choice"]
    rows += [f"simulated-{i % 9},x,[a],b|ar,{'left' if i % 3 else 'right'}" for i in range(45)]
    (run / "votes.csv").write_text("\n".join(rows) + "\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(style, "save", leave_empty)
        publish(folder / "run")
        publish(folder / "long")
        words = ["report", str(run), "--votes", str(run / "votes.csv")]
        assert CliRunner().invoke(app, words).exit_code == 0


@pytest.fixture
def report(pages: Path) -> str:
    return (pages / "run/report.html").as_uri()


def pixels(place: Locator) -> np.ndarray:
    return np.asarray(PillowImage.open(io.BytesIO(place.screenshot())).convert("RGB"))


def colour(shot: np.ndarray, x: float, y: float) -> np.ndarray:
    """Mean colour around a point given in shares of width and height."""
    row, column = int(y * shot.shape[0]), int(x * shot.shape[1])
    return shot[row - 3 : row + 4, column - 3 : column + 4].mean(axis=(0, 1))


def choose(page: Page, left: str, right: str) -> None:
    page.select_option("#left", left)
    page.select_option("#right", right)


def test_the_divider_shows_one_method_on_each_side(page: Page, report: str) -> None:
    page.goto(report)
    choose(page, "[a]", "b|ar")
    stage = page.locator(".stage")
    shot = pixels(stage)
    # The greys of the test's pictures.
    assert colour(shot, 0.42, 0.5) == pytest.approx([85] * 3, abs=5)
    assert colour(shot, 0.58, 0.5) == pytest.approx([170] * 3, abs=5)
    # Dragged to the left, all of the hole is the right one's.
    box = stage.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.1, box["y"] + 20)
    page.mouse.up()
    assert colour(pixels(stage), 0.42, 0.5) == pytest.approx([170] * 3, abs=5)
    # And by keyboard to the right.
    divider = page.locator("input[type=range]")
    divider.focus()
    page.keyboard.press("End")
    assert colour(pixels(stage), 0.58, 0.5) == pytest.approx([85] * 3, abs=5)
    assert page.locator(".pair tbody tr").count() == 2


def test_masked_input_is_black_and_the_reference_is_not(page: Page, report: str) -> None:
    page.goto(report)
    choose(page, "masked input", "reference")
    shot = pixels(page.locator(".stage"))
    assert colour(shot, 0.42, 0.5) == pytest.approx([0] * 3, abs=1)
    assert shot[:, int(0.6 * shot.shape[1])].std() > 20
    assert page.locator(".pair").is_hidden()


def test_zoom_shows_every_pixel_of_the_crop(page: Page, report: str) -> None:
    page.goto(report)
    for button, size in (("Crop at 100 %", 128), ("200 %", 256), ("400 %", 512)):
        page.get_by_role("button", name=button, exact=True).click()
        box = page.locator(".stage").bounding_box()
        assert box and (box["width"], box["height"]) == (size, size)
    assert "128 × 128 pixels from (0, 0)" in page.locator(".caption").inner_text()
    choose(page, "masked input", "reference")
    assert colour(pixels(page.locator(".stage")), 0.42, 0.5) == pytest.approx([0] * 3, abs=1)


def test_a_method_without_a_result_says_so(page: Page, report: str) -> None:
    page.goto(report)
    page.locator(".thumbs button").nth(1).click()
    choose(page, "reference", "[a]")
    assert "no result" in page.locator(".stage").inner_text()
    assert "y: 128 × 128 pixels" in page.locator(".caption").inner_text()


def column(page: Page, number: int) -> list[str]:
    return page.locator(f"#cases tbody tr > :nth-child({number})").all_inner_texts()


def test_a_time_is_never_shown_as_zero(page: Page, pages: Path) -> None:
    page.goto((pages / "long/report.html").as_uri())
    page.select_option("#method", LONG)
    (row,) = page.locator("#cases tbody tr").all_inner_texts()
    assert "<0.01" in row.split("\t")


def test_the_table_sorts_filters_and_leads_to_the_gallery(page: Page, report: str) -> None:
    page.goto(report)
    page.select_option("#resolution", "")
    assert page.locator("#counted").inner_text() == "12 of 12 cases"
    heading = page.locator("#cases thead button", has_text="PSNR")
    heading.click()
    ascending = ["10.00", "12.00", "20.00", "24.00", "25.00", "30.00", "inf"]
    missing = ["–"] * 5
    assert column(page, 5) == ascending + missing
    heading.click()
    assert column(page, 5) == ascending[::-1] + missing
    heading = page.locator("#cases thead th", has_text="PSNR")
    assert heading.get_attribute("aria-sort") == "descending"
    page.select_option("#method", "[a]")
    page.fill("#name", "Y")
    assert page.locator("#counted").inner_text() == "2 of 12 cases"
    assert "failed: boom, twice" in page.locator("#cases").inner_text()
    page.locator("#cases tbody button").first.click()
    assert page.locator("#right").input_value() == "[a]"
    assert page.locator(".thumbs button").nth(1).get_attribute("aria-pressed") == "true"


@pytest.mark.parametrize("width", [360, 768, 1920])
def test_no_screen_scrolls_sideways(page: Page, pages: Path, width: int) -> None:
    """Long names, a crop larger than a phone."""
    page.set_viewport_size({"width": width, "height": 800})
    page.goto((pages / "long/report.html").as_uri())
    page.get_by_role("button", name="400 %").click()
    widths = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert widths[0] <= widths[1]


def test_peoples_preferences_fit_a_phone_and_simulated_ones_are_told_first(
    page: Page, pages: Path
) -> None:
    page.set_viewport_size({"width": 360, "height": 800})
    page.goto((pages / "people/report.html").as_uri())
    widths = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert widths[0] <= widths[1]
    banner = page.locator("#people .banner")
    assert "9 of 9 participants were simulated" in banner.inner_text()
    box, table = banner.bounding_box(), page.locator("#people table").first.bounding_box()
    assert box and table and box["y"] < table["y"] and box["x"] + box["width"] <= 360


def test_without_a_script_the_numbers_are_still_there(browser, report: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(report)
    text = page.inner_text("body")
    assert "25.00" in text and "The gallery needs JavaScript" in text
    assert page.locator("#viewer").is_hidden()
    context.close()
