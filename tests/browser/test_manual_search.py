"""The manual's search in a real browser, from files, without a network."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.shared import made_once
from tests.test_manual import build


def test_a_word_is_found(tmp_path_factory: pytest.TempPathFactory, page: Page) -> None:
    site: Path = made_once(tmp_path_factory, "manual", build) / "html"
    page.goto((site / "index.html").as_uri())
    page.wait_for_url("**/docs/index.html")
    page.locator("input[name=q]").first.fill("Krippendorff")
    page.keyboard.press("Enter")
    hit = page.locator("#search-results").get_by_role("link", name="Ranking methods by votes")
    hit.click()
    expect(page.locator("h1")).to_contain_text("Ranking methods by votes")
