"""The owner's ranking while there are few votes."""

from __future__ import annotations

import numpy as np
import pytest

from survey.results.live_ranking import ranking


def votes_of(first: int, second: int, ties: int) -> np.ndarray:
    """So many people, each with one vote between two methods: (people, choice, left, right)."""
    choices = np.repeat([0, 1, 2], [first, second, ties])
    votes = np.zeros((len(choices), 3, 2, 2))
    votes[np.arange(len(choices)), choices, 0, 1] = 1
    return votes


def test_few_votes_with_ties_are_ranked_and_resamples_without_an_estimate_told() -> None:
    rows, note = ranking(votes_of(18, 2, 4), ["a", "b"])
    assert rows[0]["ability"] - rows[1]["ability"] == pytest.approx(np.log(9))
    assert 0 < rows[0]["ci_low"] < rows[0]["ability"] < rows[0]["ci_high"] < 5
    assert "of the resamples have no finite ranking, and got 0.1 votes" in note


def test_votes_without_an_estimate_get_a_weak_prior_and_the_note_says_so() -> None:
    rows, note = ranking(votes_of(2, 0, 4), ["a", "b"])
    assert "too few votes for a finite ranking, so 0.1 votes are added" in note
    assert all(np.isfinite([row["ability"], row["ci_low"], row["ci_high"]]).all() for row in rows)
    assert max(row["ci_high"] for row in rows) < 10
