"""What votes cannot tell is left empty with a reason; what weights and effects are worth."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from analysis.bradley_terry import bootstrap, fit, small_samples
from analysis.ranking.pairwise import pairwise_differences
from analysis.ranking.power import Design, simulate_votes
from analysis.ranking.ranking import Settings, rank
from analysis.votes.votes import Votes, read
from methods.errors import InputError
from tests.analysis.bradley_terry.test_bradley_terry import PUBLISHED, citations
from tests.analysis.ranking.test_rank import ABILITIES, study


def votes_of(folder: Path, *lines: str) -> Votes:
    (folder / "votes.csv").write_text("\n".join(lines) + "\n")
    return read(folder / "votes.csv")


@pytest.mark.slow
def test_few_people_give_no_interval_and_more_give_wider_ones(tmp_path: Path) -> None:
    """Under five nothing; at twelve, equal methods differ as seldom as 5 % says (uncorrected: 10 %)
    and intervals hold (uncorrected: 90 %)."""
    four = rank(read(study(tmp_path / "v.csv", people=4)), Settings(order=True))
    for row in four.rows:
        assert np.isfinite([row.ability, row.std_error]).all()
        assert np.isnan([row.ci_low, row.ci_high, row.rank_low, row.rank_high]).all()
    assert np.isnan([(p.ci_low, p.share_high, p.p_value) for p in four.pairs]).all()
    assert set(four.letters.values()) == {""}
    assert any(n.startswith("Warning: only 4 participants: under 5 no") for n in four.notes)
    twelve = rank(read(study(tmp_path / "v.csv", people=12)), Settings())
    assert "Warning: only 12 participants: intervals may be too narrow" in twelve.notes
    rng = np.random.default_rng(2)
    wrong, held = [], []
    for seed in range(400):
        votes = simulate_votes(Design([0, 0, 0, 0], pairs=40, spread=0.5), 12, rng)
        resamples = bootstrap(votes, 200, seed, ties=False, order=False, prior=0)
        counts = votes.counts()
        pairs = pairwise_differences(list(ABILITIES), fit(counts), resamples, counts, 0.95)
        wrong.append(any(pair.p_value < 0.05 for pair in pairs))
        held += [pair.ci_low < 0 < pair.ci_high for pair in pairs]
    assert 0.92 < np.mean(held) < 0.98
    assert np.mean(wrong) < 0.08


def test_holms_adjustment_is_that_of_statsmodels_and_passes_over_the_unknown() -> None:
    values = np.random.default_rng(0).random(12) ** 4
    expected = multipletests(values, method="holm")[1]
    assert small_samples.holm([np.nan, *values])[1:] == pytest.approx(expected)
    assert np.isnan(small_samples.holm([np.nan, *values])[0]) and small_samples.holm([]) == []


def test_people_who_all_vote_alike_prove_nothing(tmp_path: Path) -> None:
    rows = [f"p{i},{v}" for i in range(9) for v in ("a,b,left", "a,b,left", "b,a,left", "a,c,left")]
    rows += [f"p{i},c,a,left" for i in range(9)]
    (tmp_path / "v.csv").write_text("participant,left,right,choice\n" + "\n".join(rows) + "\n")
    found = rank(read(tmp_path / "v.csv"), Settings())
    assert np.isnan([pair.p_value for pair in found.pairs]).all()
    assert np.isnan([row.ci_low for row in found.rows]).all()


@pytest.mark.parametrize("scale", [1, 0.5], ids=["counts", "not whole"])
def test_a_weight_is_so_many_votes(scale: float, tmp_path: Path) -> None:
    """The citations as winner, loser, weight: intervals as the published errors have it."""
    names, wins = citations()
    pairs = zip(*np.nonzero(wins), strict=True)
    rows = [f"{names[i]},{names[j]},{wins[i, j] * scale}" for i, j in pairs]
    published = json.loads((PUBLISHED / "citations.json").read_text())
    votes = votes_of(tmp_path, "winner,loser,weight", *rows)
    found = rank(votes, Settings(anchor=published["reference"]))
    total = f"{wins.sum() * scale:,.15g}"
    assert f"weights: {len(rows)} rows count as {total} votes" in found.notes
    rows_drawn = any("rows are drawn" in note for note in found.notes)
    assert rows_drawn == (scale != 1)
    if scale == 1:
        for row in found.rows:
            error = published["se"].get(row.method, 0)
            assert row.ci_high - row.ci_low == pytest.approx(2 * 1.96 * error, rel=0.15)


def test_what_only_a_prior_bounds_is_named_and_has_no_interval(tmp_path: Path) -> None:
    rows = ["a,b,30", "b,a,20", "b,c,25", "c,b,20", "a,c,30", "c,a,15", "a,d,20", "b,d,20"]
    votes = votes_of(tmp_path, "winner,loser,weight", *rows)
    found = rank(votes, Settings(prior=1))
    unknown = {row.method for row in found.rows if np.isnan([row.ci_low, row.rank_high]).all()}
    assert unknown == {"d"} and found.letters["d"] == "" and found.letters["a"]
    for pair in found.pairs:
        assert np.isnan(pair.p_value) == np.isnan(pair.ci_low) == ("d" in pair[:2])
    warning = "Warning: never preferred: method(s) d; ability and standard error of d come from the"
    assert any(note.startswith(warning) for note in found.notes)
    anchored = rank(votes, Settings(prior=1, anchor="d"))
    assert [r.method for r in anchored.rows if np.isfinite(r.ci_low)] == ["d"]
    apart = votes_of(
        tmp_path, "winner,loser,weight", "a,b,30", "b,a,20", "c,d,25", "d,c,20", "e,a,1"
    )
    found = rank(apart, Settings(prior=1))
    known = {frozenset(pair[:2]) for pair in found.pairs if np.isfinite(pair.p_value)}
    assert known == {frozenset("ab"), frozenset("cd")}
    assert np.isnan([row.ci_low for row in found.rows]).all()


def test_votes_of_no_weight_are_no_votes(tmp_path: Path) -> None:
    votes = votes_of(tmp_path, "winner,loser,weight", "a,b,0", "b,a,0")
    with pytest.raises(InputError, match="no votes, every weight is 0"):
        rank(votes, Settings(prior=1))


@pytest.mark.parametrize("prior", [0, 1])
def test_no_remedy_is_advised_that_does_not_help(prior: float, tmp_path: Path) -> None:
    ties = votes_of(tmp_path, "left,right,choice", "a,b,tie", "b,c,tie")
    with pytest.raises(InputError, match=r"nothing ranks the methods; --ties half gives"):
        rank(ties, Settings(prior=prior))
    assert {row.ability for row in rank(ties, Settings(prior=prior, ties="half")).rows} == {0}
    side = votes_of(tmp_path, "left,right,choice", "a,b,left", "b,a,left", "a,c,left", "c,b,left")
    with pytest.raises(InputError, match=r"the left side always won: .*; leave out --order$"):
        rank(side, Settings(prior=prior, order=True))
    assert len(rank(side, Settings(prior=prior)).rows) == 3


def test_habits_of_people_widen_the_errors_of_side_and_ties(tmp_path: Path) -> None:
    """Half of them lean to the left and half to the right; some always see a tie."""
    rng = np.random.default_rng(0)
    rows = []
    for person in range(40):
        leaning, tied = 0.9 if person % 2 else 0.1, 0.6 if person < 12 else 0.1
        for _ in range(20):
            left, right = rng.choice(["a", "b", "c"], 2, replace=False)
            side = "left" if rng.random() < leaning else "right"
            rows.append(f"p{person},{left},{right},{'tie' if rng.random() < tied else side}")
    found = rank(votes_of(tmp_path, "participant,left,right,choice", *rows), Settings(order=True))
    # One person's side of 18 votes is nearly one answer: sqrt(18 * 0.8^2 + ...) times wider.
    assert 2 < found.order_error / float(found.fit.order_error) < 5
    assert 1.5 < found.tie_error / float(found.fit.tie_error) < 4
    assert found.order_p > 0.05
    plain = rank(read(tmp_path / "votes.csv"), Settings(ties="half"))
    assert np.isnan([plain.order_error, plain.order_p, plain.tie_error]).all()
