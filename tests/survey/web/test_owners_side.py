"""What an owner relies on: logging out, a design that stays, exports that open anywhere."""

from __future__ import annotations

import csv
import json
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from methods.errors import InputError
from survey.setup import create
from survey.storage import database, schema
from survey.study import secrets_file
from survey.web.app import create_app
from tests.command_line import run as run_command
from tests.survey.conftest import CSRF, Served, Visitor, run, write_images

Serve = Callable[..., Served]


def owner(address: str, token: str) -> Visitor:
    visitor = Visitor(address)
    found = CSRF.search(visitor.get("/owner").text)
    assert found
    visitor.csrf = found[1]
    assert visitor.post("/owner/login", {"token": token}).status_code == 200
    return visitor


def test_logging_out_ends_the_session_at_the_server(folder: Path, serve: Serve) -> None:
    token = secrets_file.new_owner_token(folder)
    served = serve(folder)
    here, elsewhere, thief = (owner(served.address, token) for _ in range(3))
    thief.browser.cookies.update(here.browser.cookies)
    assert thief.get("/owner").status_code == 200
    here.post("/owner/logout")
    assert thief.get("/owner").status_code == 401
    assert thief.get("/owner/export.zip").status_code == 401
    assert elsewhere.get("/owner").status_code == 200


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ("ties = false", "ties = true", "ties"),
        ("pairs_per_person = 5", "pairs_per_person = 6", "pairs_per_person"),
        ("checks_per_person = 2", "checks_per_person = 1", "checks_per_person"),
        ('check_method = "telea"', 'check_method = "patchmatch"', "check_method"),
        ('against = ""', 'against = "telea"', "against"),
    ],
)
def test_the_design_stays_once_people_have_started(
    folder: Path, serve: Serve, tmp_path: Path, old: str, new: str, name: str
) -> None:
    file = folder / "study.toml"
    before = file.read_text()
    visitor = Visitor(serve(folder).address)
    visitor.start()
    visitor.vote(1)
    file.write_text(before.replace(old, new))
    assert file.read_text() != before
    said = run("serve", folder, "--port", "8731")
    assert said.returncode == 2 and said.stderr.count("\n") == 1
    assert f"study.toml: design.{name} = " in said.stderr and "set it back" in said.stderr
    assert run("export", folder, tmp_path / "votes.csv").returncode == 0
    assert len((tmp_path / "votes.csv").read_text().splitlines()) == 2
    file.write_text(before)
    create_app(folder)


def test_the_design_may_change_before_anybody_starts(folder: Path) -> None:
    file = folder / "study.toml"
    file.write_text(file.read_text().replace("ties = false", "ties = true"))
    create_app(folder)


def test_a_design_that_cannot_be_asked_keeps_no_answers(
    folder: Path, serve: Serve, tmp_path: Path
) -> None:
    visitor = Visitor(serve(folder).address)
    visitor.start()
    visitor.finish()
    file = folder / "study.toml"
    file.write_text(file.read_text().replace("pairs_per_person = 5", "pairs_per_person = 900"))
    with pytest.raises(InputError, match="pairs_per_person = 900"):
        create_app(folder)
    assert run("export", folder, tmp_path / "votes.csv").returncode == 0
    assert run("status", folder).returncode == 0


@pytest.mark.slow
def test_names_that_look_like_formulas_are_text_in_a_spreadsheet(
    tmp_path: Path, serve: Serve
) -> None:
    given = write_images(tmp_path / "images")
    names = {"patchmatch": "@sum", "two-stage:telea": "'@sum"}
    words = [
        f"{names.get(method, method)}={folder}"
        for method, folder in (one.split("=") for one in given)
    ]
    asked = create.Request(
        out=tmp_path / "study", images=words, methods=["@sum", "'@sum", "telea"], pairs=5, checks=0
    )
    create.create(asked, create.find_images(asked))
    served = serve(tmp_path / "study")
    for _ in range(8):
        visitor = Visitor(served.address)
        visitor.start()
        visitor.finish()
    run("export", tmp_path / "study", tmp_path / "votes.csv")
    for name in ("votes.csv", "shown.csv"):
        with (tmp_path / name).open(encoding="utf-8", newline="") as file:
            cells = {cell for row in csv.reader(file) for cell in row}
        assert {"'@sum", "''@sum", "telea"} <= cells
        assert not any(cell.startswith(("=", "+", "-", "@")) for cell in cells)
    # The analysis has the names as they are.
    out = tmp_path / "ranking"
    done = run_command("analysis", "rank", tmp_path / "votes.csv", "--out", out, "--samples", "100")
    assert done.returncode == 0, done.stderr
    ranked = {row["method"] for row in csv.DictReader((out / "ranking.csv").open())}
    assert ranked == {"@sum", "'@sum", "telea"}


def test_what_somebody_withdraws_is_gone_at_once(folder: Path, serve: Serve) -> None:
    """While the study goes on, from SQLite's log too."""
    served = serve(folder)
    staying = Visitor(served.address)
    staying.start("?PROLIFIC_PID=staying-id")
    leaving = Visitor(served.address)
    leaving.start("?PROLIFIC_PID=leaving-id&SESSION_ID=leaving-session")
    leaving.finish()
    assert leaving.withdraw().status_code == 200
    content = b"".join(path.read_bytes() for path in folder.glob("study.db*"))
    assert b"staying-id" in content and b"leaving" not in content
    assert json.dumps(staying.question())


@pytest.mark.slow
def test_a_reader_holds_up_neither_withdrawal_nor_votes(
    folder: Path, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Whoever waits for the reader waits longer than the visitors do.
    monkeypatch.setattr(database, "LOCK_TIMEOUT_S", 600)
    served = serve(folder)
    leaving, staying = Visitor(served.address), Visitor(served.address)
    leaving.start("?PROLIFIC_PID=leaving-id")
    staying.start()
    reader = sqlite3.connect(folder / "study.db", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM participants").fetchone()
    assert leaving.withdraw().ok and staying.vote(1).ok
    reader.execute("COMMIT")
    until = time.monotonic() + 30
    while b"leaving-id" in b"".join(each.read_bytes() for each in folder.glob("study.db*")):
        assert time.monotonic() < until
        time.sleep(0.1)


def test_the_numbers_stay_too_where_no_design_was_recorded(folder: Path, serve: Serve) -> None:
    served = serve(folder)
    Visitor(served.address).start()
    with database.writing(served.study.engine) as connection:
        connection.execute(schema.started_design.delete())
    file = folder / "study.toml"
    before = file.read_text()
    file.write_text(before.replace("pairs_per_person = 5", "pairs_per_person = 4"))
    with pytest.raises(InputError, match="people have started with 5"):
        create_app(folder)
    file.write_text(before)
    create_app(folder)
