"""The steps of make paper, small: run, survey, simulated people, export, ranking, report."""

from __future__ import annotations

import csv
import json
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import cv2
import pytest

from analysis.agreement import correlate
from tests.analysis.conftest import leave_undrawn
from tests.benchmark.conftest import PROTOCOL
from tests.command_line import run
from tests.paths import DEMO, ROOT
from tests.shared import made_once

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def supplement(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the Makefile's target ends with, from seven photographs at 64 px."""
    return made_once(tmp_path_factory, "paper", make_paper) / "paper"


def make_paper(folder: Path) -> None:
    photos = folder / "photos"
    photos.mkdir()
    # Another one, as nobody gets a photograph too often: of six there are not 25 pairs a person.
    figures = re.findall(r"--image (\w+)", (ROOT / "Makefile").read_text())
    for name in [*figures, "boats_river"]:
        large = cv2.imread(str(DEMO / f"{name}.jpg"))
        small = cv2.resize(large, (64, 64), interpolation=cv2.INTER_AREA)
        cv2.imwrite(str(photos / f"{name}.png"), small)
    protocol = folder / "tiny.toml"
    protocol.write_text(PROTOCOL)
    options = (
        f"--dataset {photos} --protocol {protocol} --resolutions 48,64 "
        "--methods telea,navier-stokes,patchmatch"
    )
    steps = commands(
        f"PAPER={folder / 'paper'}", f"RUN_OPTIONS={options}", "SEEN=64", "PEOPLE=30",
        "VOTES=500", "FIGURE1=--image torii_walkway --resolution 48 --resolution 64",
    )  # fmt: skip
    assert steps[0][1] == "run_benchmark.py" and steps[-2][2:4] == ["analysis", "report"]
    for step in steps:
        with pytest.MonkeyPatch.context() as patch:
            # Of methods on images, where thirty are needed.
            patch.setattr(correlate, "_MIN_RESULTS", 15)
            leave_undrawn(patch)
            follow(step)


def commands(*variables: str) -> list[list[str]]:
    """Return the commands of the Makefile's target, with some of its variables changed."""
    if shutil.which("make") is None:
        pytest.skip("needs make")
    # Also within `make test`, whose options would be inherited.
    own = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    done = subprocess.run(
        ["make", "-n", "paper", "RUN=python", "VENV=.", "-o", "./installed", *variables],
        cwd=ROOT, capture_output=True, text=True, check=True, env=own,
    )  # fmt: skip
    return [shlex.split(line) for line in done.stdout.replace("\\\n", "").splitlines()]


def follow(words: list[str]) -> None:
    """Run a command, that of a module in this process."""
    if words[0] != "python":
        subprocess.run(words, cwd=ROOT, check=True)
        return
    module, arguments = (words[2], words[3:]) if words[1] == "-m" else (words[1], words[2:])
    done = run(module.removesuffix(".py"), *arguments, cwd=ROOT)
    assert done.returncode == 0, (words, done.stdout[-3000:], done.stderr[-3000:])


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_ranking_is_the_one_that_was_simulated(supplement: Path) -> None:
    truth = {row["method"]: float(row["ability"])
             for row in table(ROOT / "docs/simulated_abilities.csv")}  # fmt: skip
    ranking = table(supplement / "ranking/ranking.csv")
    assert ranking[0]["method"] == "reference"
    assert {row["method"] for row in ranking} == {
        "reference", "telea", "navier-stokes", "patchmatch",
    }  # fmt: skip
    found = {row["method"]: float(row["ability"]) for row in ranking}
    lead = found["patchmatch"] - found["telea"]
    assert lead == pytest.approx(truth["patchmatch"] - truth["telea"], abs=0.3)


def test_votes_are_as_many_as_the_study_wanted(supplement: Path) -> None:
    study = json.loads((supplement / "votes/study.json").read_text())
    assert study["valid_votes"] == 500 and study["simulated"] is True
    assert study["study"]["design"]["pairs_per_person"] == 25
    people = table(supplement / "votes/participants.csv")
    valid = [row for row in people if row["excluded"] == "0"]
    assert len(valid) == 20 and len(people) >= 20
    assert len(table(supplement / "votes/votes.csv")) == 27 * len(people)


def test_everything_made_from_the_votes_says_simulated(supplement: Path) -> None:
    texts = [
        *(supplement / "ranking").glob("*.md"),
        *(supplement / "ranking").glob("*.tex"),
        *(supplement / "metrics").glob("*.md"),
        *(supplement / "metrics").glob("*.tex"),
        supplement / "ranking/rank.json",
        supplement / "run/report.html",
        supplement / "README.md",
    ]
    assert len(texts) >= 6
    for path in texts:
        assert "simulated" in path.read_text().lower(), path
    folders = ("ranking", "metrics", "votes", "run/ranking")
    tables = [path for folder in folders for path in (supplement / folder).glob("*.csv")]
    assert len(tables) >= 10
    for path in tables:
        if path.name == "ranking.csv":
            assert "Simulated" in path.with_name("ranking.READ_FIRST.txt").read_text()
        elif path.name != "payments.csv":
            assert "simulated" in path.read_text(), path


def test_the_page_and_the_ranking_tell_the_same_numbers(supplement: Path) -> None:
    page = (supplement / "run/ranking/ranking.csv").read_text()
    assert page == (supplement / "ranking/ranking.csv").read_text()


def test_it_looks_like_supplementary_material(supplement: Path) -> None:
    for name in (
        "run/tables/objective.tex", "run/report.html", "ranking/ranking.tex",
        "ranking/by_image.csv", "votes/votes.csv", "study/study.toml",
    ):  # fmt: skip
        assert (supplement / name).stat().st_size > 0, name
    for folder in ("ranking", "metrics", "figures"):
        assert list((supplement / folder).glob("*.pdf")), folder
    page = (supplement / "run/report.html").read_text()
    assert "preferred to" in page and "reference" in page
