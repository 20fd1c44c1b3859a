"""python -m survey serve, as an owner runs it."""

from __future__ import annotations

import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from survey import database, store
from survey.app import open_study
from tests.survey.conftest import Visitor
from tests.survey.production import ROOT, Server, free_port

Start = Callable[..., Server]


def visitor_of(server: Server) -> Visitor:
    return Visitor(f"http://127.0.0.1:{server.port}")


def test_it_says_where_it_is(folder: Path, production: Start) -> None:
    server = production(folder)
    *printed, standing = server.output.read_text().splitlines()
    address = f"http://127.0.0.1:{server.port}"
    assert [line.split()[-1] for line in printed] == [f"{address}/", f"{address}/owner"]
    assert standing == "open, 0 started so far"


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_when_told_and_says_nothing(
    folder: Path, production: Start, how: signal.Signals
) -> None:
    server = production(folder)
    visitor = visitor_of(server)
    visitor.start()
    said = server.output.read_text()
    assert server.stop(how) == 0
    assert server.output.read_text() == said
    server.start()
    assert visitor.question()["position"] == 1
    assert server.stop(how) == 0


def test_a_port_that_is_taken(folder: Path) -> None:
    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        command = [sys.executable, "-m", "survey", "serve", str(folder), "--port", str(port)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("error:") and str(port) in done.stderr


def test_a_preview_leaves_nothing(
    folder: Path, production: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    server = production(folder, "--preview")
    visitor = visitor_of(server)
    assert "PREVIEW" in visitor.start().text.upper()
    visitor.finish()
    assert any(path.name.startswith("preview-") for path in scratch.iterdir())
    assert server.stop() == 0
    assert [path.name for path in scratch.iterdir()] == []
    opened = open_study(folder)
    with database.reading(opened.engine) as connection:
        assert store.people(connection) == []
    opened.engine.dispose()


def test_as_many_processes_as_asked_for(folder: Path, production: Start) -> None:
    server = production(folder, "--workers", "3")
    assert len(server.workers()) == 3


def test_many_idle_connections_keep_nobody_out(folder: Path, production: Start) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (128, hard))
    try:
        server = production(folder)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    with ExitStack() as idle:
        for _ in range(500):
            idle.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=30))
        visitor = visitor_of(server)
        visitor.start()
        assert visitor.vote(1).status_code == 200
    assert server.stop() == 0
    assert "Error" not in server.output.read_text()
