"""The files of an export: all of them or none, whatever is in their way."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet
import pytest

from survey.results.export import FILES
from tests.survey.conftest import run


@pytest.fixture
def before(tmp_path: Path) -> dict[str, str]:
    """What an export of long ago left."""
    (tmp_path / "out").mkdir()
    for name in FILES:
        (tmp_path / "out" / name).write_text(f"{name} of before")
    return content(tmp_path / "out")


def content(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir() if path.is_file()}


@pytest.mark.parametrize("file", ["votes.csv", "votes.parquet"])
def test_a_folder_in_the_way(
    folder: Path, tmp_path: Path, before: dict[str, str], file: str
) -> None:
    out = tmp_path / "out"
    (out / "payments.csv").unlink()
    (out / "payments.csv").mkdir()
    del before["payments.csv"]
    said = run("export", folder, out / file)
    assert said.returncode == 2 and said.stdout == ""
    assert said.stderr == f"error: {out}/payments.csv: a folder; rename it, or export elsewhere\n"
    assert content(out) == before


@pytest.mark.parametrize("file", ["votes.csv", "votes.parquet"])
def test_one_that_cannot_be_written(
    folder: Path, tmp_path: Path, before: dict[str, str], file: str
) -> None:
    out = tmp_path / "out"
    # Where the file is written before it takes its name.
    (out / ".shown.csv.part").mkdir()
    said = run("export", folder, out / file)
    assert said.returncode == 2 and said.stdout == "" and said.stderr.count("\n") == 1
    assert f"{out}/shown.csv: " in said.stderr
    assert content(out) == before


def test_a_suffix_in_capitals(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "out" / "votes.PARQUET"
    assert run("export", folder, file).returncode == 0
    assert "choice" in pyarrow.parquet.read_schema(file).names
    assert {path.name for path in file.parent.iterdir()} == {file.name, *FILES[1:]}


def test_parquet_without_pyarrow_leaves_everything_as_it_was(
    folder: Path,
    tmp_path: Path,
    before: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("survey.results.export.find_spec", lambda name: None)
    file = tmp_path / "out" / "votes.parquet"
    said = run("export", folder, file)
    assert said.returncode == 2 and said.stdout == ""
    assert said.stderr == (
        f"error: {file}: Parquet needs pyarrow: pip install '.[parquet]'; or name a .csv file\n"
    )
    assert content(tmp_path / "out") == before


def test_only_the_owner_can_read_them(folder: Path, tmp_path: Path) -> None:
    for file in ("votes.csv", "votes.parquet"):
        assert run("export", folder, tmp_path / "out" / file).returncode == 0
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "out").iterdir()} == {0o600}


@pytest.mark.parametrize("name", ["", "participants.csv", "study.json"])
def test_an_export_never_overwrites_its_own_votes(folder: Path, tmp_path: Path, name: str) -> None:
    out = tmp_path / "out"
    out.mkdir()
    said = run("export", folder, out / name)
    assert said.returncode == 2 and "name a file for the votes" in said.stderr
    assert list(out.iterdir()) == []


@pytest.mark.parametrize("name", ["votes.xlsx", "votes", "votes.csv.gz"])
def test_no_file_is_called_what_it_is_not(folder: Path, tmp_path: Path, name: str) -> None:
    """CSV was written under any name."""
    file = tmp_path / "out" / name
    said = run("export", folder, file)
    assert said.returncode == 2 and said.stdout == ""
    reason = "votes are written to .csv or .parquet; name such a file"
    assert said.stderr == f"error: {file}: {reason}\n"
    assert not (tmp_path / "out").exists()
