"""python -m survey serve, as an owner runs it."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import pytest
from flask import Flask

from survey.storage import database, store
from survey.storage.open_study import open_study
from survey.web import serve as production_server
from survey.web import worker
from tests.paths import ROOT
from tests.survey.conftest import Served, Visitor, make_study, run
from tests.survey.postgresql import Cluster
from tests.survey.production import LONGEST_S, Server, free_port

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


@pytest.mark.slow
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
        assert store.all_participants(connection) == []
    opened.engine.dispose()


def test_as_many_processes_as_asked_for(folder: Path, production: Start) -> None:
    server = production(folder, "--workers", "3")
    # It answers as soon as the first one does.
    until = time.monotonic() + LONGEST_S
    while len(server.workers()) < 3 and time.monotonic() < until:
        time.sleep(0.05)
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


AWAY = "; trying again"


def lose_worker(server: Server, times: int) -> None:
    """A process dies, and the one that replaces it does not find the database."""
    os.kill(server.workers()[0], signal.SIGKILL)
    wait_until(server, lambda: server.output.read_text().count(AWAY) >= times)


def wait_until(server: Server, happened: Callable[[], bool]) -> None:
    until = time.monotonic() + LONGEST_S
    while not happened():
        assert server.process.poll() is None, server.output.read_text()
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_process_that_dies_while_the_database_is_away_is_replaced_when_it_is_back(
    cluster: Cluster, tmp_path: Path, production: Start
) -> None:
    """The replacement ended the whole server."""
    folder = make_study(tmp_path, database=cluster.new_database("replaced"))
    server = production(folder, "--workers", "1")
    visitor = visitor_of(server)
    visitor.start()
    cluster.stop()
    try:
        lose_worker(server, 1)
        time.sleep(2 * worker.RETRY_S)
        assert server.output.read_text().count(AWAY) == 1
    finally:
        cluster.start()
    assert visitor.vote(1).status_code == 200
    cluster.stop()
    try:
        lose_worker(server, 2)
        assert server.stop() == 0
    finally:
        cluster.start()


FILES = ("study.toml", "keys.json", "stimuli.csv")


@pytest.mark.parametrize("broken", ["an entry", "the design", "every file"])
def test_a_process_is_replaced_whatever_was_done_to_the_files(
    folder: Path, production: Start, broken: str
) -> None:
    """The replacement could not read them, and ended the whole server."""
    server = production(folder, "--workers", "1")
    visitor = visitor_of(server)
    visitor.start()
    assert visitor.vote(1).status_code == 200
    file = folder / "study.toml"
    if broken == "an entry":
        file.write_text("bogus = 1\n" + file.read_text())
    elif broken == "the design":
        file.write_text(file.read_text().replace("pairs_per_person = 5", "pairs_per_person = 4"))
    else:
        for name in FILES:
            (folder / name).write_text("no")
        shutil.rmtree(folder / "stimuli")
    lost = server.workers()[0]
    os.kill(lost, signal.SIGKILL)
    wait_until(server, lambda: server.workers() not in ([lost], []))
    assert visitor.vote(2).status_code == 200
    new = visitor_of(server)
    assert new.start().url.endswith("/question#begin") and new.question()["total"] == 7
    said = server.output.read_text()
    assert AWAY not in said and "Traceback" not in said
    assert server.stop() == 0


def test_a_process_that_finds_no_database_file_waits_for_it(
    folder: Path, production: Start
) -> None:
    server = production(folder, "--workers", "1")
    visitor = visitor_of(server)
    visitor.start()
    for name in ("study.db", "study.db-wal", "study.db-shm"):
        if (folder / name).exists():
            (folder / name).rename(folder / f"{name}.away")
    lose_worker(server, 1)
    assert f"{folder / 'study.db'} is missing" in server.output.read_text()
    for away in folder.glob("*.away"):
        away.rename(away.with_suffix(""))
    assert visitor.vote(1).status_code == 200


def test_a_database_that_is_not_there_at_the_start_is_one_line(
    cluster: Cluster, tmp_path: Path
) -> None:
    folder = make_study(tmp_path, database=cluster.new_database("elsewhere"))
    file = folder / "study.toml"
    file.write_text(file.read_text().replace(f":{cluster.port}/", f":{free_port()}/"))
    said = run("serve", folder)
    assert said.returncode == 2 and said.stdout == "" and said.stderr.count("\n") == 1
    assert f"{folder}: the database cannot be used (" in said.stderr


def test_on_windows_people_behind_a_proxy_are_told_apart(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, started = folder / "study.toml", []
    text = file.read_text().replace("starts_per_minute = 60", "starts_per_minute = 1")
    file.write_text(text.replace("behind_proxy = false", "behind_proxy = true"))

    def serve(app: Flask, clear_untrusted_proxy_headers: bool = True, **_: object) -> None:
        """Waitress, which is installed on Windows only, as far as headers of proxies go."""
        if clear_untrusted_proxy_headers:
            inside = app.wsgi_app
            app.wsgi_app = lambda environ, start: inside(  # type: ignore[method-assign]
                {name: environ[name] for name in environ if "FORWARDED" not in name}, start
            )
        served = Served(app)
        for address in ("192.0.2.1", "192.0.2.2", "192.0.2.2"):
            visitor = Visitor(served.address)
            visitor.browser.headers["X-Forwarded-For"] = address
            started.append(visitor.start().status_code)
        served.stop()

    monkeypatch.setitem(sys.modules, "waitress", SimpleNamespace(serve=serve))
    monkeypatch.setattr("survey.web.serve.sys", SimpleNamespace(platform="win32"))
    production_server.serve(open_study(folder, asking=True), "127.0.0.1", 8000, workers=2)
    assert started == [200, 200, 429]
