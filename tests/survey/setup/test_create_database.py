"""A new study on a PostgreSQL, which is elsewhere: the folder and its place there, or neither."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from methods.errors import InputError
from survey.setup import create
from tests.survey.conftest import write_images
from tests.survey.postgresql import Cluster
from tests.survey.production import free_port


def wanted(folder: Path, url: str, name: str = "study") -> create.Request:
    place = folder / f"images_of_{name}"
    given = write_images(place, images=3)
    return create.Request(out=folder / name, images=given, check="telea", pairs=3, database=url)


def refused(asked: create.Request, into: list[str]) -> str:
    """Why; into: gets a word for each image that was encoded all the same."""
    with pytest.raises(InputError) as error:
        create.create(asked, create.find_images(asked), lambda: into.append("image"))
    left = {path.name for path in asked.out.parent.iterdir() if not path.name.startswith("images")}
    assert left <= {asked.out.name}
    assert ".part" not in str(error.value) and "\n" not in str(error.value)
    return str(error.value)


def test_one_that_cannot_be_reached_is_found_before_images_are_encoded(
    cluster: Cluster, tmp_path: Path
) -> None:
    url = cluster.new_database("unreached").replace(f":{cluster.port}/", f":{free_port()}/")
    encoded: list[str] = []
    said = refused(wanted(tmp_path, url), encoded)
    assert said.startswith("--database: the database cannot be used (") and encoded == []


def test_one_where_nothing_may_be_made(cluster: Cluster, tmp_path: Path) -> None:
    url = cluster.new_database("forbidden")
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("CREATE ROLE guest LOGIN")
        connection.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    encoded: list[str] = []
    said = refused(wanted(tmp_path, url.replace("postgres@", "guest@")), encoded)
    assert "permission denied for schema public" in said and encoded == []


def test_one_that_holds_another_study(cluster: Cluster, tmp_path: Path) -> None:
    url = cluster.new_database("held")
    first, second = wanted(tmp_path / "a", url), wanted(tmp_path / "b", url)
    create.create(first, create.find_images(first))
    encoded: list[str] = []
    assert "the database holds another study" in refused(second, encoded)
    assert encoded == [] and not second.out.exists()


def test_a_folder_that_gets_no_name_takes_no_database(cluster: Cluster, tmp_path: Path) -> None:
    """It stayed taken by a study that was nowhere."""
    url = cluster.new_database("taken")
    asked = wanted(tmp_path, url)

    def in_the_way() -> None:
        asked.out.mkdir(exist_ok=True)
        (asked.out / "something").touch()

    with pytest.raises(InputError, match="not empty"):
        create.create(asked, create.find_images(asked), in_the_way)
    assert [path.name for path in asked.out.iterdir()] == ["something"]
    other = wanted(tmp_path, url, "other")
    assert create.create(other, create.find_images(other)).questions == 9


def test_who_is_second_meanwhile_leaves_nothing(cluster: Cluster, tmp_path: Path) -> None:
    url = cluster.new_database("meanwhile_taken")
    first, second = wanted(tmp_path / "a", url), wanted(tmp_path / "b", url)
    # Images are encoded by several threads.
    once = iter([True])

    def make_the_other() -> None:
        if next(once, False):
            create.create(first, create.find_images(first))

    with pytest.raises(InputError, match="the database holds another study"):
        create.create(second, create.find_images(second), make_the_other)
    assert not second.out.exists() and first.out.exists()
