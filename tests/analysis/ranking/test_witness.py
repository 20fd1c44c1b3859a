"""Every plain ranking is fitted again by choix, and refused if that finds another one."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from analysis.bradley_terry import NoEstimateError, fit, from_wins, has_estimate
from analysis.ranking import witness
from analysis.ranking.ranking import Settings, rank
from analysis.votes.votes import read
from methods.errors import InputError
from tests.command_line import run

PLAIN = "participant,left,right,choice\n" + "".join(
    f"p{i % 9},{pair},{'left' if i % 3 else 'right'}\n"
    for i, pair in enumerate(["a,b", "b,c", "c,a", "a,c"] * 12)
)
TIED = PLAIN + "p1,a,b,tie\np2,b,c,tie\n"


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(
    ("text", "options"),
    [(PLAIN, []), (TIED, ["--ties", "half"]), (PLAIN, ["--prior", "1", "--anchor", "a"])],
    ids=["no ties", "ties as halves", "prior and anchor"],
)
def test_all_files_say_that_choix_agrees(text: str, options: list[str], tmp_path: Path) -> None:
    votes, out = written(tmp_path / "v.csv", text), tmp_path / "out"
    done = run("analysis", "rank", votes, "--out", out, *options)
    assert done.returncode == 0, done.stderr
    checked = json.loads((out / "rank.json").read_text())["checked_against"]
    assert checked["library"].startswith("choix 0.") and checked["limit"] == 1e-5
    assert 0 <= checked["largest_difference"] < 1e-9
    said = f"Checked against {checked['library']}: abilities differ by under 1e-09 at most"
    assert said in done.stdout and said in (out / "ranking.md").read_text()
    assert "Checked against choix" in (out / "ranking.tex").read_text()


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(
    ("option", "reason"), [("--order", "no order effect"), ("--ties=davidson", "no ties by David")]
)
def test_models_that_choix_does_not_have_are_said_to_be_unchecked(
    option: str, reason: str, tmp_path: Path
) -> None:
    votes, out = written(tmp_path / "v.csv", TIED), tmp_path / "out"
    done = run("analysis", "rank", votes, "--out", out, option)
    content = json.loads((out / "rank.json").read_text())
    assert content["checked_against"] is None and reason in content["not_checked"]
    assert f"Not checked against another library: {content['not_checked']}" in done.stdout


@pytest.mark.usefixtures("undrawn")
def test_another_result_of_choix_is_one_line_and_no_ranking(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import choix

    def wrong(wins: np.ndarray, **_: object) -> np.ndarray:
        return np.array([2e-5, 0, -2e-5]) + fit(from_wins(wins)).abilities

    monkeypatch.setattr(choix, "ilsr_pairwise_dense", wrong)
    done = run("analysis", "rank", written(tmp_path / "v.csv", PLAIN), "--out", tmp_path / "out")
    assert done.returncode == 2 and not (tmp_path / "out").exists()
    assert done.stderr.count("\n") == 1
    assert "abilities differ by 2e-05 from those of choix" in done.stderr
    assert "please report it" in done.stderr


def test_where_choix_does_not_converge_the_ranking_stands_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(witness, "_MAX_ITERATIONS", 1)
    ranking = rank(read(written(tmp_path / "v.csv", PLAIN)), Settings(samples=100))
    assert isinstance(ranking.witness, str)
    assert "finds no estimate for these votes (Did not converge" in ranking.witness


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_ranking_is_refused_that_is_right(data: st.DataObject) -> None:
    """Up to a billion votes to one, hardly connected methods: rounding is no other ranking."""
    k = data.draw(st.integers(2, 12))
    exponents = data.draw(st.lists(st.floats(-2, 9), min_size=k * k, max_size=k * k))
    wins = np.floor(10 ** np.array(exponents)).reshape(k, k)
    np.fill_diagonal(wins, 0)
    counts = from_wins(wins)
    assume(bool(has_estimate(counts, ties=False)))
    with suppress(NoEstimateError):  # where the suite's own fit says that it is out of reach
        found = witness.pairwise(wins, fit(counts).abilities)
        assert found if isinstance(found, str) else found.largest_difference < 1e-6


def test_a_hundred_methods_a_thousand_to_one() -> None:
    wins = np.triu(np.full((100, 100), 1000.0), 1) + np.tril(np.ones((100, 100)), -1)
    found = witness.pairwise(wins, fit(from_wins(wins)).abilities)
    assert isinstance(found, witness.Witness) and found.largest_difference < 1e-9
    wins[0, 1] = 1e14
    found = witness.pairwise(wins, fit(from_wins(wins)).abilities)
    assert isinstance(found, str) and "beyond the precision of choix" in found


def test_small_differences_are_refused_from_the_limit_on() -> None:
    def shifted(by: float) -> witness.Witness | str:
        return witness.compare(np.array([by, 0.0]), lambda: np.zeros(2))

    found = shifted(1.9e-5)
    assert isinstance(found, witness.Witness)
    assert found.largest_difference == pytest.approx(0.95e-5)
    assert "differ by 9.5e-06 at most" in found.sentence
    with pytest.raises(InputError, match=r"differ by 1.2e-05"):
        shifted(2.4e-5)
