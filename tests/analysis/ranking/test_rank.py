"""From a votes file to a ranking: what is read, what is refused, what comes out."""

from __future__ import annotations

import csv
import itertools
import json
import math
import random
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from analysis.__main__ import app
from analysis.ranking.pairwise import compact_letter_display
from analysis.ranking.ranking import Settings, rank
from analysis.votes.votes import read
from tests.command_line import Done, run

ABILITIES = {"best": 0.9, "good": 0.5, "fair": 0.45, "poor": -0.6}


def study(
    path: Path, people: int = 40, questions: int = 25, seed: int = 0, spread: float = 0.0
) -> Path:
    """Votes of people whose own abilities differ from the common ones by `spread`."""
    # Python's own generator: NumPy's takes ten times as long for single draws.
    rng = random.Random(seed)
    lines = ["participant,question,image,left,right,choice,is_check,check_passed,response_ms"]
    for person in range(people):
        own = {name: ability + rng.gauss(0, spread) for name, ability in ABILITIES.items()}
        for question in range(questions):
            left, right = rng.sample(list(own), 2)
            wins = rng.random() < 1 / (1 + math.exp(own[right] - own[left]))
            choice = "left" if wins else "right"
            image = f"i{question % 6}"
            lines.append(f"p{person},{question},{image},{left},{right},{choice},0,,{900 + person}")
        passed = int(person >= 3)
        lines.append(
            f"p{person},c,i0,poor,reference,{'right' if passed else 'left'},1,{passed},800"
        )
    path.write_text("\n".join(lines) + "\n")
    return path


def command(*words: object) -> Done:
    return run("analysis", "rank", *words)


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.usefixtures("undrawn")
def test_equal_abilities_on_an_image_share_their_rank(tmp_path: Path) -> None:
    rows = [
        "left,right,choice,image",
        *("a,b,left,i", "b,a,left,i"),
        *("c,a,right,i", "c,b,right,i"),
    ]
    (tmp_path / "votes.csv").write_text("\n".join(rows))
    done = command(tmp_path / "votes.csv", "--out", tmp_path / "out", "--by", "image", "--prior", 1)
    assert done.returncode == 0, done.stderr
    ranks = {row["method"]: row["rank"] for row in table(tmp_path / "out" / "by_image.csv")}
    assert ranks == {"a": "1", "b": "1", "c": "3"}


@pytest.mark.usefixtures("undrawn")
def test_exclusions_beside_the_votes_that_are_not_used_are_said(tmp_path: Path) -> None:
    (tmp_path / "votes.csv").write_text("participant,left,right,choice\np,a,b,left\nq,b,a,left\n")
    (tmp_path / "participants.csv").write_text("participant,excluded\np,0\nq,0\n")
    words = [tmp_path / "votes.csv", "--out", tmp_path / "out"]
    said = f"note: {tmp_path}/participants.csv, which may exclude participants, is not used"
    assert said in command(*words).stderr
    used = command(*words, "--participants", tmp_path / "participants.csv")
    assert used.returncode == 0 and "is not used" not in used.stderr


@pytest.fixture(scope="module")
def ranked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rank")
    done = command(study(folder / "votes.csv", seed=2), "--out", folder / "out", "--order")
    assert done.returncode == 0, done.stderr
    assert "37 people" in done.stdout and "Order effect: not significant" in done.stdout
    return folder / "out"


def test_ranking_csv_has_the_blueprints_columns_and_the_truth_in_its_intervals(
    ranked: Path,
) -> None:
    rows = table(ranked / "ranking.csv")
    assert list(rows[0]) == [
        "method", "ability", "std_error", "ci_low", "ci_high", "rank", "rank_low", "rank_high",
        "wins", "losses", "ties",
    ]  # fmt: skip
    assert [row["rank"] for row in rows] == ["1", "2", "3", "4"]
    assert rows[0]["method"] == "best" and rows[-1]["method"] == "poor"
    assert sum(float(row["ability"]) for row in rows) == pytest.approx(0, abs=1e-9)
    mean = np.mean(list(ABILITIES.values()))
    for row in rows:
        assert float(row["ci_low"]) < ABILITIES[row["method"]] - mean < float(row["ci_high"])
        assert int(row["rank_low"]) <= int(row["rank"]) <= int(row["rank_high"])
    assert sum(float(row["wins"]) for row in rows) == 37 * 25


