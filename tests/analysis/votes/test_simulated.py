"""Votes of simulated participants: whatever is made of them says so, and nothing else does."""

from __future__ import annotations

import base64
import csv
import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from analysis import style
from analysis.__main__ import app
from analysis.votes.simulated import count_simulated
from analysis.votes.votes import read
from methods.errors import InputError
from tests.analysis.agreement.test_correlate import written
from tests.analysis.conftest import leave_empty

SENTENCE = "Simulated: 40 of 40 participants were simulated, not asked"


def run(*words: object) -> str:
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture(params=[True, False], ids=["simulated", "people"])
def made_up(request: pytest.FixtureRequest) -> bool:
    return request.param


@pytest.fixture
def study(tmp_path: Path, made_up: bool) -> Path:
    folder = written(tmp_path, seed=3)
    votes = folder / "votes.csv"
    if made_up:
        votes.write_text(re.sub(r"^p(?=\d)", "simulated-", votes.read_text(), flags=re.M))
    return folder


def plots_say(folder: Path) -> dict[str, bool]:
    """Whether the PDFs in a folder hold the warning's colour, #C04A00."""
    colour = re.compile(rb"0\.75294\d* 0\.29019\d* 0 rg")
    from zlib import decompress

    found = {}
    for path in folder.glob("*.pdf"):
        streams = re.findall(rb"stream\n(.*?)\nendstream", path.read_bytes(), re.S)
        texts = [decompress(stream) for stream in streams if stream[:1] == b"x"]
        found[path.stem] = any(colour.search(text) for text in texts)
    return found


def marks(path: Path, column: str = "simulated_participants") -> set[str] | None:
    """What stands in a column of a CSV file, None without it."""
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows, path
    return {row[column] for row in rows} if column in rows[0] else None


@pytest.mark.slow
def test_every_output_of_rank_says_so(study: Path, made_up: bool) -> None:
    out = study / "out"
    said = run("rank", study / "votes.csv", "--by", "image", "--samples", 100, "--out", out)
    assert (SENTENCE in said) == made_up
    for name in ("ranking.md", "ranking.tex", "pairs.tex", "rank.json"):
        assert (SENTENCE in (out / name).read_text()) == made_up, name
    for name in ("ranking.tex", "pairs.tex"):
        assert ("; simulated votes." in (out / name).read_text()) == made_up, name
    about = json.loads((out / "rank.json").read_text())
    assert about["simulated_participants"] == (40 if made_up else 0)
    plots = plots_say(out)
    assert {"ranking", "preferences", "by_image"} <= set(plots)
    assert set(plots.values()) == {made_up}
    for name in ("pairs.csv", "exclusions.csv", "by_image.csv"):
        assert marks(out / name) == ({"40"} if made_up else None), name
    # Its columns are what other programs read.
    assert (out / "ranking.csv").read_text().splitlines()[0] == (
        "method,ability,std_error,ci_low,ci_high,rank,rank_low,rank_high,wins,losses,ties"
    )
    beside = out / "ranking.READ_FIRST.txt"
    assert beside.exists() == made_up
    assert not made_up or SENTENCE in beside.read_text()


@pytest.mark.slow
def test_correlate_and_validate_say_so(study: Path, made_up: bool) -> None:
    out = study / "out"
    said = run("correlate", study, study / "votes.csv", "--samples", 100, "--out", out)
    assert (SENTENCE in said) == made_up
    for name in ("correlate.md", "correlate.tex", "correlate.json"):
        assert (SENTENCE in (out / name).read_text()) == made_up, name
    assert plots_say(out) == {"correlate": made_up}
    assert marks(out / "correlate.csv") == ({"40"} if made_up else None)
    assert (SENTENCE in run("validate", study / "votes.csv")) == made_up


