"""SQLite is a file in the study's folder; those that earlier versions made elsewhere still open."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.survey.conftest import Served, Visitor, make_study, run, write_images


def set_database(folder: Path, url: object) -> None:
    file = folder / "study.toml"
    text = file.read_text()
    assert 'database = "sqlite"' in text
    file.write_text(text.replace('database = "sqlite"', f'database = "{url}"'))


@pytest.fixture
def elsewhere(folder: Path, serve: Callable[..., Served]) -> Path:
    """The database, with a participant, outside of its study."""
    served = serve(folder)
    Visitor(served.address).start()
    served.stop()
    return (folder / "study.db").rename(folder.parent / "votes.db")


def test_a_file_by_its_whole_path_opens_with_its_votes(folder: Path, elsewhere: Path) -> None:
    set_database(folder, f"sqlite:///{elsewhere}")
    said = run("status", folder)
    assert said.returncode == 0 and "people: 1 started" in said.stdout, said


def test_no_votes_are_split_by_the_current_folder(folder: Path, elsewhere: Path) -> None:
    set_database(folder, f"sqlite:///{elsewhere.name}")
    before = sorted(elsewhere.parent.rglob("*.db"))
    for words in (["status"], ["serve"], ["export"]):
        said = run(*words, folder, *(["votes.csv"] if words == ["export"] else []))
        assert said.returncode == 2 and said.stderr.count("\n") == 1, said
        assert "study.toml: server.database = 'sqlite:///votes.db': write sqlite" in said.stderr
        assert "study.db in the study's folder: move it there" in said.stderr
    assert sorted(elsewhere.parent.rglob("*.db")) == before
    elsewhere.rename(folder / "study.db")
    text = (folder / "study.toml").read_text()
    (folder / "study.toml").write_text(text.replace("sqlite:///votes.db", "sqlite"))
    assert "people: 1 started" in run("status", folder).stdout


def test_a_file_that_is_gone_is_not_made_anew(folder: Path, tmp_path: Path) -> None:
    set_database(folder, f"sqlite:///{tmp_path}/gone.db")
    said = run("status", folder)
    assert said.returncode == 2 and "gone.db': write sqlite, or" in said.stderr
    assert not (tmp_path / "gone.db").exists()


def test_two_studies_never_share_a_database(folder: Path, elsewhere: Path, tmp_path: Path) -> None:
    other = make_study(tmp_path / "other")
    set_database(other, f"sqlite:///{elsewhere}")
    said = run("status", other)
    assert said.returncode == 2 and "the database holds another study" in said.stderr


@pytest.mark.parametrize("place", ["x.db", "FOLDER/new.db", "FOLDER/there.db"])
def test_new_studies_have_it_in_their_folder(tmp_path: Path, place: str) -> None:
    (tmp_path / "there.db").touch()
    url = f"sqlite:///{place.replace('FOLDER', str(tmp_path))}"
    words = [word for one in write_images(tmp_path / "i", 1) for word in ("--images", one)]
    said = run("create", *words, "--database", url, "--out", tmp_path / "study")
    assert said.returncode == 2 and said.stderr.count("\n") == 1
    assert f"--database {url}: write sqlite, or postgresql+psycopg://" in said.stderr
    assert not (tmp_path / "study").exists() and not Path("x.db").exists()


@pytest.mark.parametrize("name", ["a%41b 50%", "what?mode=ro", "été #1 'x' \"y\"", "a:b@c&d"])
def test_the_database_lies_in_the_folder_whatever_that_is_called(name: str, tmp_path: Path) -> None:
    folder = make_study(tmp_path / name)
    assert run("simulate", folder, "--people", "3").returncode == 0
    assert "people: 3 started" in run("status", folder).stdout
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (folder / "study.db").stat().st_size > 0
