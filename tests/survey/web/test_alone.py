"""The server alone on a network, without a proxy: what no browser sends, and slow requests."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from survey.web import worker
from survey.web.app import SECURITY_HEADERS
from tests.survey.conftest import Served, Visitor
from tests.survey.production import LONGEST_S, Server

Start = Callable[..., Server]
HEAD = b"Host: here\r\nConnection: close\r\n"
FORM = b"POST /start HTTP/1.1\r\n" + HEAD + b"Content-Type: application/x-www-form-urlencoded\r\n"
CHUNKED = FORM + b"Transfer-Encoding: chunked\r\n\r\n"
GET = b"GET / HTTP/1.1\r\n" + HEAD
ODD = {
    "a size that is no number": CHUNKED + b"ZZ\r\nabc\r\n0\r\n\r\n",
    "a negative size": CHUNKED + b"-1\r\nabc\r\n0\r\n\r\n",
    "a chunk without its end": CHUNKED + b"3\r\nabcXX5\r\n",
    "a chunk that is cut off": CHUNKED + b"5\r\nab",
    "length and chunks": FORM + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "an unknown encoding": FORM + b"Transfer-Encoding: foo\r\n\r\n0\r\n\r\n",
    "two lengths": FORM + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "a body that is cut off": FORM + b"Content-Length: 300\r\n\r\nabcd",
    "an unknown method": b"BREW / HTTP/1.1\r\n" + HEAD + b"\r\n",
    "a method in small letters": b"get / HTTP/1.1\r\n" + HEAD + b"\r\n",
    "TRACE": b"TRACE / HTTP/1.1\r\n" + HEAD + b"\r\n",
    "CONNECT": b"CONNECT / HTTP/1.1\r\n" + HEAD + b"\r\n",
    "a header with a blank": GET + b"Bad Header: x\r\n\r\n",
    "a header with a null": GET + b"X: a\0b\r\n\r\n",
    "a long header": GET + b"X: " + b"a" * 20_000 + b"\r\n\r\n",
    "many headers": GET + b"".join(b"X%d: a\r\n" % n for n in range(300)) + b"\r\n",
    "a long address": b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n" + HEAD + b"\r\n",
    "no protocol": b"GET /\r\n\r\n",
    "another protocol": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "an expectation": FORM + b"Expect: 200-ok\r\nContent-Length: 2\r\n\r\n{}",
    "a range that is none": b"GET /static/page.js HTTP/1.1\r\n" + HEAD + b"Range: bytes=z\r\n\r\n",
}


def ask(server: Server, request: bytes) -> bytes:
    with socket.create_connection((server.host.address, server.port), LONGEST_S) as link:
        link.sendall(request)
        link.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: link.recv(65536), b""))


def test_what_is_no_request_gets_a_refusal_with_our_headers(
    folder: Path, production: Start
) -> None:
    server = production(folder)
    for name, request in ODD.items():
        head = ask(server, request).split(b"\r\n\r\n")[0].decode()
        assert head.startswith("HTTP/1.1 4"), (name, head)
        for header, value in SECURITY_HEADERS.items():
            assert f"{header}: {value}".lower() in head.lower(), (name, header)
    assert "Traceback" not in server.output.read_text()


def test_others_headers_choose_no_address(folder: Path, production: Start) -> None:
    server = production(folder)
    for header in (b"SCRIPT_NAME: /evil", b"Script-Name: /evil", b"X-Forwarded-Host: evil.test",
                   b"X-Forwarded-Prefix: /evil", b"Forwarded: host=evil.test"):  # fmt: skip
        answer = ask(server, GET + header + b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200") and b"evil" not in answer, header


def test_a_foreign_host_ends_nowhere_in_a_page(served: Served) -> None:
    visitor = Visitor(served.address)
    visitor.start()
    visitor.browser.headers["Host"] = "evil.test"
    for path in ("/", "/question", "/withdraw", "/owner", "/nowhere"):
        answer = visitor.get(path, allow_redirects=False)
        assert "evil.test" not in answer.text + str(answer.headers), path


@pytest.mark.slow
def test_sixteen_dripping_requests_stop_nobody(folder: Path, production: Start) -> None:
    server = production(folder)
    address = (server.host.address, server.port)
    dripping = [socket.create_connection(address) for _ in range(16)]
    for number, link in enumerate(dripping):
        link.sendall(GET if number % 2 else FORM + b"Content-Length: 9999\r\n\r\na=")
    ended = threading.Event()
    left = dict.fromkeys(dripping)

    def drip() -> None:
        while not ended.wait(0.2):
            for link in list(left):
                try:
                    link.sendall(b"a")
                except OSError:
                    del left[link]

    thread = threading.Thread(target=drip)
    thread.start()
    until = time.monotonic() + worker.ARRIVE_S + LONGEST_S
    try:
        visitor = Visitor(f"http://{server.host.address}:{server.port}")
        assert visitor.start().ok
        visitor.finish()
        assert visitor.get("/done").ok
        # And they are not kept for ever.
        while left and time.monotonic() < until:
            time.sleep(0.2)
        assert not left
    finally:
        ended.set()
        thread.join()
        for link in dripping:
            link.close()
