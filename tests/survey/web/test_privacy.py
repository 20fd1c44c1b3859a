"""What is kept and sent, and what is not: headers, cookies, files, addresses, limits."""

from __future__ import annotations

import hmac
import stat
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest
import requests

from survey.storage import database
from survey.study import secrets_file
from survey.web.app import CSP
from tests.survey.conftest import Served, Visitor, make_study
from tests.survey.production import Server

Start = Callable[..., Server]
Serve = Callable[..., Served]
SECURITY = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


def edited(folder: Path, **settings: str) -> Path:
    """The study with other values in study.toml."""
    file = folder / "study.toml"
    lines = file.read_text().splitlines()
    for name, value in settings.items():
        lines = [f"{name} = {value}" if line.startswith(f"{name} = ") else line for line in lines]
    file.write_text("\n".join(lines))
    return folder


def answers(served: Served) -> Iterator[requests.Response]:
    """Of every kind."""
    visitor = Visitor(served.address)
    yield visitor.get("/nowhere")
    yield visitor.get("/", allow_redirects=False)
    yield visitor.get("/question", allow_redirects=False)
    yield visitor.post("/start")
    yield visitor.start()
    asked = visitor.question()
    yield visitor.get(asked["left"])
    yield visitor.get(asked["left"], headers={"Range": "bytes=0-9"})
    etag = visitor.get(asked["left"]).headers["ETag"]
    yield visitor.get(asked["left"], headers={"If-None-Match": etag})
    yield visitor.get("/static/survey.css")
    yield visitor.get("/static/nothing.css")
    yield visitor.get("/health")
    yield visitor.browser.delete(f"{served.address}/vote")
    yield visitor.vote(1)
    yield visitor.vote(9)
    yield visitor.post("/vote", {"position": "1" * 100_000})
    yield visitor.get("/owner")
    yield visitor.post("/owner/login", {"token": "wrong"})
    visitor.finish()
    yield visitor.get("/done")


def test_every_answer_has_the_security_headers(served: Served) -> None:
    statuses = set()
    for answer in answers(served):
        assert {name: answer.headers.get(name) for name in SECURITY} == SECURITY, answer.url
        statuses.add(answer.status_code)
    assert statuses == {200, 206, 302, 304, 400, 401, 404, 405, 409, 413}


def test_what_caches_may_keep_is_nobodys(served: Served) -> None:
    for answer in answers(served):
        control = answer.headers["Cache-Control"]
        if "public" in control:
            assert "Set-Cookie" not in answer.headers
            assert "/static/" in answer.url or answer.url.endswith(".webp")
        elif "/static/" not in answer.url:
            assert control == "no-store"


@pytest.mark.parametrize("url, secure", [("", False), ("https://study.example", True)])
def test_cookies_are_for_this_site_only(folder: Path, serve: Serve, url: str, secure: bool) -> None:
    served = serve(edited(folder, public_url=f'"{url}"'))
    client = served.app.test_client()
    sent = client.get("/").headers["Set-Cookie"]
    flags = {flag.strip() for flag in sent.split(";")[1:]}
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= flags
    assert ("Secure" in flags) == secure


def test_personal_links_have_the_public_address(folder: Path, serve: Serve) -> None:
    served = serve(edited(folder, public_url='"http://study.example"'))
    visitor = Visitor(served.address)
    page = visitor.start().text
    assert "http://study.example/continue/" in page
    assert served.address not in page