def test_failed_checks_are_left_out_and_counted_and_checks_never_enter_the_fit(
    ranked: Path,
) -> None:
    flow = table(ranked / "exclusions.csv")
    assert [(s["participants"], s["votes"], s["left_votes"]) for s in flow] == [
        ("0", "0", "1000"),
        ("3", "75", "925"),
    ]
    assert "reference" not in (ranked / "ranking.csv").read_text()


@pytest.mark.slow
def test_what_is_written_is_complete_and_the_same_again(ranked: Path, tmp_path: Path) -> None:
    names = {path.name for path in ranked.iterdir()}
    assert names == {
        "ranking.csv", "pairs.csv", "exclusions.csv", "ranking.md", "ranking.tex", "pairs.tex",
        "rank.json", "ranking.png", "ranking.pdf", "preferences.png", "preferences.pdf",
    }  # fmt: skip
    command(study(tmp_path / "votes.csv", seed=2), "--out", tmp_path / "out", "--order")
    for name in names - {"rank.json"}:
        assert (tmp_path / "out" / name).read_bytes() == (ranked / name).read_bytes(), name
    assert json.loads((ranked / "rank.json").read_text())["settings"]["drawn"] == "participant"
    assert cv2.imread(str(ranked / "ranking.png")).std() > 10
    pairs = {(row["better"], row["worse"]): row for row in table(ranked / "pairs.csv")}
    assert len(pairs) == 6
    assert float(pairs["best", "poor"]["p_value"]) < 1e-4


def test_people_who_differ_widen_the_intervals(tmp_path: Path) -> None:
    """As in real studies, where intervals over votes are too narrow."""
    votes = read(study(tmp_path / "v.csv", people=60, spread=1.5))
    widths = {
        unit: [row.ci_high - row.ci_low for row in rank(votes, Settings(unit=unit)).rows]
        for unit in ("participant", "vote")
    }
    assert np.mean(widths["participant"]) > 1.5 * np.mean(widths["vote"])


@pytest.mark.slow
def test_intervals_over_people_hold_the_truth_as_often_as_they_say(tmp_path: Path) -> None:
    """60 studies of 60 people who differ; abilities as this population votes on average."""
    truth = rank(read(study(tmp_path / "many.csv", people=3000, spread=0.8)), Settings(samples=100))
    wanted = {row.method: row.ability for row in truth.rows}
    held = []
    for seed in range(1, 61):
        votes = read(study(tmp_path / "v.csv", people=60, seed=seed, spread=0.8))
        rows = rank(votes, Settings(samples=200)).rows
        held += [row.ci_low < wanted[row.method] < row.ci_high for row in rows]
    assert 0.92 < np.mean(held) < 0.98


BAD = {
    "left,right,choise\na,b,left\n": "no column 'choice', did you mean 'choise'?",
    "left,right,choice\na,b,left\nb,c,middle\n": "line 3: choice 'middle'",
    "left,right,choice\na,b,left\nb,c,\n": "line 3: no choice",
    "left,right,choice\na,a,left\n": "line 2: 'a' against itself",
    "left,right,choice\n,a,left\n": "line 2: no method in 'left'",
    "winner,loser,weight\na,b,2\nb,a,x\n": "line 3: weight 'x' cannot be used",
    "left,right,choice\n": "no votes in it",
    "": "the file is empty",
    "participant,question,left,right,choice\np,1,a,b,left\np,1,b,a,left\n": (
        "lines 2 and 3: participant 'p' answered question '1' twice"
    ),
    "winner,loser\na,b\nb,c\na,c\n": "never preferred: method(s) c",
    "winner,loser\na,b\nb,a\nc,d\nd,c\n": "never compared with each other: a, b | c, d",
    "participant,left,right,choice,is_check,check_passed\np,a,b,left,0,\np,a,r,left,1,0\n": (
        "every vote is excluded (more than 0 failed validation questions: 1 person)"
    ),
}


