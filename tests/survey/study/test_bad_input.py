"""What an owner gets wrong is one line, exit code 2, and nothing changed."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from survey.storage import database
from tests.command_line import Done
from tests.survey.conftest import cannot_be_read, run, write_images
from tests.survey.postgresql import Cluster


def set_database(folder: Path, url: str) -> None:
    file = folder / "study.toml"
    file.write_text(file.read_text().replace('database = "sqlite"', f'database = "{url}"'))


def refused(said: Done) -> str:
    assert said.returncode == 2 and said.stdout == "" and said.stderr.count("\n") == 1, said
    return said.stderr


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg2://u@h/x", "postgresql+asyncpg://u@h/x", "postgresql+nosuch://u@h/x",
        "postgresql+psycopg_async://u@h/x", "postgresql+psycopg://u@h:port/x",
        "sqlite+aiosqlite:///x.db", "sqlite+nosuch:///x.db", "sqlite://",
        "sqlite:///:memory:", "nosuch",
    ],
)  # fmt: skip
def test_a_database_that_nobody_can_open(folder: Path, url: str) -> None:
    set_database(folder, url)
    for words in (["status", folder], ["serve", folder]):
        said = refused(run(*words))
        assert f"study.toml: server.database = '{url}': write sqlite, or postgresql+psy" in said
    out = folder.parent / "new"
    given = write_images(folder.parent / "more", images=1)
    words = [word for one in given for word in ("--images", one)]
    said = refused(run("create", *words, "--database", url, "--out", out))
    assert "write sqlite, or postgresql+psycopg://" in said and not out.exists()


def test_postgresql_without_its_driver(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    set_database(folder, "postgresql+psycopg://u@h/x")
    monkeypatch.setitem(sys.modules, "psycopg", None)
    said = refused(run("status", folder))
    assert f"{folder}: PostgreSQL needs more: pip install " in said


def test_an_address_without_a_driver_means_the_one_that_is_there(
    cluster: Cluster, tmp_path: Path
) -> None:
    """Which one SQLAlchemy takes depends on its version."""
    url = cluster.new_database("without_driver").replace("+psycopg", "")
    with database.reading(database.connect(tmp_path, url)) as connection:
        assert connection.dialect.driver == "psycopg"


def test_a_study_that_cannot_be_read(folder: Path) -> None:
    file = folder / "study.toml"
    file.unlink()
    cannot_be_read(file)
    for words in (["status"], ["serve"], ["check"], ["token"], ["close"]):
        assert f"{file}: Input/output error; run this as" in refused(run(*words, folder))


def test_a_token_that_cannot_be_written(folder: Path) -> None:
    before = (folder / "keys.json").read_text()
    # Where it is written before it takes its name.
    (folder / ".keys.json.part").mkdir()
    assert f"{folder}/keys.json: " in refused(run("token", folder))
    assert (folder / "keys.json").read_text() == before


@pytest.mark.parametrize(
    "entry, value, needed",
    [
        ("exclusion.max_failed_checks", "1.0", "a whole number, without a point or quotes"),
        ("exclusion.max_failed_checks", "0.5", "a whole number, without a point or quotes"),
        ("design.pairs_per_person", "4.0", "a whole number, without a point or quotes"),
        ("design.target_votes", '"4"', "a whole number, without a point or quotes"),
        ("server.abandoned_after_minutes", "true", "a whole number, without a point or quotes"),
        ("exclusion.min_median_ms", '"800"', "a number, without quotes"),
        ("exclusion.max_same_side", "true", "a number, without quotes"),
    ],
)
def test_a_number_of_another_kind(entry: str, value: str, needed: str, folder: Path) -> None:
    file, name = folder / "study.toml", entry.rpartition(".")[2]
    text, times = re.subn(rf"(?m)^{name} = \S+", f"{name} = {value}", file.read_text())
    assert times == 1
    file.write_text(text)
    shown = value.replace('"', "'").replace("true", "True")
    assert f"study.toml: {entry} = {shown}: must be {needed}" in refused(run("status", folder))


def test_a_median_that_nobody_reaches(folder: Path) -> None:
    """With infinity every vote would be left out."""
    file = folder / "study.toml"
    file.write_text(file.read_text().replace("min_median_ms = 0.0", "min_median_ms = inf"))
    assert "exclusion.min_median_ms = inf: input should be a" in refused(run("status", folder))