def test_files_are_the_owners_only(folder: Path, serve: Serve) -> None:
    visitor = Visitor(serve(folder).address)
    visitor.start()
    visitor.vote(1)
    names = ("study.db", "study.db-wal", "study.db-shm", "keys.json", "stimuli.csv", "study.toml")
    assert {name: stat.S_IMODE((folder / name).stat().st_mode) for name in names} == dict.fromkeys(
        names, 0o600
    )
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_no_address_and_no_browser_is_kept(folder: Path, production: Start) -> None:
    """Neither in a file of the study nor in what the server prints, whatever is sent to it."""
    server = production(edited(folder, behind_proxy="true"))
    visitor = Visitor(f"http://127.0.0.1:{server.port}")
    marked = {"User-Agent": "MarkedBrowser/7", "X-Forwarded-For": "203.0.113.77"}
    visitor.browser.headers.update(marked | {"Referer": "http://marked.example/"})
    visitor.start("?PROLIFIC_PID=kept-as-told")
    visitor.finish()
    visitor.get("/nowhere")
    visitor.post("/owner/login", {"token": "wrong"})
    for nonsense in (b"GET / HTTP/9.9\r\n\r\n", b"\0\0\r\n\r\n", b"GET /" + b"a" * 9000):
        connection = HTTPConnection("127.0.0.1", server.port, timeout=30)
        connection.connect()
        connection.sock.sendall(nonsense)
        connection.sock.shutdown(1)
        connection.sock.recv(1000)
        connection.close()
    kept = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    kept[server.output] = server.output.read_bytes()
    assert any(b"kept-as-told" in content for content in kept.values())
    printed = kept[server.output].replace(f"http://127.0.0.1:{server.port}".encode(), b"")
    assert b"127.0.0.1" not in printed and b"kept-as-told" not in printed
    for content in kept.values():
        for word in (b"MarkedBrowser", b"203.0.113.77", b"marked.example"):
            assert word not in content


@pytest.mark.parametrize("behind_proxy", [True, False])
def test_starts_are_limited_for_each_address(
    folder: Path, serve: Serve, behind_proxy: bool
) -> None:
    settings = {"starts_per_minute": "3", "behind_proxy": str(behind_proxy).lower()}
    served = serve(edited(folder, **settings))

    def start(claimed: str) -> int:
        visitor = Visitor(served.address)
        visitor.browser.headers["X-Forwarded-For"] = claimed
        return visitor.start().status_code

    assert [start("203.0.113.1") for _ in range(4)] == [200, 200, 200, 429]
    # Without a proxy everybody can claim any address.
    assert start("203.0.113.2") == (200 if behind_proxy else 429)
    # Behind one, what came before the proxy's own entry is a claim.
    assert start("203.0.113.9, 203.0.113.1") == 429


def test_behind_a_proxy_pages_are_where_the_proxy_says(folder: Path, serve: Serve) -> None:
    client = serve(edited(folder, behind_proxy="true")).app.test_client()
    said = {"X-Forwarded-Prefix": "/inpainting", "X-Forwarded-Proto": "https"}
    page = client.get("/", headers=said)
    assert 'action="/inpainting/start"' in page.text
    assert client.get("/question", headers=said).headers["Location"] == "/inpainting/"


def test_the_owners_token_is_compared_in_constant_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared = []
    plain = hmac.compare_digest
    monkeypatch.setattr(hmac, "compare_digest", lambda *two: compared.append(two) or plain(*two))
    right = secrets_file.create(tmp_path)
    found = secrets_file.read(tmp_path)
    assert found.is_owner(right) and not found.is_owner("") and not found.is_owner("x")
    assert len(compared) == 3 and {len(one) for two in compared for one in two} == {64}
    assert right not in (tmp_path / secrets_file.FILE).read_text()


def test_a_code_of_a_preview_is_nobody_in_the_study(tmp_path: Path, serve: Serve) -> None:
    """The cookie of who tried the preview must not become the first participant's."""
    folder = make_study(tmp_path)
    tried = Visitor(serve(folder, preview=True).address)
    tried.start()
    served = serve(folder)
    Visitor(served.address).start()
    tried.address = served.address
    assert tried.get("/question").url.rstrip("/") == served.address
    assert database.FILE in {path.name for path in folder.iterdir()}


def test_what_somebody_withdraws_is_gone_from_the_file(folder: Path, serve: Serve) -> None:
    served = serve(folder)
    leaving, staying = Visitor(served.address), Visitor(served.address)
    leaving.start("?PROLIFIC_PID=leaving-id&SESSION_ID=leaving-session")
    staying.start("?PROLIFIC_PID=staying-id")
    leaving.finish()
    assert leaving.withdraw().status_code == 200
    # Closing takes what is in SQLite's log into the database.
    served.study.engine.dispose()
    content = b"".join(path.read_bytes() for path in folder.glob("study.db*"))
    assert b"staying-id" in content
    assert b"leaving" not in content