@pytest.mark.parametrize("text", BAD, ids=list(BAD.values()))
def test_bad_votes_are_one_line_and_nothing_is_written(text: str, tmp_path: Path) -> None:
    assert_refused(text, BAD[text], tmp_path)


def assert_refused(votes: str, reason: str, folder: Path) -> None:
    (folder / "votes.csv").write_text(votes)
    done = command(folder / "votes.csv", "--out", folder / "out")
    assert done.returncode == 2 and not (folder / "out").exists()
    assert done.stderr.count("\n") == 1 and "votes.csv" in done.stderr
    assert reason in done.stderr


def test_text_that_is_not_utf8_is_named_by_its_line(tmp_path: Path) -> None:
    (tmp_path / "votes.csv").write_bytes("winner,loser\na,b\né,b\n".encode("latin-1"))
    done = command(tmp_path / "votes.csv", "--out", tmp_path / "out")
    assert done.returncode == 2 and "line 3: not UTF-8" in done.stderr


@pytest.mark.usefixtures("undrawn")
def test_a_method_that_never_won_is_ranked_with_a_prior_which_is_said(tmp_path: Path) -> None:
    (tmp_path / "votes.csv").write_text("winner,loser\na,b\nb,c\na,c\nb,a\n")
    done = command(tmp_path / "votes.csv", "--out", tmp_path / "out", "--prior", "1")
    assert done.returncode == 0
    for name in ("ranking.md", "ranking.tex", "rank.json"):
        assert "regularised: a prior of 1 for each pair" in (tmp_path / "out" / name).read_text()
    assert "votes are drawn one by one" in done.stdout


PLATFORMS = {
    "ours": ("left,right,choice\na,b,left\nb,a,tie\nb,a,left\n", []),
    "names of methods": ("left,right,choice\na,b,a\nb,a,tie\nb,a,b\n", []),
    "other columns and words": (
        "A;B;answer\na;b;1\nb;a;\nb;a;1\n",
        ["--column", "left=A", "--column", "right=B", "--column", "choice=answer",
         "--answer", "1=left", "--answer", "2=right", "--answer", "=tie"],
    ),
}  # fmt: skip


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("platform", PLATFORMS)
def test_exports_of_other_platforms(platform: str, tmp_path: Path) -> None:
    text, options = PLATFORMS[platform]
    (tmp_path / "votes.csv").write_text(text)
    done = command(tmp_path / "votes.csv", "--out", tmp_path / "out", *options)
    assert done.returncode == 0, done.stderr
    rows = {row["method"]: row for row in table(tmp_path / "out/ranking.csv")}
    assert (rows["a"]["wins"], rows["a"]["losses"], rows["a"]["ties"]) == ("1.0", "1.0", "1.0")


@pytest.mark.usefixtures("undrawn")
def test_participants_csv_decides_with_its_reasons(tmp_path: Path) -> None:
    votes = study(tmp_path / "votes.csv", people=12)
    lines = ["participant,status,excluded,reason"]
    lines += [
        f"p{i},finished,{int(i in (1, 5, 6))},{'fast' if i == 5 else 'bot'}" for i in range(12)
    ]
    (tmp_path / "participants.csv").write_text("\n".join(lines) + "\n")
    listed = ("--participants", tmp_path / "participants.csv")
    assert command(votes, "--out", tmp_path / "out", *listed).returncode == 0
    flow = table(tmp_path / "out/exclusions.csv")
    assert {s["reason"]: s["participants"] for s in flow} == {"all": "0", "bot": "2", "fast": "1"}
    assert flow[-1]["left_votes"] == "225"
    (tmp_path / "participants.csv").write_text("\n".join(lines[:-1]) + "\n")
    refused = command(votes, "--out", tmp_path / "no", *listed)
    assert refused.returncode == 2 and "participant 'p11' is not in" in refused.stderr


