"""Drives a browser by the W3C's protocols: WebDriver over HTTP, or WebDriver BiDi.

Both take the same input actions, and each engine here speaks one of the two."""

from __future__ import annotations

import base64
import json
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import requests
from websocket import create_connection

START_S = 30
# WebKit's driver waits for the next time that something is painted, for ever if need be.
KEEP_PAINTING = """
const dot = document.createElement("i");
dot.style.cssText = "position: fixed; right: 0; bottom: 0; width: 1px; height: 1px";
document.body.append(dot);
let left = 100;
const timer = setInterval(() => {
  dot.style.background = left % 2 ? "#8882" : "#8883";
  if (--left === 0) clearInterval(timer), dot.remove();
}, 20);
"""
Json = dict[str, Any]


class Driver(Protocol):
    """One page of one person."""

    # Whether fingers reach the page as touches.
    has_touch: bool

    def go(self, url: str) -> None: ...

    def back(self) -> None: ...

    def reload(self) -> None: ...

    def run(self, script: str) -> Any:
        """What the body of a function returns in the page."""

    def act(self, *sources: Json) -> None:
        """Perform input actions, and leave pressed what they press."""

    def release(self) -> None:
        """Release all that is pressed."""

    def resize(self, width: int, height: int) -> None: ...

    def picture(self) -> bytes: ...

    def close(self) -> None: ...


def as_json(script: str) -> str:
    """A function body whose result has the same form in both protocols."""
    return f"return JSON.stringify((() => {{ {script} }})() ?? null)"


class Classic:
    """WebDriver: Chromium and WebKit."""

    def __init__(self, server: str, capabilities: Json, has_touch: bool) -> None:
        self.has_touch = has_touch
        self.session = f"{server}/session"
        made = self.ask("POST", "", {"capabilities": {"alwaysMatch": capabilities}})
        self.session += f"/{made['sessionId']}"

    def ask(self, method: str, path: str, body: Json | None = None) -> Any:
        answer = requests.request(method, self.session + path, json=body, timeout=60)
        value = answer.json()["value"]
        assert answer.ok, value
        return value

    def go(self, url: str) -> None:
        self.ask("POST", "/url", {"url": url})

    def back(self) -> None:
        self.ask("POST", "/back", {})

    def reload(self) -> None:
        self.ask("POST", "/refresh", {})

    def run(self, script: str) -> Any:
        body = {"script": as_json(script), "args": []}
        return json.loads(self.ask("POST", "/execute/sync", body))

    def act(self, *sources: Json) -> None:
        self.ask("POST", "/actions", {"actions": sources})

    def release(self) -> None:
        self.ask("DELETE", "/actions")

    def resize(self, width: int, height: int) -> None:
        """Give the page this size; the window also has a frame."""
        size = {"width": width, "height": height}
        self.ask("POST", "/window/rect", size)
        inner = dict(zip(size, self.run("return [innerWidth, innerHeight]"), strict=True))
        larger = {side: 2 * size[side] - inner[side] for side in size}
        self.ask("POST", "/window/rect", larger)

    def picture(self) -> bytes:
        self.run(KEEP_PAINTING)
        return base64.b64decode(self.ask("GET", "/screenshot"))

    def close(self) -> None:
        self.ask("DELETE", "")


@contextmanager
def serving(program: str, environment: dict[str, str]) -> Iterator[str]:
    """The address of a program that speaks WebDriver."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [program, f"--port={port}"],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        end(process)


def wait_for(port: int, process: subprocess.Popen[Any]) -> None:
    """Wait until a program listens."""
    until = time.monotonic() + START_S
    while True:
        assert process.poll() is None and time.monotonic() < until, "the driver did not start"
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.02)


def end(process: subprocess.Popen[Any]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Firefox:
    """A Firefox without windows, which itself speaks WebDriver BiDi."""

    def __init__(self, program: str, profile: Path, preferences: Json) -> None:
        lines = [
            f"user_pref({json.dumps(name)}, {json.dumps(value)});\n"
            for name, value in preferences.items()
        ]
        (profile / "user.js").write_text("".join(lines))
        options = ["--headless", "--no-remote", "--remote-debugging-port=0"]
        self.process = subprocess.Popen(
            [program, *options, "--profile", str(profile)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.socket = create_connection(
            f"{self.address()}/session", timeout=60, suppress_origin=True
        )
        self.number = 0
        self.ask("session.new", capabilities={})

    def address(self) -> str:
        """Where it listens, as it says itself."""
        assert self.process.stderr
        for line in self.process.stderr:
            _, found, address = line.partition("WebDriver BiDi listening on ")
            if found:
                return address.strip()
        raise AssertionError("Firefox did not start")

    def ask(self, method: str, **parameters: Any) -> Any:
        self.number += 1
        command = {"id": self.number, "method": method, "params": parameters}
        self.socket.send(json.dumps(command))
        while True:
            answer = json.loads(self.socket.recv())
            if answer.get("id") == self.number:
                assert answer["type"] == "success", answer
                return answer["result"]

    def stop(self) -> None:
        self.socket.close()
        end(self.process)


class Bidi:
    """A page of Firefox, with cookies of its own."""

    def __init__(self, firefox: Firefox, ratio: float) -> None:
        self.has_touch = True
        self.firefox = firefox
        self.ratio = ratio
        self.person = firefox.ask("browser.createUserContext")["userContext"]
        made = firefox.ask("browsingContext.create", type="tab", userContext=self.person)
        self.page = made["context"]

    def ask(self, method: str, **parameters: Any) -> Any:
        return self.firefox.ask(method, context=self.page, **parameters)

    def go(self, url: str) -> None:
        self.ask("browsingContext.navigate", url=url, wait="complete")

    def back(self) -> None:
        self.ask("browsingContext.traverseHistory", delta=-1)

    def reload(self) -> None:
        self.ask("browsingContext.reload", wait="complete")

    def run(self, script: str) -> Any:
        called = self.firefox.ask(
            "script.callFunction",
            functionDeclaration=f"() => {{ {as_json(script)} }}",
            target={"context": self.page},
            awaitPromise=False,
        )
        assert called["type"] == "success", called
        return json.loads(called["result"]["value"])

    def act(self, *sources: Json) -> None:
        self.ask("input.performActions", actions=sources)

    def release(self) -> None:
        self.ask("input.releaseActions")

    def resize(self, width: int, height: int) -> None:
        size = {"width": width, "height": height}
        self.ask("browsingContext.setViewport", viewport=size, devicePixelRatio=self.ratio)

    def picture(self) -> bytes:
        return base64.b64decode(self.ask("browsingContext.captureScreenshot")["data"])

    def close(self) -> None:
        self.firefox.ask("browser.removeUserContext", userContext=self.person)
