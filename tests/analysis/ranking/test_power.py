"""Power by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from typer.testing import CliRunner

from analysis.__main__ import app
from analysis.ranking.power import Design, power, simulate_votes
from methods.errors import InputError


def test_more_people_tell_more_methods_apart() -> None:
    design = Design([0.8, 0.4, 0.0], pairs=10)
    few, many = (power(design, people, 30) for people in (10, 160))
    assert max(few.separated) < 0.6 < 0.85 < min(many.separated)
    assert few.order < many.order and many.interval < 0.5 * few.interval
    assert many.votes == 1600


@pytest.mark.slow
def test_equal_methods_are_seldom_told_apart() -> None:
    """At 0.05 for all three pairs together, half of it in each direction."""
    found = power(Design([0.0, 0.0, 0.0], spread=1.0), 60, 100)
    assert max(found.separated) < 0.06


def test_people_who_will_be_left_out_cost_votes() -> None:
    design = Design([0.5, 0.0], pairs=25, failed=0.2)
    assert power(design, 100, 20).votes == 80 * 25


def test_a_simulated_persons_votes_hang_together() -> None:
    data = simulate_votes(Design([0.0, 0.0], pairs=50, spread=2.0), 200, np.random.default_rng(0))
    first_won = (data.left == 0) == (data.choice == 0)
    shares = first_won.reshape(200, 50).mean(axis=1)
    assert shares.std() > 0.25 and abs(shares.mean() - 0.5) < 0.1


def test_the_command_line_knows_the_papers_design() -> None:
    words = ["power", "--abilities", "0.6,0", "--people", "20,150", "--simulations", "20"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "3750" in done.output and "(the paper's)" in done.output
    refused = CliRunner().invoke(app, ["power", "--abilities", "0.6,high"])
    assert isinstance(refused.exception, InputError)


def test_a_study_without_intervals_shows_none_and_says_why() -> None:
    words = ["power", "--abilities", "0.6,0", "--people", "3", "--simulations", "20"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    row, legend = done.output.splitlines()[2:]
    assert row.endswith(" -") and "too few people" in legend and "nan" not in done.output
