"""People return by their platform's link when nobody can start."""

from __future__ import annotations

import re

import pytest

from survey.storage import database, store
from tests.survey.conftest import Served, Visitor, attentive

LINK = "?PROLIFIC_PID=p1&STUDY_ID=s&SESSION_ID={}"
CODE = re.compile(r'id="code">([^<]+)<')


def set_state(served: Served, state: str) -> None:
    with database.writing(served.study.engine) as connection:
        store.set_state(connection, state)


@pytest.mark.parametrize("same_browser", [True, False])
def test_who_returns_while_it_is_paused_goes_on(
    visitor: Visitor, served: Served, same_browser: bool
) -> None:
    visitor.start(LINK.format(1))
    visitor.vote(1)
    set_state(served, "paused")
    back = visitor if same_browser else Visitor(served.address)
    page = back.get("/" + LINK.format(2))
    assert page.status_code == 200 and page.url.endswith("/question#begin")
    back.csrf = re.search(r'name="csrf-token" content="([^"]+)"', page.text)[1]
    assert back.question()["position"] == 2
    assert back.vote(2).status_code == 200
    # Who was never here is refused, in this browser too.
    other = back.get("/?PROLIFIC_PID=p2")
    assert other.status_code == 403 and other.headers["X-Stopped"] == "paused"


@pytest.mark.parametrize("state", ["paused", "closed", "open"])
def test_who_finished_finds_the_code_again(visitor: Visitor, served: Served, state: str) -> None:
    visitor.start(LINK.format(1))
    visitor.finish(attentive(served.study))
    code = CODE.search(visitor.get("/done").text)[1]
    set_state(served, state)
    back = Visitor(served.address)
    page = back.get("/" + LINK.format(1))
    if state == "open":
        page = back.start(LINK.format(1))
    assert page.status_code == 200 and CODE.search(page.text)[1] == code


def test_who_had_not_finished_reads_that_it_is_closed(visitor: Visitor, served: Served) -> None:
    visitor.start(LINK.format(1))
    visitor.vote(1)
    set_state(served, "closed")
    page = Visitor(served.address).get("/" + LINK.format(1))
    assert page.status_code == 403 and page.headers["X-Stopped"] == "closed"
    # They can have their answers deleted.
    assert 'href="/withdraw?id=' in page.text


def test_who_withdrew_is_refused_as_everybody_is(visitor: Visitor, served: Served) -> None:
    visitor.start(LINK.format(1))
    visitor.withdraw()
    set_state(served, "paused")
    page = Visitor(served.address).get("/" + LINK.format(1))
    assert page.status_code == 403 and page.headers["X-Stopped"] == "paused"
