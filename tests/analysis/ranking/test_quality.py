"""Agreement, triads, fit, influence and speed, on votes whose answer is known."""

from __future__ import annotations

import csv
import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from analysis.ranking import quality, quality_report
from analysis.ranking.ranking import Ranking, Settings, rank
from analysis.votes.votes import Votes, read
from tests.paths import DATA

PUBLISHED = DATA / "bradley_terry"
HEADER = "participant,image,left,right,choice,response_ms"


def written(folder: Path, rows: list[str], header: str = HEADER) -> Votes:
    path = folder / "votes.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return read(path)


def ranked(votes: Votes, **settings: object) -> Ranking:
    return rank(votes, Settings(samples=100, **settings))  # type: ignore[arg-type]


def test_the_published_deviance_of_the_citations(tmp_path: Path) -> None:
    published = json.loads((PUBLISHED / "citations.json").read_text())
    rows = []
    with (PUBLISHED / "citations.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            rows.append(f"{row['item1']},{row['item2']},{row['win1']}")
            rows.append(f"{row['item2']},{row['item1']},{row['win2']}")
    votes = written(tmp_path, rows, "winner,loser,weight")
    found = quality.goodness(ranked(votes, unit="vote"))
    assert found is not None
    assert found.deviance == pytest.approx(published["residual_deviance"], abs=1e-5)
    assert found.degrees == published["df_resid"]
    assert found.p_value == pytest.approx(0.2314, abs=1e-4)


def test_agreement_whatever_the_side(tmp_path: Path) -> None:
    rows = []
    for person, (image, (first, second)) in itertools.product(
        range(4), itertools.product("xy", itertools.combinations("abc", 2))
    ):
        better = first if image == "x" else second
        sides = (first, second) if person % 2 else (second, first)
        choice = "left" if sides[0] == better else "right"
        rows.append(f"p{person},{image},{sides[0]},{sides[1]},{choice},900")
    found = quality.agreement(written(tmp_path, rows))
    assert found is not None and found.alpha == pytest.approx(1) and found.units == 6


def test_agreement_of_random_votes_is_none(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = [
        f"p{person},i{image},a,b,{rng.choice(['left', 'right'])},900"
        for person in range(30)
        for image in range(40)
    ]
    found = quality.agreement(written(tmp_path, rows))
    assert found is not None and abs(found.alpha) < 0.05


def test_circles_are_counted_by_the_majority_of_each_image(tmp_path: Path) -> None:
    circle, chain = [("a", "b"), ("b", "c"), ("c", "a")], [("a", "b"), ("b", "c"), ("a", "c")]
    rows = [
        f"p{person},{image},{better},{worse},left,900"
        for image, order in (("x", circle), ("y", chain), ("z", chain[:2]))
        for better, worse in order
        for person in range(3)
    ]
    rows.append("p9,x,a,b,right,900")
    assert quality.circular_triads(written(tmp_path, rows), ["image"]) == quality.Triads(1, 2)


def crowd(extra: int) -> list[str]:
    rng = np.random.default_rng(1)
    rows = [
        f"p{person},i{q},a,b,{'left' if rng.random() < 0.6 else 'right'},900"
        for person in range(30)
        for q in range(10)
    ]
    return rows + [f"zealot,i{q % 10},a,b,right,200" for q in range(extra)]


def test_one_person_who_dominates_is_named(tmp_path: Path) -> None:
    """200 votes of one person, against the others', turn the ranking around."""
    votes = written(tmp_path, crowd(200))
    found = quality_report.assess(votes, ranked(votes))
    (warning,) = [w for w in found.warnings if "zealot" in w]
    assert "1 pair of neighbours trades places: it dominates the result" in warning
    assert found.numbers["response_seconds"]["hasty_participants"] == 1


def test_nobody_dominates_a_crowd(tmp_path: Path) -> None:
    votes = written(tmp_path, crowd(0))
    found = quality_report.assess(votes, ranked(votes))
    assert not found.warnings
    assert any("Most influential participant" in text for text in found.sentences)


def test_leaving_one_out_is_what_the_votes_without_them_give(tmp_path: Path) -> None:
    rows = crowd(7)
    whole = ranked(written(tmp_path, rows))
    found = quality.most_influential(written(tmp_path, rows), "participant", whole)
    assert found is not None
    without = ranked(
        written(tmp_path, [row for row in rows if not row.startswith(found.name + ",")])
    )
    change = max(abs(w.ability - o.ability) for w, o in zip(whole.rows, without.rows, strict=True))
    assert found.change == pytest.approx(change, abs=1e-9)
