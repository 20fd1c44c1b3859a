"""A second host: what it needs, and what it is told where something is missing or another's."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from flask import Flask, session

from survey.storage import database, schema
from survey.storage.open_study import open_study
from survey.study import config, secrets_file, stimuli
from survey.web.app import Sessions
from tests.survey.conftest import make_study, run
from tests.survey.images import sent, show_from
from tests.survey.postgresql import Cluster
from tests.survey.several import NEEDED, joined


@pytest.fixture
def made(cluster: Cluster, tmp_path: Path) -> Iterator[Path]:
    """On PostgreSQL, with images on another host."""
    name = f"joined_{tmp_path.name[-8:].replace('-', '_')}".lower()
    folder = make_study(tmp_path, database=cluster.new_database(name))
    with sent(folder / stimuli.FOLDER) as images:
        show_from(images.url, folder)
        yield folder


def test_three_files_are_all_that_it_needs(made: Path, tmp_path: Path) -> None:
    other = joined(made, tmp_path / "other")
    said = run("status", other)
    assert said.returncode == 0 and said.stdout.startswith(f"{other}: open")
    assert sum((other / name).stat().st_size for name in NEEDED) < 20_000


def test_hosts_that_meet_an_empty_database_at_once(
    cluster: Cluster, made: Path, tmp_path: Path
) -> None:
    """All but one failed on the tables that the first one was making."""
    hosts = [joined(made, tmp_path / f"host{number}") for number in range(4)]
    old = config.read(made).server.database
    for _ in range(3):
        new = cluster.new_database(f"empty_{secrets.token_hex(4)}")
        for host in hosts:
            file = host / config.FILE
            file.write_text(file.read_text().replace(old, new))
        old = new
        with ThreadPoolExecutor(len(hosts)) as together:
            for opened in together.map(open_study, hosts):
                opened.engine.dispose()


@pytest.mark.parametrize("name", NEEDED)
def test_what_is_missing_is_named(made: Path, tmp_path: Path, name: str) -> None:
    other = joined(made, tmp_path / "other")
    (other / name).unlink()
    said = run("serve", other)
    assert said.returncode == 2 and said.stderr.count("\n") == 1 and said.stdout == ""
    assert name in said.stderr


def test_images_are_needed_where_they_are_nowhere_else(cluster: Cluster, tmp_path: Path) -> None:
    folder = make_study(tmp_path, database=cluster.new_database("images_here"))
    said = run("serve", joined(folder, tmp_path / "other"))
    assert said.returncode == 2 and ".webp is missing" in said.stderr
    assert "or set server.stimuli_url" in said.stderr


def test_other_keys_are_refused(made: Path, tmp_path: Path) -> None:
    """With them, a person would be unknown on every other page, and have two completion codes."""
    other = joined(made, tmp_path / "other")
    secrets_file.create(other)
    said = run("serve", other)
    assert said.returncode == 2 and said.stderr.count("\n") == 1
    assert (
        f"{other / secrets_file.FILE}: not the keys that this study was begun with" in said.stderr
    )
    # Another token for the owner is no other key.
    assert run("token", made).returncode == 0
    assert run("status", made).returncode == 0


def test_the_database_does_not_know_the_keys(made: Path) -> None:
    opened = open_study(made)
    with database.reading(opened.engine) as connection:
        held = [
            str(value)
            for table in schema.metadata.tables.values()
            for row in connection.execute(table.select())
            for value in row
        ]
    opened.engine.dispose()
    secret = json.loads((made / secrets_file.FILE).read_text())["secret"]
    assert held and not any(secret in value or value in secret for value in held if len(value) > 3)


def test_a_study_begun_before_keys_were_compared_goes_on(made: Path) -> None:
    opened = open_study(made)
    schema.hosts.drop(opened.engine)
    opened.engine.dispose()
    assert run("status", made).returncode == 0
    secrets_file.create(made)
    assert "not the keys" in run("status", made).stderr


@pytest.mark.parametrize(("ahead_s", "known"), [(300, True), (-300, True), (-61 * 86_400, False)])
def test_cookies_of_hosts_with_other_clocks(
    monkeypatch: pytest.MonkeyPatch, ahead_s: int, known: bool
) -> None:
    """Signed on a host whose clock is ahead or behind; too old ones are refused as ever."""
    app = Flask(__name__)
    app.secret_key = "the same everywhere"
    signer = Sessions().get_signing_serializer(app)
    assert signer is not None
    now = signer.make_signer().get_timestamp()
    monkeypatch.setattr(signer.signer, "get_timestamp", lambda self: now + ahead_s)
    cookie = signer.dumps({"participant": "p-1"})
    monkeypatch.setattr(signer.signer, "get_timestamp", lambda self: now)
    app.session_interface = Sessions()
    app.add_url_rule("/", view_func=lambda: dict(session))
    client = app.test_client()
    client.set_cookie("session", cookie)
    assert ("participant" in client.get("/").json) == known
