"""What the server remembers of earlier requests opens nothing to others, and nothing for longer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from tests.survey.conftest import Served, Visitor, make_study

Serve = Callable[..., Served]


def cookie_of(visitor: Visitor) -> tuple[str, str]:
    (cookie,) = visitor.browser.cookies
    assert cookie.value
    return cookie.name, cookie.value


def at_question(visitor: Visitor) -> bool:
    return visitor.get("/question", allow_redirects=False).status_code == 200


def test_a_cookie_that_was_accepted_is_refused_when_it_is_too_old(
    served: Served, visitor: Visitor
) -> None:
    visitor.start()
    assert visitor.vote(1).status_code == 200
    served.app.permanent_session_lifetime = timedelta(seconds=-1)
    assert not at_question(visitor)
    assert visitor.vote(2).status_code == 400


def test_a_cookie_like_one_that_was_accepted_is_nobodys(served: Served, visitor: Visitor) -> None:
    visitor.start()
    assert at_question(visitor)
    name, value = cookie_of(visitor)
    for changed in (value[:-1] + ("A" if value[-1] != "A" else "Q"), value.swapcase(), value[1:]):
        other = Visitor(served.address)
        other.browser.cookies.set(name, changed)
        assert not at_question(other)


def test_what_one_request_puts_into_a_session_no_other_gets(served: Served) -> None:
    """Both come with the same cookie; only the first one starts."""
    first, second = Visitor(served.address), Visitor(served.address)
    page = first.get("/")
    second.browser.cookies.update(first.browser.cookies)
    first.csrf = page.text.split('csrf_token" value="')[1].split('"')[0]
    assert first.post("/start", {"consent": "yes"}).status_code == 200
    assert at_question(first)
    assert not at_question(second)


def test_a_token_that_was_accepted_is_its_own_sessions_only(served: Served) -> None:
    one, other = Visitor(served.address), Visitor(served.address)
    one.start()
    other.start()
    assert one.vote(1).status_code == other.vote(1).status_code == 200
    own, other.csrf = other.csrf, one.csrf
    assert other.vote(2).status_code == 400
    other.csrf = own
    assert other.vote(2).status_code == 200


def test_two_studies_in_a_process_do_not_share_what_was_accepted(
    tmp_path: Path, serve: Serve
) -> None:
    first = serve(make_study(tmp_path / "first", images=4, pairs=3, checks=1))
    second = serve(make_study(tmp_path / "second", images=4, pairs=3, checks=1))
    visitor = Visitor(first.address)
    visitor.start()
    assert at_question(visitor)
    stranger = Visitor(second.address)
    stranger.browser.cookies.set(second.app.config["SESSION_COOKIE_NAME"], cookie_of(visitor)[1])
    assert not at_question(stranger)


def test_addresses_of_images_are_below_the_path_of_each_request(folder: Path, serve: Serve) -> None:
    file = folder / "study.toml"
    file.write_text(file.read_text().replace("behind_proxy = false", "behind_proxy = true"))
    visitor = Visitor(serve(folder).address)
    visitor.start()
    json = {"Accept": "application/json"}
    for prefix in ("", "/one", "/other", "/one"):
        said = visitor.get("/question", headers={**json, "X-Forwarded-Prefix": prefix}).json()
        assert said["question"]["left"].startswith(f"{prefix}/stimuli/")
