"""Fixtures: studies on SQLite and on a real PostgreSQL, and the production server for them."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from survey.storage.open_study import OpenStudy, open_study
from tests.survey import conftest, postgresql
from tests.survey.postgresql import Cluster
from tests.survey.production import Server

SQLITE, POSTGRESQL = "sqlite", "postgresql"


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    reason = postgresql.why_not()
    if reason:
        pytest.skip(reason)
    with postgresql.running() as started:
        yield started


@pytest.fixture(params=[SQLITE, POSTGRESQL])
def backend(request: pytest.FixtureRequest) -> str:
    """A database of its own, as study.toml names it."""
    if request.param == SQLITE:
        return SQLITE
    started: Cluster = request.getfixturevalue("cluster")
    return started.new_database(f"study_{secrets.token_hex(4)}")


@pytest.fixture
def busy(tmp_path: Path, backend: str) -> Path:
    """A study that many can start at once from one address: 3 questions and one to check, which
    everybody may fail: questions of those excluded would be given again."""
    return unlimited(conftest.make_study(tmp_path, images=4, pairs=3, checks=1, database=backend))


def unlimited(folder: Path) -> Path:
    """Let everybody start from one address, and exclude nobody."""
    file = folder / "study.toml"
    text = file.read_text().replace("starts_per_minute = 60", "starts_per_minute = 90000")
    file.write_text(text.replace("max_failed_checks = 0", "max_failed_checks = 1"))
    return folder


@pytest.fixture
def watched(busy: Path) -> Iterator[OpenStudy]:
    """The same database, seen from outside."""
    opened = open_study(busy)
    yield opened
    opened.engine.dispose()


@pytest.fixture
def production() -> Iterator[Callable[..., Server]]:
    started: list[Server] = []

    def start(folder: Path, *options: str) -> Server:
        started.append(Server(folder, *options))
        started[-1].start()
        return started[-1]

    yield start
    for server in started:
        if server.process.poll() is None:
            server.kill()