@pytest.mark.usefixtures("undrawn")
def test_methods_that_trade_places_on_a_group_of_images_are_seen(tmp_path: Path) -> None:
    rows = ["left,right,choice,scene"]
    rows += [f"a,b,{'left' if i < 80 else 'right'},town" for i in range(100)]
    rows += [f"a,b,{'left' if i < 20 else 'right'},wood" for i in range(60)]
    (tmp_path / "votes.csv").write_text("\n".join(rows) + "\n")
    words = ("--out", tmp_path / "out", "--by", "group", "--column", "group=scene")
    done = command(tmp_path / "votes.csv", *words)
    assert done.returncode == 0, done.stderr
    assert "by_group.csv: abilities on each group, with 5 votes" in done.stdout
    first = {row["part"]: row for row in table(tmp_path / "out/by_group.csv") if row["rank"] == "1"}
    assert (first["town"]["method"], first["wood"]["method"]) == ("a", "b")
    assert first["wood"]["votes"] == "60.0" and (tmp_path / "out/by_group.png").exists()
    refused = command(tmp_path / "votes.csv", "--out", tmp_path / "no", "--by", "image")
    assert refused.returncode == 2 and "no column 'image'; --column image=NAME" in refused.stderr
    assert not (tmp_path / "no").exists()


def test_validate_tells_what_is_left_out_and_how_good_the_rest_is(tmp_path: Path) -> None:
    words = ["validate", str(study(tmp_path / "votes.csv"))]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "left out: 3 people with 75 votes, more than 0 failed validation" in done.output
    assert "valid: 925 votes of 37 people" in done.output and "Krippendorff" in done.output
    (tmp_path / "bare.csv").write_text("winner,loser\na,b\nb,a\n")
    bare = CliRunner().invoke(app, ["validate", str(tmp_path / "bare.csv")])
    assert "not in the file: participant, image, response_ms" in bare.output


def test_letters_are_shared_exactly_by_those_who_do_not_differ() -> None:
    methods = ["a", "b", "c", "d"]
    different = {frozenset(pair) for pair in ("ac", "ad", "bd")}
    letters = compact_letter_display(methods, different)
    assert letters == {"a": "a", "b": "ab", "c": "bc", "d": "c"}
    for first in methods:
        for second in methods:
            shared = bool(set(letters[first]) & set(letters[second]))
            assert shared == (frozenset((first, second)) not in different)


@pytest.mark.slow
def test_letters_of_three_hundred_methods() -> None:
    """Near neighbours do not differ, with some noise: it took minutes, and more for each method."""
    rng = np.random.default_rng(0)
    methods = [f"m{i}" for i in range(300)]
    ability = np.sort(rng.normal(0, 1, 300))[::-1]
    apart = np.triu(ability[:, None] - ability + rng.normal(0, 0.1, (300, 300)) > 0.5)
    different = {
        frozenset((methods[i], methods[j])) for i, j in zip(*np.nonzero(apart), strict=True)
    }
    shown = compact_letter_display(methods, different)
    letters = [set(re.findall(r"\(\d+\)|[a-z]", shown[method])) for method in methods]
    for i in range(300):
        for j in range(i + 1, 300):
            assert bool(letters[i] & letters[j]) == (not apart[i, j])
    assert all(letters)


def test_methods_that_win_equally_share_a_rank_and_its_interval(tmp_path: Path) -> None:
    """Three people for each order of three methods, who see each pair once on each side."""
    orders = [order for order in itertools.permutations("abc") for _ in range(3)]
    rows = [
        f"p{person},{a},{b},{'left' if order.index(a) < order.index(b) else 'right'}"
        for person, order in enumerate(orders)
        for a, b in itertools.permutations("abc", 2)
    ]
    votes = tmp_path / "votes.csv"
    votes.write_text("\n".join(["participant,left,right,choice", *rows]) + "\n")
    found = rank(read(votes), Settings()).rows
    assert [(row.rank, row.rank_low, row.rank_high) for row in found] == [(1, 1, 3)] * 3
