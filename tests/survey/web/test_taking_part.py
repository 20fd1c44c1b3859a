"""A participant's way through a study, over real HTTP: consent, votes, resuming, the end."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
from sqlalchemy import select, update

from survey.storage import database, schema, store
from survey.storage.schema import now_ms
from survey.storage.tallies import FinishedCounts, pair_counts
from tests.survey.conftest import METHODS, OWN_WORDS, Served, Visitor, attentive, make_study, shown

Serve = Callable[..., Served]
STIMULUS = re.compile(r"/stimuli/[0-9a-f]{32}\.webp")


def edit(folder: Path, old: str, new: str) -> None:
    path = folder / "study.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def votes_of(served: Served) -> list:
    with database.reading(served.study.engine) as connection:
        return store.answers(connection)


def test_from_consent_to_the_completion_code(visitor: Visitor, served: Served) -> None:
    assert visitor.start().url.endswith("/question#begin")
    asked = visitor.question()
    positions = []
    while asked:
        # The code is not given away before the last answer is in.
        assert visitor.get("/done").url.endswith("/question")
        positions.append(asked["position"])
        reply = visitor.vote(asked["position"], "right").json()
        asked = reply["question"]
    assert positions == list(range(1, 8)) and reply["done"].startswith("/done?id=")
    page = visitor.get("/done")
    code = served.study.secrets.completion_code(votes_of(served)[0].code)
    assert page.url.endswith("/done") and code in page.text
    assert "/done?id=" in visitor.get("/").url


def test_consent_is_needed(visitor: Visitor) -> None:
    answer = visitor.start(consent="")
    assert answer.status_code == 400 and 'name="consent"' in answer.text
    assert visitor.get("/question").url.rstrip("/") == visitor.address


@pytest.mark.slow
def test_nothing_tells_which_method_made_an_image(visitor: Visitor, served: Served) -> None:
    """A whole session: every page, script, style, image and header that reaches the browser."""
    seen: list[requests.Response] = []
    visitor.browser.hooks["response"].append(lambda answer, **_: seen.append(answer))
    visitor.start()
    asked = visitor.question()
    while asked:
        visitor.get("/question")
        asked = visitor.vote(asked["position"]).json()["question"]
    for path in ("/done", "/withdraw", "/owner", "/nowhere", "/health", "/stimuli/telea.webp"):
        visitor.get(path)
    links = {link for answer in seen if "text" in answer.headers.get("Content-Type", "")
             for link in re.findall(r'(?:src|href)="(/[^"]+)"', answer.text)}  # fmt: skip
    links |= {link for answer in seen for link in STIMULUS.findall(answer.text)}
    for link in links:
        visitor.get(link)
    assert len([a for a in seen if a.headers.get("Content-Type") == "image/webp"]) > 10
    for answer in seen:
        sent = answer.content + str(answer.headers).encode() + answer.url.encode()
        # A plain word, which a style sheet's comment may use.
        words = METHODS if "/static/" in answer.url else OWN_WORDS
        for word in (*words, *(word.replace(":", "_") for word in words)):
            # The address that this test itself asked for.
            if not answer.url.endswith("telea.webp"):
                assert word.encode() not in sent, (word, answer.url)
        assert "photo" not in str(answer.headers) and b"photo0" not in answer.content


def test_images_differ_in_nothing_but_pixels(visitor: Visitor) -> None:
    visitor.start()
    asked = visitor.question()
    heads = [visitor.get(asked[side]).headers for side in ("left", "right")]
    for name in ("Content-Type", "Cache-Control", "Last-Modified"):
        assert heads[0].get(name) == heads[1].get(name), name
    assert (
        "immutable" in heads[0]["Cache-Control"] and "max-age=31536000" in heads[0]["Cache-Control"]
    )


def test_only_the_next_pair_is_named_ahead(visitor: Visitor) -> None:
    visitor.start()
    first = visitor.get("/question", headers={"Accept": "application/json"}).json()
    assert len(first["preload"]) == 2
    reply = visitor.vote(1).json()
    assert [reply["question"]["left"], reply["question"]["right"]] == first["preload"]
    page = visitor.get("/question").text
    assert len(set(STIMULUS.findall(page))) <= 4


def test_the_first_vote_counts_and_the_reply_is_the_same(visitor: Visitor, served: Served) -> None:
    visitor.start()
    first = visitor.vote(1, "left")
    again = visitor.vote(1, "right", response_ms=5)
    assert first.status_code == again.status_code == 200
    assert first.json() == again.json()
    rows = votes_of(served)
    assert [(row.choice, row.response_ms) for row in rows] == [("left", 1000)]


@pytest.mark.parametrize(
    "more",
    [
        {"position": 0}, {"position": "1"}, {"position": 1.5}, {"choice": "both"},
        {"choice": "tie"}, {"response_ms": -1}, {"response_ms": 10**12}, {"layout": "pile"},
        {"shown_px": None}, {"zoomed": "yes"}, {"surprise": 1},
    ],
)  # fmt: skip
def test_votes_that_cannot_be(visitor: Visitor, served: Served, more: dict) -> None:
    visitor.start()
    reply = visitor.vote(**{"position": 1, **more})
    assert reply.status_code in {400, 409} and reply.json()["reload"] is True
    assert votes_of(served) == []
    assert visitor.question()["position"] == 1


def test_ties_where_they_are_allowed(tmp_path: Path, serve: Serve) -> None:
    served = serve(make_study(tmp_path, ties=True))
    visitor = Visitor(served.address)
    visitor.start()
    visitor.finish(lambda asked: "tie")
    assert {row.choice for row in votes_of(served)} == {"tie"}


def test_a_second_device_continues_at_the_same_question(visitor: Visitor) -> None:
    visitor.start()
    visitor.vote(1)
    visitor.vote(2)
    link = re.search(r"/continue/[^\"]+", visitor.get("/question").text)
    assert link
    other = Visitor(visitor.address)
    other.get(link[0])
    assert other.question()["position"] == 3
    other.csrf = re.search(r'csrf-token" content="([^"]+)"', other.get("/question").text)[1]
    assert other.vote(3).status_code == 200
    # Back at the first device: the page there is one behind, and is put right.
    assert visitor.vote(3, "right").json()["question"]["position"] == 4
    assert visitor.question()["position"] == 4
    wrong = visitor.get("/continue/" + link[0].rsplit("/", 1)[1] + "x")
    assert wrong.status_code == 404


@pytest.mark.parametrize(
    ("query", "platform", "number"),
    [
        ("?PROLIFIC_PID=5f3a&STUDY_ID=s1&SESSION_ID=t2", "prolific", "5f3a"),
        ("?workerId=A1B2&assignmentId=3XY&hitId=9", "mturk", "A1B2"),
        ("?toloka_worker_id=77&toloka_pool_id=4", "toloka", "77"),
        ("?participant_id=seat-9", "other", "seat-9"),
    ],
)
def test_platforms_send_one_participation_for_each_worker(
    visitor: Visitor, served: Served, query: str, platform: str, number: str
) -> None:
    visitor.start(query)
    visitor.vote(1)
    other = Visitor(visitor.address)
    other.start(query)
    assert other.question()["position"] == 2
    another = Visitor(visitor.address)
    another.start(query.replace(number, number + "z"))
    assert another.question()["position"] == 1
    with database.reading(served.study.engine) as connection:
        rows = store.all_participants(connection)
    assert [(row.platform, row.platform_id) for row in rows] == [
        (platform, number), (platform, number + "z"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("?workerId=${workerId}&assignmentId=${assignmentId}", "bad_link"),
        ("?PROLIFIC_PID={{%25PROLIFIC_PID%25}}", "bad_link"),
        ("?participant_id=%3DHYPERLINK(1)", "bad_id"),
        ("?participant_id=", "bad_link"),
        ("?assignmentId=ASSIGNMENT_ID_NOT_AVAILABLE&hitId=3", "accept_first"),
    ],
)
def test_a_link_that_nobody_filled_in_starts_nothing(
    visitor: Visitor, served: Served, query: str, reason: str
) -> None:
    """Else all who follow it would be one participant."""
    page = visitor.get(f"/{query}")
    assert page.status_code == 400 and page.headers["X-Stopped"] == reason
    with database.reading(served.study.engine) as connection:
        assert store.all_participants(connection) == []


def test_one_browser_takes_part_once_but_a_lab_has_many_seats(
    visitor: Visitor, served: Served
) -> None:
    visitor.start("?participant_id=one")
    visitor.finish()
    assert "/done?id=" in visitor.get("/").url
    assert visitor.get("/?participant_id=two").url.endswith("two")
    visitor.start("?participant_id=two")
    assert visitor.question()["position"] == 1
    with database.reading(served.study.engine) as connection:
        assert len(store.all_participants(connection)) == 2


def test_where_people_go_at_the_end(folder: Path, serve: Serve) -> None:
    edit(folder, 'code = ""', 'code = "SAME4ALL"')
    edit(folder, 'redirect = ""', 'redirect = "https://example.org/complete?cc={code}"')
    visitor = Visitor(serve(folder).address)
    visitor.start()
    visitor.finish()
    assert 'href="https://example.org/complete?cc=SAME4ALL"' in visitor.get("/done").text


def test_withdrawing_deletes_the_answers(visitor: Visitor, served: Served) -> None:
    visitor.start("?PROLIFIC_PID=secret77")
    visitor.vote(1)
    assert "csrf_token" in visitor.get("/withdraw").text
    assert len(votes_of(served)) == 1
    assert visitor.withdraw().status_code == 200
    assert votes_of(served) == []
    assert visitor.vote(2).status_code == 410
    with database.reading(served.study.engine) as connection:
        row = store.all_participants(connection)[0]
        assert not list(connection.execute(select(schema.questions)))
    assert row.platform_id is None and row.platform_session is None and row.withdrawn_at


def test_nobody_starts_when_there_are_votes_enough(tmp_path: Path, serve: Serve) -> None:
    served = serve(make_study(tmp_path, target_votes=10))
    for _ in range(2):
        visitor = Visitor(served.address)
        visitor.start()
        visitor.finish(attentive(served.study))
    late = Visitor(served.address).start()
    assert late.status_code == 403 and late.headers["X-Stopped"] == "full"


def test_a_study_whose_places_are_taken_is_not_complete(tmp_path: Path, serve: Serve) -> None:
    served = serve(make_study(tmp_path, target_votes=5))
    first = Visitor(served.address)
    first.start()
    early = Visitor(served.address).start()
    assert early.status_code == 403 and early.headers["X-Stopped"] == "taken"
    assert "full for now" in early.text and "in about 60 min" in early.text
    assert "complete" not in early.text
    first.finish(attentive(served.study))
    late = Visitor(served.address).start()
    assert late.headers["X-Stopped"] == "full" and "The study is complete" in late.text


def test_people_who_left_hold_no_place(tmp_path: Path, serve: Serve) -> None:
    """Their votes count where unfinished ones do: the study is complete."""
    folder = make_study(tmp_path, target_votes=4)
    file = folder / "study.toml"
    file.write_text(file.read_text().replace("unfinished = true", "unfinished = false"))
    served = serve(folder)
    person = Visitor(served.address)
    person.start()
    for position in range(1, 7):
        person.vote(position, attentive(served.study)(person.question()))
    with database.writing(served.study.engine) as connection:
        long_ago = schema.participants.c.last_seen_at - 7_200_000
        connection.execute(update(schema.participants).values(last_seen_at=long_ago))
    assert Visitor(served.address).start().headers["X-Stopped"] == "full"


def test_consent_says_how_long_it_takes(served: Served) -> None:
    assert (
        "Number of questions: 7. This takes about 2 min." in Visitor(served.address).get("/").text
    )
    for _ in range(5):
        visitor = Visitor(served.address)
        visitor.start()
        visitor.finish()
    with database.writing(served.study.engine) as connection:
        slower = schema.participants.c.started_at - 11 * 60_000
        connection.execute(update(schema.participants).values(started_at=slower))
    assert (
        "Number of questions: 7. This takes about 12 min." in Visitor(served.address).get("/").text
    )


def test_excluded_people_do_not_fill_the_study(tmp_path: Path, serve: Serve) -> None:
    served = serve(make_study(tmp_path, target_votes=5))
    careless = Visitor(served.address)
    careless.start()
    careless.finish(
        lambda asked: "left" if shown(asked, served.study)[0] != "reference" else "right"
    )
    assert Visitor(served.address).start().url.endswith("/question#begin")


def test_who_fails_gives_the_questions_back_at_once(visitor: Visitor, served: Served) -> None:
    visitor.start()
    asked_now = visitor.question()
    wrong = {"left": "right", "right": "left"}
    while asked_now and not set(shown(asked_now, served.study)) >= {"reference", "telea"}:
        asked_now = visitor.vote(asked_now["position"]).json()["question"]
    assert asked_now
    choice = wrong[attentive(served.study)(asked_now)]
    assert visitor.vote(asked_now["position"], choice).json()["question"] != asked_now
    with database.reading(served.study.engine) as connection:
        assert pair_counts(connection, 0, False, FinishedCounts()) == {}
        assert pair_counts(connection, 0, True, FinishedCounts()) == {}


def test_abandoned_questions_are_given_again(visitor: Visitor, served: Served) -> None:
    visitor.start()
    visitor.vote(1)
    with database.writing(served.study.engine) as connection:
        before = pair_counts(connection, now_ms(connection) - 3_600_000, False, FinishedCounts())
        connection.execute(update(schema.participants).values(last_seen_at=0))
    assert sum(times.total for times in before.values()) == 5
    with database.reading(served.study.engine) as connection:
        assert (
            pair_counts(connection, now_ms(connection) - 3_600_000, False, FinishedCounts()) == {}
        )
        # Where votes of the unfinished count, the answered one stays.
        kept = pair_counts(connection, now_ms(connection) - 3_600_000, True, FinishedCounts())
    first_is_check = votes_of(served)[0].is_check
    assert sum(times.total for times in kept.values()) == int(not first_is_check)
    # Who comes back goes on all the same.
    assert visitor.vote(2).status_code == 200


def test_a_closed_page_still_lets_people_withdraw(visitor: Visitor, served: Served) -> None:
    visitor.start()
    with database.writing(served.study.engine) as connection:
        store.set_state(connection, "closed")
    assert 'href="/withdraw?id=' in visitor.get("/question").text
    assert 'href="/withdraw' not in Visitor(served.address).get("/").text


def test_the_first_page_says_how_many_questions_there_are(visitor: Visitor) -> None:
    assert "Number of questions: 7. This" in visitor.get("/").text


def test_two_studies_in_one_browser(tmp_path: Path, serve: Serve) -> None:
    """They may run on one host, where ports and paths share cookies."""
    first, second = (serve(make_study(tmp_path / name)) for name in ("a", "b"))
    visitor = Visitor(first.address)
    visitor.start()
    visitor.vote(1)
    other = Visitor(second.address)
    other.browser = visitor.browser
    other.start()
    assert visitor.question()["position"] == 2 and other.question()["position"] == 1


@pytest.mark.parametrize(("state", "goes_on"), [("paused", True), ("closed", False)])
def test_paused_and_closed(visitor: Visitor, served: Served, state: str, goes_on: bool) -> None:
    visitor.start()
    visitor.vote(1)
    with database.writing(served.study.engine) as connection:
        store.set_state(connection, state)
    late = Visitor(served.address).start()
    assert late.status_code == 403 and late.headers["X-Stopped"] == state
    assert (visitor.vote(2).status_code == 200) is goes_on
    assert visitor.get("/question").ok is goes_on
    assert len(votes_of(served)) == 1 + goes_on


def test_a_preview_records_nothing(folder: Path, serve: Serve) -> None:
    served = serve(folder, preview=True)
    visitor = Visitor(served.address)
    assert "banner" in visitor.start().text
    visitor.finish()
    assert visitor.get("/done").url.endswith("/done")
    real = serve(folder)
    with database.reading(real.study.engine) as connection:
        assert store.all_participants(connection) == []


def test_adaptive_studies_work_from_the_first_participant_on(tmp_path: Path, serve: Serve) -> None:
    served = serve(make_study(tmp_path, adaptive=True))
    for _ in range(4):
        visitor = Visitor(served.address)
        visitor.start()
        visitor.finish(attentive(served.study))
    assert len(votes_of(served)) == 4 * 7


def test_only_pairs_with_one_method(tmp_path: Path, serve: Serve) -> None:
    served = serve(make_study(tmp_path, against="patchmatch"))
    visitor = Visitor(served.address)
    visitor.start()
    visitor.finish()
    asked = [row for row in votes_of(served) if not row.is_check]
    assert all("patchmatch" in (row.left, row.right) for row in asked)
