"""Fetching from a real server on this machine: what arrives is whole and verified, or not there."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import gdown
import numpy as np
import pytest
from typer.testing import CliRunner

from methods.__main__ import app
from methods.base import MethodError
from methods.errors import run_command_line
from methods.weights import WeightsError, registry, store
from methods.weights.content import git_blob
from methods.weights.fetch import fetch
from methods.weights.files import find
from methods.weights.registry import Registry
from tests.paths import ROOT

CONTENT = np.random.default_rng(0).bytes(3_000_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
BLOB = hashlib.sha1(b"blob %d\0" % len(CONTENT) + CONTENT).hexdigest()
MD5 = hashlib.md5(CONTENT).hexdigest()
# A multiple of what is written at a time: less is lost when a connection breaks.
CUT = 1 << 20
PAGE = b"<!DOCTYPE html><html><title>Quota exceeded</title></html>"


class Server(ThreadingHTTPServer):
    """Serves CONTENT at /whole, and at other paths what servers do wrong.

    asked: path and Range header of each request; cuts: how often /flaky and /no-ranges hang up
    after CUT bytes; then they serve the whole, the first one also the rest of it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[tuple[str, str | None]] = []
        self.cuts = 1

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{path}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        span = self.headers.get("Range")
        self.server.asked.append((self.path, span))
        if self.path == "/page":
            self._send(200, PAGE)
        elif self.path == "/wrong":
            self._send(200, CONTENT[:-1] + b"?")
        elif self.path == "/short":
            self._send(200, CONTENT[:-5])
        elif self.path in ("/flaky", "/no-ranges") and self.server.cuts:
            self.server.cuts -= 1
            self._send(200, CONTENT, cut=CUT)
        elif self.path == "/flaky" and span:
            begin = int(span.removeprefix("bytes=").removesuffix("-"))
            self._send(206, CONTENT[begin:], begin=begin)
        elif self.path in ("/whole", "/flaky", "/no-ranges"):
            self._send(200, CONTENT)
        else:
            self.send_error(404)

    def _send(
        self, status: int, body: bytes, begin: int | None = None, cut: int | None = None
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if begin is not None:
            end = len(CONTENT)
            self.send_header("Content-Range", f"bytes {begin}-{end - 1}/{end}")
        self.end_headers()
        # A client that only wants the rest hangs up on the whole.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.wfile.write(body if cut is None else body[:cut])
        self.close_connection = True

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where weights are kept."""
    monkeypatch.setenv("INPAINTING_WEIGHTS", str(tmp_path / "kept"))
    return tmp_path / "kept"


def known(*urls: str, **of_file: Any) -> Registry:
    """A registry with the weights `net`, of one file."""
    file = {"name": "net.bin", "urls": list(urls), "size": len(CONTENT), **of_file}
    variant = {"about": "made up", "format": "pytorch", "files": [file]}
    weights = {
        "title": "Net",
        "citation": "Nobody, 2020",
        "homepage": "https://example.org/",
        "code_licence": "MIT",
        "weights_licence": "CC0",
        "marker": "first.weight",
        "default": "only",
        "variants": {"only": variant},
    }
    return Registry.model_validate({"weights": {"net": weights}})


def final(kept: Path) -> Path:
    return kept / "net" / "only" / "net.bin"


def partial_bytes(kept: Path) -> int:
    return sum(path.stat().st_size for path in kept.rglob("*.part"))


def failure(registry: Registry) -> str:
    with pytest.raises(WeightsError) as caught:
        fetch("net", known=registry, retries=0)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("checksums", "checked"),
    [
        ({"sha256": SHA256}, ["size", "SHA-256"]),
        ({"git_blob": BLOB}, ["size", "git blob"]),
        ({"md5": MD5}, ["size", "MD5"]),
        ({"size": None}, []),
    ],
)
def test_a_file_is_stored_and_told_how_far_it_was_verified(
    server: Server, kept: Path, checksums: dict[str, Any], checked: list[str]
) -> None:
    done = []
    (got,) = fetch(
        "net",
        known=known(server.url("whole"), **checksums),
        progress=lambda name, here, total: done.append((name, here, total)),
    )
    assert got.path == final(kept) and got.path.read_bytes() == CONTENT and got.new
    assert got.record.sha256 == SHA256 and got.record.checked == checked
    assert done[-1] == ("net.bin", len(CONTENT), len(CONTENT))
    assert store.record_of(got.path) == got.record
    assert not list(kept.rglob("*.part"))


def test_git_names_the_blob_the_same(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    done = subprocess.run(["git", "hash-object", path], capture_output=True, text=True, check=True)
    assert git_blob(path) == done.stdout.strip()


def test_what_is_there_is_not_fetched_again(server: Server) -> None:
    for new in (True, False):
        (got,) = fetch("net", known=known(server.url("whole")))
        assert got.new is new
    assert len(server.asked) == 1


def test_a_changed_file_is_fetched_again(server: Server, kept: Path) -> None:
    fetch("net", known=known(server.url("whole")))
    final(kept).write_bytes(b"something else")
    (got,) = fetch("net", known=known(server.url("whole")))
    assert got.new and final(kept).read_bytes() == CONTENT


def test_a_file_put_there_by_hand_is_taken_if_it_is_the_right_one(
    server: Server, kept: Path
) -> None:
    final(kept).parent.mkdir(parents=True)
    final(kept).write_bytes(CONTENT)
    (got,) = fetch("net", known=known(server.url("whole"), sha256=SHA256))
    assert not got.new and server.asked == []


@pytest.mark.parametrize(
    ("path", "of_file", "said"),
    [
        ("wrong", {"sha256": SHA256}, f"has SHA-256 .*, {SHA256} was expected"),
        ("wrong", {"git_blob": BLOB}, f"has git blob .*, {BLOB} was expected"),
        ("wrong", {"md5": MD5}, f"has MD5 .*, {MD5} was expected"),
        ("short", {}, "has size 2999995, 3000000 was expected"),
        ("page", {"size": None}, "a web page, .*net.bin was expected"),
        ("nowhere", {}, "answered 404 Not Found"),
    ],
)
def test_what_is_not_the_file_is_refused(
    server: Server, kept: Path, path: str, of_file: dict[str, Any], said: str
) -> None:
    message = failure(known(server.url(path), **of_file))
    assert re.search(said, message) and "--weights net=PATH" in message
    assert not final(kept).exists() and partial_bytes(kept) == 0


def test_no_server(kept: Path) -> None:
    with Server() as closed:
        url = closed.url("whole")
    assert "no connection to 127.0.0.1" in failure(known(url))
    assert not final(kept).exists()


def test_a_broken_transfer_goes_on_where_it_broke_off(server: Server, kept: Path) -> None:
    flaky = known(server.url("flaky"), sha256=SHA256)
    assert "broke off after 1,048,576 bytes; the same command resumes" in failure(flaky)
    assert not final(kept).exists() and partial_bytes(kept) == CUT
    fetch("net", known=flaky)
    assert final(kept).read_bytes() == CONTENT
    assert server.asked[-1] == ("/flaky", f"bytes={CUT}-")
    assert partial_bytes(kept) == 0


def test_a_server_that_cannot_go_on_begins_anew(server: Server, kept: Path) -> None:
    stubborn = known(server.url("no-ranges"), sha256=SHA256)
    failure(stubborn)
    fetch("net", known=stubborn)
    assert final(kept).read_bytes() == CONTENT and partial_bytes(kept) == 0


@pytest.mark.slow
def test_a_transfer_is_tried_again_by_itself(server: Server, kept: Path) -> None:
    fetch("net", known=known(server.url("flaky"), sha256=SHA256), retries=1)
    assert final(kept).read_bytes() == CONTENT
    assert server.asked == [("/flaky", None), ("/flaky", f"bytes={CUT}-")]


def test_the_next_address_is_tried(server: Server, kept: Path) -> None:
    urls = [server.url(path) for path in ("nowhere", "page", "flaky", "whole")]
    (got,) = fetch("net", known=known(*urls, sha256=SHA256), retries=0)
    assert got.record.url == urls[-1] and got.path.read_bytes() == CONTENT
    assert partial_bytes(kept) == 0


def test_all_addresses_that_failed_are_named(server: Server) -> None:
    message = failure(known(server.url("nowhere"), server.url("page")))
    assert "answered 404" in message and "a web page" in message


def test_a_folder_that_cannot_be_written(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("INPAINTING_WEIGHTS", str(tmp_path / "file"))
    assert "cannot be stored: Not a directory" in failure(known(server.url("whole")))


FULL_DISK = """
import resource, sys
from pathlib import Path
from methods.weights.fetch import fetch
from methods.weights.registry import load
resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))
fetch("net", known=load(Path(sys.argv[1])))
"""


def toml(known: Registry) -> str:
    """A registry as a file."""
    weights = known.weights["net"]
    file = weights.variants["only"].files[0]
    plain = {
        key: value
        for key, value in weights.model_dump().items()
        if isinstance(value, str) and key != "variants"
    }
    of_file = {key: value for key, value in file.model_dump().items() if value is not None}
    return "\n".join(
        [
            "[weights.net]",
            *(f"{key} = {json.dumps(value)}" for key, value in plain.items()),
            "[weights.net.variants.only]",
            'about = "made up"',
            'format = "pytorch"',
            "[[weights.net.variants.only.files]]",
            *(f"{key} = {json.dumps(value)}" for key, value in of_file.items()),
        ]
    )


@pytest.mark.skipif(sys.platform == "win32", reason="limits a process in the way of Unix")
def test_a_disk_that_is_full(server: Server, kept: Path, tmp_path: Path) -> None:
    (tmp_path / "registry.toml").write_text(toml(known(server.url("whole"))))
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, tmp_path / "registry.toml"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "INPAINTING_WEIGHTS": str(kept)},
    )
    last = done.stderr.strip().splitlines()[-1]
    assert "WeightsError" in last and "cannot be stored: File too large" in last
    assert not final(kept).exists()


def in_folder(monkeypatch: pytest.MonkeyPatch, server: Server, *names: str) -> Registry:
    """A registry whose file is in a Drive folder with these files, played by the server."""
    listed = [
        type("Listed", (), {"id": f"id{i}", "path": f"sub/{name}"}) for i, name in enumerate(names)
    ]
    monkeypatch.setattr("gdown.download_folder", lambda *_, **__: listed)
    original = gdown.download

    def download(url: str, *args: Any, **kwargs: Any) -> Any:
        server.asked.append((url, None))
        return original(server.url("whole"), *args, **kwargs)

    monkeypatch.setattr("gdown.download", download)
    return known("https://drive.google.com/drive/folders/" + "x" * 33, sha256=SHA256)


def test_of_a_drive_folder_the_file_is_picked_by_name(
    server: Server, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch("net", known=in_folder(monkeypatch, server, "readme.txt", "net.bin", "other.bin"))
    assert server.asked[0] == ("https://drive.google.com/uc?id=id1", None)
    assert final(kept).read_bytes() == CONTENT


def test_a_drive_folder_without_the_file_tells_what_it_holds(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = failure(in_folder(monkeypatch, server, "a.bin", "b.bin"))
    assert "0 files net.bin in the folder, which holds a.bin, b.bin" in message


def test_unknown_names(server: Server) -> None:
    with pytest.raises(ValueError, match="unknown weights 'nett', did you mean 'net'"):
        fetch("nett", known=known(server.url("whole")))
    with pytest.raises(ValueError, match="net has no variant 'big'; known: only"):
        fetch("net", "big", known=known(server.url("whole")))


def command(monkeypatch: pytest.MonkeyPatch, known: Registry, *words: str) -> Any:
    monkeypatch.setattr(registry, "load", lambda: known)
    return CliRunner().invoke(app, list(words))


def test_fetch_and_info_on_the_command_line(
    server: Server, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = known(server.url("whole"))
    done = command(monkeypatch, shipped, "info", "net")
    assert done.exit_code == 0 and "CC0" in done.stdout
    assert "not fetched" in " ".join(done.stdout.split())
    done = command(monkeypatch, shipped, "fetch", "net")
    assert done.exit_code == 0 and f"stored: {final(kept)} (3 MB)" in done.stdout
    assert "NOT verified: no checksum is published" in done.stdout and SHA256 in done.stdout
    assert find("net", None).sha256 == SHA256 and find("net", "only").path == final(kept)
    done = command(monkeypatch, shipped, "info", "net")
    assert "size as published, NOT verified" in " ".join(done.stdout.split())


def test_verified_is_said_only_of_a_checksum(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = command(monkeypatch, known(server.url("whole"), git_blob=BLOB), "fetch", "net")
    assert "verified (size, git blob)" in done.stdout and "NOT" not in done.stdout


@pytest.mark.parametrize("words", [("fetch", "net"), ("fetch", "nett"), ("info", "nett")])
def test_errors_on_the_command_line_are_one_line_and_code_2(
    server: Server,
    kept: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
) -> None:
    monkeypatch.setattr(registry, "load", lambda: known(server.url("nowhere")))
    monkeypatch.setattr(sys, "argv", ["methods", *words])
    with pytest.raises(SystemExit) as caught:
        run_command_line(app, (MethodError, ValueError))
    message = capsys.readouterr().err
    assert caught.value.code == 2
    assert message.startswith("error: ") and len(message.strip().splitlines()) == 1
    assert not final(kept).exists()


def test_a_fetched_file_that_has_changed_is_noticed(
    server: Server, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = known(server.url("whole"))
    command(monkeypatch, shipped, "fetch", "net")
    final(kept).write_bytes(b"x" * len(CONTENT))
    with pytest.raises(WeightsError, match=r"has changed since .*python -m methods fetch net"):
        find("net", None)
