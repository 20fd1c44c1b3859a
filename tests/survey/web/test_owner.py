"""What the owner sees and does: the dashboard, exports, the command line; who is valid."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.ranking.ranking import Settings, rank
from analysis.votes import exclusions, votes
from survey.results import participants
from survey.results.validity import Statistics, exclusion_reason
from survey.storage import database
from survey.storage.open_study import open_study
from survey.storage.tallies import FinishedCounts, pair_counts
from survey.study import secrets_file
from survey.study.config import Exclusion
from survey.web.app import create_app
from tests.survey.conftest import Served, Visitor, attentive, make_study, run, shown

Serve = Callable[..., Served]
STRENGTH = {"two-stage:telea": 2, "patchmatch": 1, "telea": 0}


@pytest.fixture(scope="module")
def voted_study(untouched: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six attentive people, who mostly prefer the stronger method; one hasty, one on the way."""
    rng = np.random.default_rng(0)
    folder = shutil.copytree(untouched, tmp_path_factory.mktemp("voted") / "study")
    served = Served(create_app(Path(folder)))

    def prefer(asked: dict) -> str:
        left, right = shown(asked, served.study)
        if "reference" in (left, right):
            return attentive(served.study)(asked)
        better = "left" if STRENGTH[left] > STRENGTH[right] else "right"
        return better if rng.random() < 0.8 else {"left": "right", "right": "left"}[better]

    for number in range(6):
        visitor = Visitor(served.address)
        visitor.start(f"?PROLIFIC_PID=worker{number}&STUDY_ID=s")
        visitor.finish(prefer)
    careless = Visitor(served.address)
    careless.start("?PROLIFIC_PID=hasty")
    careless.finish(lambda asked: "right" if attentive(served.study)(asked) == "left" else "left")
    going = Visitor(served.address)
    going.start()
    going.vote(1, attentive(served.study)(going.question()))
    served.stop()
    return Path(folder)


@pytest.fixture
def voted(voted_study: Path, tmp_path: Path, serve: Serve) -> Served:
    return serve(Path(shutil.copytree(voted_study, tmp_path / "study")))


@pytest.fixture
def owner(voted: Served) -> Visitor:
    """Logged in with a token of their own."""
    token = secrets_file.new_owner_token(voted.study.folder)
    new_secrets = secrets_file.read(voted.study.folder)
    object.__setattr__(voted.study, "secrets", new_secrets)
    visitor = Visitor(voted.address)
    visitor.csrf = re.search(r'csrf_token" value="([^"]+)"', visitor.get("/owner").text)[1]
    answer = visitor.post("/owner/login", {"token": token})
    assert answer.status_code == 200 and answer.url.endswith("/owner")
    visitor.csrf = re.search(r'csrf_token" value="([^"]+)"', answer.text)[1]
    return visitor


def test_the_dashboard_needs_the_token(voted: Served) -> None:
    visitor = Visitor(voted.address)
    for path in ("/owner", "/owner/export.zip"):
        answer = visitor.get(path)
        assert answer.status_code == 401 and "patchmatch" not in answer.text
    visitor.csrf = re.search(r'csrf_token" value="([^"]+)"', visitor.get("/owner").text)[1]
    refused = visitor.post("/owner/login", {"token": "guess"})
    assert refused.status_code == 401 and "not the owner&#39;s token" in refused.text
    assert visitor.post("/owner/state", {"state": "closed"}).status_code == 401
    assert Visitor(voted.address).start().url.endswith("/question#begin")


def test_the_dashboard_tells_how_the_study_stands(owner: Visitor, voted: Served) -> None:
    from survey.results.board import board

    found = board(voted.study)
    assert found["people"] == {
        "started": 8, "active": 1, "finished": 7, "abandoned": 0, "withdrawn": 0, "excluded": 1,
        "valid": 6,
    }  # fmt: skip
    assert found["votes"]["valid"] == 30
    assert found["reasons"] == [("failed a validation question", 1)]
    assert found["median_ms"] == 1000 and found["per_hour"][-1][1] + found["per_hour"][-2][1] > 30
    assert sum(number for row in found["pairs"]["rows"] for number in row if number) == 60
    # On images as by pairs.
    assert sum(votes for _, votes, _ in found["images"]) == 30
    page = owner.get("/owner").text
    assert "Valid votes by image" in page and "Valid votes by pair" in page
    for text in (*STRENGTH, "failed a validation question", "photo0"):
        assert text in page, text


@pytest.mark.slow
def test_the_live_ranking_is_that_of_the_analysis(voted: Served, tmp_path: Path) -> None:
    """The export, ranked from files, against the dashboard's own."""
    from survey.results.board import board

    said = run("export", voted.study.folder, tmp_path / "out/votes.csv")
    assert said.returncode == 0, said.stderr
    valid, flow = exclusions.apply(
        votes.read(tmp_path / "out/votes.csv"),
        exclusions.Rules(participants=tmp_path / "out/participants.csv"),
    )
    assert flow[-1].left_votes == 30 and flow[-1].left_participants == 6
    ranked = rank(valid, Settings())
    live = board(voted.study)["ranking"]
    assert [row["method"] for row in live] == [row.method for row in ranked.rows]
    for mine, theirs in zip(live, ranked.rows, strict=True):
        assert mine["ability"] == pytest.approx(theirs.ability, abs=1e-8)
        assert (mine["wins"], mine["losses"]) == (theirs.wins, theirs.losses)
        limits = mine["ci_low"], mine["ci_high"]
        assert limits == pytest.approx((theirs.ci_low, theirs.ci_high), abs=1e-6)


