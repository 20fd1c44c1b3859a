"""Two people who share a browser, as in a laboratory: each answers what they see."""

# ruff: noqa: F811  (fixtures are imported, and named again by those who use them)

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.study import (  # noqa: F401
    Study,
    Visit,
    answers,
    button,
    ready,
    served,
    visit,
)


def two_tabs(visit: Visit, names: str) -> tuple[Page, Page]:
    """The first person's page at question 2, the second one's at question 1."""
    first = visit()
    first.goto(f"/?PROLIFIC_PID={names}-first")
    begin(first)
    button(ready(first, 1), "left").click()
    ready(first, 2)
    second = first.context.new_page()
    second.goto(f"/?PROLIFIC_PID={names}-second")
    begin(second)
    return first, ready(second, 1)


def begin(page: Page) -> None:
    page.locator("[name=consent]").check()
    page.locator("button.primary").click()


def chosen(served: Study, person: int) -> list[tuple[int, str]]:
    return [(row.position, row.choice) for row in answers(served, person)]


def test_a_click_in_the_other_tab_waits_for_its_own_person(visit: Visit, served: Study) -> None:
    first, second = two_tabs(visit, "click")
    button(first, "right").click()
    expect(first.locator("#another h2")).to_be_visible()
    expect(first.locator(".judge")).to_be_hidden()
    assert chosen(served, -2) == [(1, "left")] and chosen(served, -1) == []
    button(second, "left").click()
    ready(second, 2)
    # What the first person chose is theirs as soon as they go on.
    first.locator("#mine").click()
    ready(first, 3)
    assert chosen(served, -2) == [(1, "left"), (2, "right")]
    assert chosen(served, -1) == [(1, "left")]
    # Now the second person's tab is the one of another participation.
    button(second, "left").click()
    expect(second.locator("#another h2")).to_be_visible()


def test_a_reload_does_not_show_the_other_persons_question(visit: Visit, served: Study) -> None:
    first, second = two_tabs(visit, "reload")
    first.reload()
    expect(first.locator("#another h2")).to_be_visible()
    first.locator("#theirs").click()
    ready(first, 1)
    button(first, "left").click()
    ready(first, 2)
    button(second, "right").click()
    # Both tabs are of one person by now: the first answer counts.
    ready(second, 2)


def test_one_after_the_other_in_one_tab(visit: Visit, served: Study) -> None:
    page = visit()
    page.goto("/?PROLIFIC_PID=tab-first")
    begin(page)
    button(ready(page, 1), "left").click()
    ready(page, 2)
    page.goto("/?PROLIFIC_PID=tab-second")
    begin(page)
    expect(page).to_have_url(re.compile("/question$"))
    ready(page, 1)
