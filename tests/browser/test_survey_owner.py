"""The owner's page in a real browser."""

# ruff: noqa: F811  (fixtures are imported, and named again by those who use them)

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.study import (  # noqa: F401
    PHONE,
    Study,
    Visit,
    button,
    overflow,
    served,
    start,
    visit,
)


def test_the_dashboard_at_a_glance_on_a_phone(visit: Visit, served: Study) -> None:
    page = visit(**PHONE)
    page.goto("/owner")
    page.get_by_label("Owner's token").fill("guessed")
    page.get_by_role("button", name="Open").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_label("Owner's token").fill(served.token)
    page.get_by_role("button", name="Open").click()
    expect(page.locator(".state")).to_have_text("Open")
    assert overflow(page)[0] <= 0
    box = page.get_by_text("Valid votes", exact=True).bounding_box()
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
    page.get_by_label("Owner's token").fill(served.token)
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


def test_numbers_are_not_broken_beside_long_names(visit: Visit, served: Study) -> None:
    page = visit(**PHONE)
    page.goto("/owner")
    page.get_by_label("Owner's token").fill(served.token)
    page.get_by_role("button", name="Open").click()
    name, count = page.locator(".pairs li").first.locator("span").all()
    name.evaluate("element => { element.textContent = 'a_long_method'.repeat(9) + ' – telea' }")
    count.evaluate("element => { element.textContent = '40' }")
    lines = """element => {
      const words = document.createRange();
      words.selectNodeContents(element);
      return words.getClientRects().length;
    }"""
    assert count.evaluate(lines) == 1 and name.evaluate(lines) > 1
    assert overflow(page)[0] <= 0
