"""Two people in one browser, which has one cookie: a vote is of who saw the question."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from survey.storage import database, store
from tests.survey.conftest import PAGE_ID, Served, Visitor, make_study

WITHDRAW = re.compile(r'href="(/withdraw[^"]*)"')
Serve = Callable[..., Served]


class TwoPeople:
    """A second person has started in the browser in which the first one has a page open."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self.first = Visitor(served.address)
        self.first.start("?PROLIFIC_PID=first")
        self.first.vote(1)
        self.first.question()
        found = WITHDRAW.search(self.first.get("/question").text)
        assert found
        self.first_link = found[1]
        self.second = Visitor(served.address)
        self.second.browser = self.first.browser
        self.second.start("?PROLIFIC_PID=second")

    def votes(self) -> list[tuple[int, int]]:
        with database.reading(self.served.study.engine) as connection:
            return [(vote.participant, vote.position) for vote in store.answers(connection)]


@pytest.fixture
def two(served: Served) -> TwoPeople:
    return TwoPeople(served)


def test_a_click_in_the_first_tab_is_nobodys_answer(two: TwoPeople) -> None:
    reply = two.first.vote(2)
    assert reply.status_code == 409
    assert reply.json() == {"error": "another", "reload": False}
    assert two.votes() == [(1, 1)]
    # Nor is an old request, played back, an answer to the question that is next.
    assert two.first.vote(1).status_code == 409 and two.votes() == [(1, 1)]
    assert two.second.vote(1).status_code == 200
    assert two.votes() == [(1, 1), (2, 1)]


def test_an_answer_names_its_question(visitor: Visitor, served: Served) -> None:
    visitor.start()
    first = visitor.id_of(1)
    assert visitor.vote(1).status_code == 200
    assert visitor.vote(2, id=first).status_code == 409
    assert visitor.vote(2, id="").status_code == 409
    assert visitor.question()["position"] == 2
    # A repeated answer is acknowledged, and changes nothing.
    assert visitor.vote(1, "right").json()["question"]["position"] == 2
    with database.reading(served.study.engine) as connection:
        assert [vote.choice for vote in store.answers(connection)] == ["left"]


def test_ids_tell_nothing_and_differ(tmp_path: Path, serve: Serve) -> None:
    """Neither between questions nor between people, nor between studies of the same questions."""
    ids = []
    for number in (1, 2):
        address = serve(make_study(tmp_path / f"study{number}")).address
        for _ in range(2):
            visitor = Visitor(address)
            visitor.start()
            visitor.vote(1)
            ids += [visitor.id_of(1), visitor.id_of(2)]
    assert len(set(ids)) == 8 and {len(one) for one in ids} == {32}


def test_the_first_persons_withdrawal_deletes_nothing_of_the_second(served: Served) -> None:
    first = Visitor(served.address)
    first.start("?PROLIFIC_PID=first")
    first.vote(1)
    form = PAGE_ID.search(first.get("/withdraw").text)
    assert form
    second = Visitor(served.address)
    second.browser = first.browser
    second.start("?PROLIFIC_PID=second")
    second.vote(1)
    refused = first.post("/withdraw", {"id": form[1]})
    assert refused.status_code == 409 and "Another person takes part" in refused.text
    with database.reading(served.study.engine) as connection:
        assert len(store.answers(connection)) == 2
    assert second.withdraw().status_code == 200
    with database.reading(served.study.engine) as connection:
        assert len(store.answers(connection)) == 1


def test_the_first_persons_link_leads_to_no_withdrawal_of_the_second(two: TwoPeople) -> None:
    link = two.first_link
    assert "id=" in link
    two.second.vote(1)
    answer = two.first.get(link)
    assert answer.status_code == 409 and "Another person takes part" in answer.text
    assert not PAGE_ID.search(answer.text) and "/withdraw" not in answer.text


def test_the_first_persons_last_page_does_not_show_the_seconds_code(served: Served) -> None:
    first = Visitor(served.address)
    first.start("?PROLIFIC_PID=first")
    for position in range(1, 7):
        first.vote(position)
    done = first.vote(7).json()["done"]
    assert first.get(done).status_code == 200
    second = Visitor(served.address)
    second.browser = first.browser
    second.start("?PROLIFIC_PID=second")
    assert first.get(done).headers["X-Stopped"] == "another"