def test_export_in_the_browser_is_that_of_the_command_line(
    owner: Visitor, voted: Served, tmp_path: Path
) -> None:
    archive = zipfile.ZipFile(io.BytesIO(owner.get("/owner/export.zip").content))
    run("export", voted.study.folder, tmp_path / "votes.csv")
    names = {"votes.csv", "participants.csv", "payments.csv", "shown.csv", "study.json"}
    assert set(archive.namelist()) == names
    for name in names - {"study.json"}:
        assert archive.read(name).decode() == (tmp_path / name).read_text()


def test_votes_as_parquet_are_those_of_the_csv(voted: Served, tmp_path: Path) -> None:
    for name in ("text/votes.csv", "packed/votes.parquet"):
        assert run("export", voted.study.folder, tmp_path / name).returncode == 0
    packed = pd.read_parquet(tmp_path / "packed" / "votes.parquet", dtype_backend="pyarrow")
    rows = table(tmp_path / "text" / "votes.csv")
    assert list(packed) == list(rows[0])
    shown = packed.astype(str).where(packed.notna(), "").to_dict("records")
    assert shown == rows
    assert packed["response_ms"].dtype.kind == "i" and (tmp_path / "packed/shown.csv").exists()
    ranked = [
        rank(votes.read(tmp_path / name), Settings(samples=50)).rows
        for name in ("text/votes.csv", "packed/votes.parquet")
    ]
    assert ranked[0] == ranked[1]


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_what_is_exported(voted: Served, tmp_path: Path) -> None:
    run("export", voted.study.folder, tmp_path / "votes.csv")
    rows = table(tmp_path / "votes.csv")
    assert list(rows[0]) == [
        "participant", "question", "image", "left", "right", "choice", "is_check", "check_passed",
        "response_ms", "answered_at",
    ]  # fmt: skip
    assert len(rows) == 7 * 7 + 1
    assert all((row["check_passed"] == "") == (row["is_check"] == "0") for row in rows)
    people = table(tmp_path / "participants.csv")
    assert [row["status"] for row in people] == ["finished"] * 7 + ["active"]
    assert [row["reason"] for row in people if row["excluded"] == "1"] == [
        "failed a validation question", "not finished",
    ]  # fmt: skip
    # What people did stays; who they are is in one file only.
    texts = {path.name: path.read_text() for path in tmp_path.iterdir() if path.is_file()}
    assert [name for name, text in texts.items() if "worker3" in text] == ["payments.csv"]
    payments = table(tmp_path / "payments.csv")
    assert payments[3]["platform_id"] == "worker3" and json.loads(payments[3]["session"]) == {
        "STUDY_ID": "s"
    }
    assert payments[7]["completion_code"] == ""
    given = table(tmp_path / "shown.csv")
    assert len(given) == 8 * 7 and sum(row["answered"] == "1" for row in given) == len(rows)
    study = json.loads((tmp_path / "study.json").read_text())
    assert study["simulated"] is False and study["valid_votes"] == 30
    assert study["study"]["question"] and len(study["stimuli"]) == 6 * 4
    for word in ("secret", "sqlite", "completion"):
        assert word not in texts["study.json"]


def test_pause_close_and_open_again(owner: Visitor, voted: Served) -> None:
    for state, status in (("paused", 403), ("closed", 403), ("open", 200)):
        assert owner.post("/owner/state", {"state": state}).status_code == 200
        assert Visitor(voted.address).start().status_code == status
    assert owner.post("/owner/state", {"state": "exploded"}).status_code == 400


def test_leaving_ends_the_login(owner: Visitor) -> None:
    owner.post("/owner/logout")
    assert owner.get("/owner").status_code == 401


def test_the_terminal_shows_it_too(voted: Served) -> None:
    said = run("status", voted.study.folder)
    assert said.returncode == 0
    assert "valid 30" in said.stdout and "1 failed a validation question" in said.stdout
    assert re.search(r"1  two-stage:telea", said.stdout)
    assert run("close", voted.study.folder).returncode == 0
    assert ": closed" in run("status", voted.study.folder).stdout
    token = run("token", voted.study.folder).stdout.split("shown only now: ")[1].split()[0]
    assert secrets_file.read(voted.study.folder).is_owner(token)


@pytest.mark.parametrize("words", [["status"], ["serve"], ["close"], ["token"], ["export"]])
def test_a_folder_that_is_no_study(tmp_path: Path, words: list[str]) -> None:
    said = run(*words, tmp_path, *(["votes.csv"] if words == ["export"] else []))
    assert said.returncode == 2 and "is not a study" in said.stderr and said.stderr.count("\n") == 1


