"""Whatever somebody sends: no error of ours, nothing given away, nothing written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from itsdangerous import URLSafeSerializer
from sqlalchemy import select
from werkzeug.test import TestResponse

from survey.storage import database, schema
from survey.web import participant
from survey.web.app import CSP, create_app
from survey.web.context import limiter
from survey.web.simulate import CSRF
from tests.survey.conftest import METHODS, make_study
from tests.survey.places import unlimited

TRIES = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
POSTS = ("/start", "/vote", "/withdraw", "/owner/login", "/owner/logout", "/owner/state")
OWNERS = ("/owner", "/owner/export.zip")
VOTE = {
    "id": "", "position": 1, "choice": "left", "response_ms": 1000, "layout": "side",
    "shown_px": 512, "zoomed": False, "compared": False,
}  # fmt: skip
HEADER = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\0"), max_size=60)
FILES = st.sampled_from(
    ["Accept", "Accept-Language", "Content-Type", "Cookie", "Host", "If-None-Match", "Origin",
     "If-Modified-Since", "Range", "Referer", "X-CSRFToken", "X-Forwarded-For",
     "X-Forwarded-Host", "X-Forwarded-Proto", "X-HTTP-Method-Override"]
)  # fmt: skip
ODD = st.sampled_from(["", "\0", "\u202e", "\ud7ff", "😀" * 50, "a" * 5000, "%00", "..", "{{7*7}}"])
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | ODD,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    app = create_app(unlimited(make_study(tmp_path_factory.mktemp("hostile"))))
    yield app
    app.extensions["study"].engine.dispose()


@pytest.fixture
def person(app: Flask) -> FlaskClient:
    """Somebody at the first question."""
    client = app.test_client()
    sent = client.post("/start", data={"consent": "yes", "csrf_token": token(client)})
    assert sent.status_code == 303
    return client


def token(client: FlaskClient) -> str:
    page = client.get("/").text
    found = CSRF.search(page) or CSRF.search(client.get("/question").text)
    assert found
    return found[1]


def contents(app: Flask) -> list[Any]:
    with database.reading(app.extensions["study"].engine) as connection:
        return [connection.execute(select(table)).all() for table in schema.metadata.sorted_tables]


def harmless(answer: TestResponse, app: Flask) -> None:
    assert answer.status_code < 500, answer.text
    assert answer.headers["Content-Security-Policy"] == CSP
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    study = app.extensions["study"]
    for secret in (*METHODS, "Traceback", str(study.folder), study.secrets.secret, "site-packages"):
        assert secret.encode() not in answer.data
    assert answer.headers.get("Location", "/").startswith("/")
    assert not answer.headers.get("Location", "/").startswith("//")


def paths(app: Flask) -> st.SearchStrategy[str]:
    known = sorted({rule.rule for rule in app.url_map.iter_rules()})
    filled = st.builds(
        lambda rule, text: (
            rule.replace("<token>", text).replace("<name>", text).replace("<path:filename>", text)
        ),
        st.sampled_from(known),
        st.text(max_size=30) | ODD,
    )
    return filled | st.text(max_size=40).map(lambda text: f"/{text}")


@TRIES
@given(data=st.data())
def test_any_request(app: Flask, person: FlaskClient, data: st.DataObject) -> None:
    method = data.draw(st.sampled_from(["GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "ODD"]))
    path = data.draw(paths(app)).encode("utf-8", "surrogatepass").decode("latin-1")
    answer = person.open(
        "/",
        method=method,
        data=data.draw(st.binary(max_size=300)),
        headers=data.draw(st.dictionaries(FILES, HEADER, max_size=4)),
        query_string=data.draw(st.text(max_size=40) | ODD),
        environ_overrides={"PATH_INFO": path},
    )
    harmless(answer, app)


@TRIES
@given(body=st.binary(max_size=300) | ANYTHING.map(lambda value: json.dumps(value).encode()))
def test_any_body_of_a_vote(app: Flask, person: FlaskClient, body: bytes) -> None:
    before = contents(app)
    answer = person.post("/vote", data=body, headers={"X-CSRFToken": token(person)})
    harmless(answer, app)
    assert answer.status_code == 400 and answer.json == {"error": "bad_request", "reload": True}
    assert contents(app) == before


def own_vote(app: Flask, person: FlaskClient, position: int) -> dict[str, Any]:
    with person.session_transaction() as session:
        page_id = app.extensions["study"].secrets.page_id(session["participant"], position)
    return {**VOTE, "id": page_id, "position": position}


@TRIES
@given(name=st.sampled_from(sorted(VOTE)), value=ANYTHING)
def test_any_value_in_a_vote(app: Flask, person: FlaskClient, name: str, value: Any) -> None:
    before = contents(app)
    sent = json.dumps({**own_vote(app, person, 2), name: value})
    answer = person.post("/vote", data=sent, headers={"X-CSRFToken": token(person)})
    harmless(answer, app)
    # The second question is not theirs to answer yet.
    if value != 1 or name != "position":
        assert answer.status_code in {400, 409}
        assert contents(app) == before


@pytest.mark.parametrize(
    "body",
    [
        '{"position": NaN}', '{"position": 1e999}', "[" * 5000, '{"position": 1, "position": 2}',
        json.dumps({**VOTE, "position": True}), json.dumps({**VOTE, "position": 10**30}),
        json.dumps({**VOTE, "choice": "tie"}), json.dumps({**VOTE, "method": "telea"}),
        json.dumps({**VOTE, "response_ms": -1}), json.dumps({**VOTE, "participant": 1}),
    ],
)  # fmt: skip
def test_votes_that_are_none(app: Flask, person: FlaskClient, body: str) -> None:
    before = contents(app)
    answer = person.post("/vote", data=body, headers={"X-CSRFToken": token(person)})
    assert answer.status_code == 400
    assert contents(app) == before


@pytest.mark.parametrize("position", [2, 7, 8, 9999])
def test_questions_that_are_not_next(app: Flask, person: FlaskClient, position: int) -> None:
    before = contents(app)
    answer = person.post(
        "/vote", json=own_vote(app, person, position), headers={"X-CSRFToken": token(person)}
    )
    assert answer.status_code == 409
    assert contents(app) == before


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("sent", ["", "wrong", "another's"])
def test_posts_need_the_token_of_their_session(
    app: Flask, person: FlaskClient, path: str, sent: str
) -> None:
    before = contents(app)
    forged = token(app.test_client()) if sent == "another's" else sent
    form = {"consent": "yes", "state": "closed", "csrf_token": forged}
    answer = person.post(path, data=form, headers={"X-CSRFToken": forged})
    harmless(answer, app)
    assert answer.status_code == 400
    assert contents(app) == before


@TRIES
@given(cookie=HEADER | st.text("eyJ0.-_Aa19", max_size=80))
def test_forged_cookies_are_nobody(app: Flask, cookie: str) -> None:
    client = app.test_client()
    name = app.config["SESSION_COOKIE_NAME"]
    answer = client.get("/question", headers={"Cookie": f"{name}={cookie}"})
    assert answer.status_code == 302 and answer.headers["Location"] == "/"
    assert client.get("/owner", headers={"Cookie": f"{name}={cookie}"}).status_code == 401


def test_cookies_signed_by_somebody_else_are_nobody(app: Flask, tmp_path: Path) -> None:
    other = create_app(make_study(tmp_path))
    stranger = other.test_client()
    with stranger.session_transaction() as session:
        session["participant"] = "p-1"
        session["owner"] = (2**40, app.extensions["study"].secrets.owner_sha256[:16])
    forged = stranger.get_cookie(other.config["SESSION_COOKIE_NAME"])
    assert forged
    victim = app.test_client()
    victim.set_cookie(app.config["SESSION_COOKIE_NAME"], forged.value)
    assert victim.get("/question").headers["Location"] == "/"
    assert victim.get("/owner").status_code == 401


@TRIES
@given(forged=st.text(max_size=80) | ODD)
def test_forged_links_lead_nowhere(app: Flask, person: FlaskClient, forged: str) -> None:
    study = app.extensions["study"]
    with person.session_transaction() as session:
        code = session["participant"]
    true = study.secrets.resume_token(code)
    elsewhere = URLSafeSerializer("guess", salt="resume").dumps(code)
    for tried in (forged, true[:-1], true[1:], elsewhere):
        path = f"/continue/{tried}".encode().decode("latin-1")
        answer = app.test_client().get("/", environ_overrides={"PATH_INFO": path})
        harmless(answer, app)
        assert answer.status_code == 404


@pytest.mark.parametrize("folder", ["/stimuli/", "/static/"])
@pytest.mark.parametrize("file", ["keys.json", "stimuli.csv", "study.toml", "study.db", "app.py"])
def test_no_file_but_those_meant_for_browsers(app: Flask, folder: str, file: str) -> None:
    """Raw paths as a server decodes them, and encoded ones."""
    for up in ("../", "..%2f", "%2e%2e/", "..\\", "....//", "/../", "%252e%252e%252f", "./../", ""):
        for end in ("", ".webp", "\0.webp", "%00.webp", "?.webp"):
            path = f"{folder}{up}{file}{end}"
            for answer in (
                app.test_client().get(path),
                app.test_client().get("/", environ_overrides={"PATH_INFO": path}),
            ):
                harmless(answer, app)
                assert answer.status_code in {301, 302, 308, 404}, path


@pytest.mark.parametrize("path", [*OWNERS, "/owner/state", "/owner/logout"])
def test_the_owners_pages_need_the_token(app: Flask, person: FlaskClient, path: str) -> None:
    before = contents(app)
    method = "GET" if path in OWNERS else "POST"
    form = {"csrf_token": token(person), "state": "closed"}
    answer = person.open(path, method=method, data=None if method == "GET" else form)
    harmless(answer, app)
    assert answer.status_code == 401 and "votes" not in answer.text.lower().split("</head>")[1]
    assert contents(app) == before


@TRIES
@given(wrong=st.text(max_size=40) | ODD)
def test_a_wrong_token_opens_nothing(app: Flask, wrong: str) -> None:
    limiter.reset()
    client = app.test_client()
    answer = client.post("/owner/login", data={"token": wrong, "csrf_token": token(client)})
    harmless(answer, app)
    assert answer.status_code == 401
    assert client.get("/owner").status_code == 401


def test_guessing_the_owners_token_is_slow(app: Flask) -> None:
    limiter.reset()
    client = app.test_client()
    form = {"token": "guess", "csrf_token": token(client)}
    statuses = [client.post("/owner/login", data=form).status_code for _ in range(12)]
    assert statuses == [401] * 10 + [429] * 2
    limiter.reset()


@pytest.mark.slow
@TRIES
@given(value=st.text(max_size=300) | ODD | st.just("a\r\nSet-Cookie: owner=1"))
def test_platforms_parameters_stay_data(app: Flask, value: str) -> None:
    client = app.test_client()
    query = {"PROLIFIC_PID": value, "next": "https://evil.example", "redirect": "//evil.example"}
    page = client.get("/", query_string=query)
    harmless(page, app)
    form = {**query, "consent": "yes", "csrf_token": token(client)}
    answer = client.post("/start", data=form)
    harmless(answer, app)
    started = answer.status_code == 303 and answer.headers["Location"] == "/question#begin"
    assert started or answer.headers["X-Stopped"] in {"bad_link", "bad_id"}
    assert "owner" not in str(answer.headers) and "evil" not in str(answer.headers)


@pytest.mark.parametrize("path", POSTS)
def test_bodies_that_are_too_long(app: Flask, person: FlaskClient, path: str) -> None:
    before = contents(app)
    headers = {"X-CSRFToken": token(person)}
    for kind in ("application/json", "application/x-www-form-urlencoded"):
        answer = person.post(path, data=b"a=" + b"1" * 100_000, content_type=kind, headers=headers)
        harmless(answer, app)
        assert answer.status_code in {400, 401, 413, 429}
    assert contents(app) == before


def test_an_error_of_ours_tells_nothing(
    app: Flask, person: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("patchmatch in /secret/place")

    monkeypatch.setattr(participant.store, "find", broken)
    assert not app.debug and not app.testing
    answer = person.get("/question")
    assert answer.status_code == 500 and answer.headers["X-Stopped"] == "error"
    assert answer.headers["Content-Security-Policy"] == CSP
    for word in ("RuntimeError", "patchmatch", "secret", "Traceback"):
        assert word not in answer.text
