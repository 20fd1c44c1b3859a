"""Many participants in one process: HTTP/1.1 over connections kept open, and little else."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
from collections.abc import Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlencode

Result = TypeVar("Result")
TOKEN = re.compile(rb'csrf_token" value="([^"]+)"')
PAGE_ID = re.compile(rb'name="id" value="([0-9a-f]+)"')
LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
COOKIE = re.compile(rb"set-cookie: (study-[0-9a-f]+=[^;]+)", re.IGNORECASE)
JSON, FORM = "application/json", "application/x-www-form-urlencoded"
LONGEST_S = 60


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """In a thread of its own: Playwright keeps an event loop in the one that tests run in."""
    with ThreadPoolExecutor(1) as alone:
        return alone.submit(asyncio.run, work).result()


class Answer(NamedTuple):
    status: int
    head: bytes
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Hosts(NamedTuple):
    """Where a study is served, all at one port. patience_s: after so long another one is asked."""

    addresses: Sequence[str] = ("127.0.0.1",)
    patience_s: float = LONGEST_S


HERE = Hosts()


class Link:
    """Requests go one after the other, each to the next host, over a connection that opens again
    after it broke."""

    def __init__(self, port: int, hosts: Hosts = HERE) -> None:
        self.port, self.patience_s = port, hosts.patience_s
        self.turns = itertools.cycle(hosts.addresses)
        self.streams: dict[str, tuple[asyncio.StreamReader, asyncio.StreamWriter]] = {}

    async def send(self, request: bytes) -> Answer:
        """Raises OSError, EOFError or TimeoutError where no answer came."""
        host = next(self.turns)
        try:
            async with asyncio.timeout(self.patience_s):
                if host not in self.streams:
                    self.streams[host] = await asyncio.open_connection(host, self.port)
                reader, writer = self.streams[host]
                writer.write(request)
                head = await reader.readuntil(b"\r\n\r\n")
                length = LENGTH.search(head)
                body = await reader.readexactly(int(length[1])) if length else b""
        except BaseException:
            self._close(host)
            raise
        if b"connection: close" in head.lower():
            self._close(host)
        return Answer(int(head[9:12]), head, body)

    def _close(self, host: str) -> None:
        if host in self.streams:
            self.streams.pop(host)[1].close()

    def close(self) -> None:
        for host in list(self.streams):
            self._close(host)


class Participant:
    """Somebody with a browser, whose cookie several links may share."""

    def __init__(self, port: int, hosts: Hosts = HERE) -> None:
        self.link = Link(port, hosts)
        self.cookie, self.token = b"", b""
        # Identifiers of questions by position, as pages told them.
        self.asked: dict[int, str] = {}
        self.page_id = ""

    async def ask(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        kind: str = "",
        link: Link | None = None,
    ) -> Answer:
        lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
        lines += [f"Content-Type: {kind}"] if kind else ["Accept: application/json"]
        head = "\r\n".join(lines).encode()
        head += b"\r\nX-CSRFToken: " + self.token if self.token else b""
        head += b"\r\nCookie: " + self.cookie if self.cookie else b""
        answer = await (link or self.link).send(head + b"\r\n\r\n" + body)
        cookie = COOKIE.search(answer.head)
        if cookie:
            self.cookie = cookie[1]
        return answer

    async def welcome(self, query: str = "") -> Answer:
        page = await self.ask("GET", f"/{query}")
        token = TOKEN.search(page.body)
        if token:
            self.token = token[1]
        return page

    async def consent(self, link: Link | None = None, **carried: str) -> Answer:
        form = urlencode({"consent": "yes", **carried}).encode()
        return await self.ask("POST", "/start", form, FORM, link)

    async def question(self) -> dict[str, Any] | None:
        """The one where they are."""
        answer = await self.ask("GET", "/question")
        assert answer.status == 200, answer
        return self._next(answer)

    async def withdraw(self, link: Link | None = None) -> Answer:
        if not self.page_id:
            await self.ask_to_withdraw(link)
        form = urlencode({"id": self.page_id}).encode()
        return await self.ask("POST", "/withdraw", form, FORM, link)

    async def ask_to_withdraw(self, link: Link | None = None) -> None:
        """Open the page that asks whether they mean it."""
        page = await self.ask("GET", "/withdraw", link=link)
        found = PAGE_ID.search(page.body)
        self.page_id = found[1].decode() if found else ""

    async def vote(self, position: int, choice: str, link: Link | None = None) -> Answer:
        if position not in self.asked:
            page = await self.ask("GET", "/question", link=link)
            if page.status >= 500:
                return page
            if page.status == 200:
                self._next(page)
        body = {
            "id": self.asked.get(position, ""), "position": position, "choice": choice,
            "response_ms": 1000, "layout": "side", "shown_px": 512, "zoomed": False,
            "compared": False,
        }  # fmt: skip
        answer = await self.ask("POST", "/vote", json.dumps(body).encode(), JSON, link)
        if answer.status == 200:
            self._next(answer)
        return answer

    def _next(self, answer: Answer) -> dict[str, Any] | None:
        found: dict[str, Any] | None = answer.json["question"]
        if found:
            self.asked[found["position"]] = found["id"]
        return found