@pytest.mark.usefixtures("undrawn")
def test_some_among_people_are_counted_and_leaving_them_out_clears_the_rest(
    tmp_path: Path,
) -> None:
    rows = ["participant,left,right,choice"]
    rows += [f"{who},a,b,{c}" for who in ("simulated-1", "p1", "p2") for c in ("left", "right")]
    (tmp_path / "votes.csv").write_text("\n".join(rows) + "\n")
    (tmp_path / "participants.csv").write_text("participant,excluded\nsimulated-1,1\np1,0\np2,0\n")
    found = count_simulated(read(tmp_path / "votes.csv"))
    assert (found.simulated, found.participants) == (1, 3)
    assert found.label == "partly simulated votes"
    words = ("rank", tmp_path / "votes.csv", "--samples", 100, "--out", tmp_path / "out")
    assert "Simulated: 1 of 3" in run(*words)
    assert "imulated" not in run(*words, "--participants", tmp_path / "participants.csv")


@pytest.mark.usefixtures("undrawn")
def test_other_names_do_not_make_people_of_them(study: Path, made_up: bool) -> None:
    votes = study / "votes.csv"
    votes.write_text(re.sub(r"^(p|simulated-)(?=\d)", "x", votes.read_text(), flags=re.M))
    names = sorted({line.split(",")[0] for line in votes.read_text().splitlines()[1:]})
    flag = int(made_up)
    (study / "participants.csv").write_text(
        "participant,excluded,simulated\n" + "".join(f"{name},0,{flag}\n" for name in names)
    )
    words = ("rank", votes, "--samples", 100, "--out", study / "out")
    assert (SENTENCE in run(*words, "--participants", study / "participants.csv")) == made_up


def test_a_simulated_column_that_says_neither_is_refused_by_its_line(tmp_path: Path) -> None:
    (tmp_path / "votes.csv").write_text("participant,left,right,choice\np,a,b,left\nq,b,a,left\n")
    people = tmp_path / "participants.csv"
    people.write_text("participant,excluded,simulated\np,0,0\nq,0,perhaps\n")
    words = ["rank", str(tmp_path / "votes.csv"), "--participants", str(people)]
    done = CliRunner().invoke(app, [*words, "--out", str(tmp_path / "out")])
    assert isinstance(done.exception, InputError)
    assert "participants.csv line 3: simulated 'perhaps' cannot be used" in str(done.exception)
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
@pytest.mark.usefixtures("undrawn")
def test_a_prior_is_stated_in_csv_files_too_until_there_is_none(study: Path) -> None:
    out = study / "out"
    words = ("rank", study / "votes.csv", "--by", "image", "--samples", 100, "--out", out)
    run(*words, "--prior", 0.5)
    for name in ("pairs.csv", "by_image.csv"):
        assert marks(out / name, "prior") == {"0.5"}, name
    said = (out / "ranking.READ_FIRST.txt").read_text()
    assert "regularised: a prior of 0.5 for each pair of methods" in said
    run(*words)
    assert marks(out / "pairs.csv", "prior") is None
    beside = out / "ranking.READ_FIRST.txt"
    assert not beside.exists() or "regularised" not in beside.read_text()


@pytest.mark.slow
def test_the_report_shows_a_banner_and_marked_plots(
    pictured: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(style, "save", leave_empty)
    rows = ["participant,image,left,right,choice"]
    rows += [f"simulated-{i % 9},x,[a],b|ar,{'left' if i % 3 else 'right'}" for i in range(45)]
    (pictured / "votes.csv").write_text("\n".join(rows) + "\n")
    run("report", pictured, "--votes", pictured / "votes.csv")
    page = (pictured / "report.html").read_text()
    people = page.split('id="people"')[1].split("</section>")[0]
    assert re.search(r'class="banner">Simulated: 9 of 9 participants were simulated', people)
    plots = re.findall(r"data:image/svg\+xml;base64,([^\"]+)", people)
    assert plots and all(b"#c04a00" in base64.b64decode(plot) for plot in plots)