def test_answers_are_there_without_the_images(voted: Served, tmp_path: Path) -> None:
    folder = voted.study.folder
    some = next((folder / "stimuli").iterdir())
    some.unlink()
    assert "valid 30" in run("status", folder).stdout
    said = run("export", folder, tmp_path / "votes.csv")
    assert said.returncode == 0 and len(table(tmp_path / "votes.csv")) == 7 * 7 + 1
    for command in ("serve", "check"):
        said = run(command, folder)
        assert said.returncode == 2 and str(some) in said.stderr and said.stderr.count("\n") == 1
    shutil.rmtree(folder / "stimuli")
    assert run("close", folder).returncode == 0
    assert ": closed" in run("status", folder).stdout


def test_a_study_with_parts_missing(folder: Path) -> None:
    (folder / "stimuli.csv").rename(folder / "away.csv")
    assert "stimuli.csv" in run("status", folder).stderr
    (folder / "away.csv").rename(folder / "stimuli.csv")
    (folder / "keys.json").unlink()
    assert run("status", folder).returncode == 2


def test_a_broken_database_is_one_line(folder: Path) -> None:
    (folder / "study.db").write_bytes(b"not a database, but long enough to look like one" * 50)
    said = run("status", folder)
    assert said.returncode == 2 and "the database cannot be used" in said.stderr
    assert said.stderr.count("\n") == 1


ONE_SIDE = "more than 90 % on one side"
GOOD = Statistics(
    answered=25,
    decided=25,
    checks=2,
    checks_failed=0,
    median_ms=4000,
    left_share=0.5,
    median_server_ms=4500,
    median_shorter_ms=4000,
)


@pytest.mark.parametrize(
    ("answers", "finished", "rules", "why"),
    [
        (GOOD, True, {}, ""),
        (GOOD._replace(checks_failed=1), True, {}, "failed a validation question"),
        (GOOD._replace(checks_failed=1), True, {"max_failed_checks": 1}, ""),
        (GOOD._replace(checks_failed=2), True, {"max_failed_checks": 1},
         "failed 2 or more validation questions"),
        (GOOD, False, {}, "not finished"),
        (GOOD, False, {"unfinished": False}, ""),
        (GOOD, True, {"min_median_ms": 5000}, "median answer under 5000 ms"),
        (GOOD._replace(median_shorter_ms=900), True, {"min_median_ms": 1000},
         "median answer under 1000 ms"),
        (GOOD._replace(left_share=0.96), True, {"max_same_side": 0.9}, ONE_SIDE),
        (GOOD._replace(left_share=0.04), True, {"max_same_side": 0.9}, ONE_SIDE),
        (GOOD._replace(left_share=1.0), True, {}, ""),
        (GOOD._replace(left_share=1.0, decided=4), True, {"max_same_side": 0.9}, ""),
        (Statistics(0, 0, 0, 0, None, None), False, {}, "not finished"),
    ],
)  # fmt: skip
def test_rules_of_validity(answers: Statistics, finished: bool, rules: dict, why: str) -> None:
    assert (
        exclusion_reason(answers, finished, Exclusion(**{"max_failed_checks": 0, **rules})) == why
    )


@pytest.mark.slow
def test_rules_can_be_changed_afterwards(tmp_path: Path, serve: Serve) -> None:
    folder = make_study(tmp_path)
    visitor = Visitor(serve(folder).address)
    visitor.start()
    visitor.finish(attentive(serve(folder).study))
    path = folder / "study.toml"
    path.write_text(path.read_text().replace("min_median_ms = 0.0", "min_median_ms = 2000"))
    run("export", folder, tmp_path / "votes.csv")
    assert table(tmp_path / "participants.csv")[0]["reason"] == "median answer under 2000 ms"
    assert len(table(tmp_path / "votes.csv")) == 7


def test_methods_taken_out_later_are_still_ranked(voted: Served) -> None:
    path = voted.study.folder / "study.toml"
    path.write_text(path.read_text().replace('"telea", "patchmatch", ', '"patchmatch", '))
    said = run("status", voted.study.folder)
    assert said.returncode == 0 and "3  telea" in said.stdout


def test_the_quota_follows_the_rules_of_now(tmp_path: Path) -> None:
    """Who is excluded by a rule that came later makes room for others when the server starts."""
    folder = make_study(tmp_path, target_votes=5)
    run("simulate", folder, "--people", "9", "--careless", "0")
    assert "valid 5 of 5 wanted" in run("status", folder).stdout
    path = folder / "study.toml"
    path.write_text(path.read_text().replace("min_median_ms = 0.0", "min_median_ms = 60000"))
    opened = open_study(folder)
    with database.writing(opened.engine) as connection:
        participants.update_exclusions(connection, opened.config)
        assert pair_counts(connection, 0, False, FinishedCounts()) == {}
    opened.engine.dispose()
