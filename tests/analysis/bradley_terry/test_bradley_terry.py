"""The fit against published values, another library, and the formulas of the papers."""

from __future__ import annotations

import csv
import json

import choix
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize

from analysis.bradley_terry import Counts, NoEstimateError, fit, fit_many, from_wins, ranks
from tests.paths import DATA

PUBLISHED = DATA / "bradley_terry"


def citations() -> tuple[list[str], NDArray[np.float64]]:
    names = json.loads((PUBLISHED / "citations.json").read_text())["items"]
    wins = np.zeros((len(names), len(names)))
    with (PUBLISHED / "citations.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            first, second = names.index(row["item1"]), names.index(row["item2"])
            wins[first, second], wins[second, first] = int(row["win1"]), int(row["win2"])
    return names, wins


def simulated(seed: int, methods: int, votes: int, tie: float = 0.4, order: float = 0.3) -> Counts:
    rng = np.random.default_rng(seed)
    abilities = rng.normal(0, 1, methods)
    tables = np.zeros((3, methods, methods))
    for _ in range(votes):
        i, j = rng.choice(methods, 2, replace=False)
        left, right = np.exp(abilities[i] + order), np.exp(abilities[j])
        weights = np.array([left, right, tie * np.sqrt(left * right)])
        tables[rng.choice(3, p=weights / weights.sum()), i, j] += 1
    return Counts(*tables)


def test_the_published_fit_of_citations_between_journals() -> None:
    names, wins = citations()
    published = json.loads((PUBLISHED / "citations.json").read_text())
    found = fit(from_wins(wins)).anchored(names.index(published["reference"]))
    for name, ability, error in zip(names, found.abilities, found.std_errors, strict=True):
        assert ability == pytest.approx(published["coef"][name], abs=1e-6)
        assert error == pytest.approx(published["se"].get(name, 0), abs=1e-6)


@pytest.mark.parametrize("methods", [2, 3, 7, 20])
def test_abilities_are_the_maximum_that_choix_finds(methods: int) -> None:
    wins = np.random.default_rng(methods).integers(1, 60, (methods, methods)).astype(float)
    np.fill_diagonal(wins, 0)
    oracle = choix.ilsr_pairwise_dense(wins, tol=1e-13)
    found = fit(from_wins(wins))
    np.testing.assert_allclose(found.abilities, oracle - oracle.mean(), atol=1e-8)
    assert found.abilities.sum() == pytest.approx(0, abs=1e-12)


def likelihood(parameters: NDArray[np.float64], counts: Counts) -> float:
    """Davidson 1970 with the order effect of Davidson & Beaver 1977, written out vote by vote."""
    abilities, log_tie, order = parameters[:-2], parameters[-2], parameters[-1]
    total = 0.0
    for i, j in zip(*np.nonzero(counts.left + counts.right + counts.tie), strict=True):
        left, right = np.exp(abilities[i] + order), np.exp(abilities[j])
        tie = np.exp(log_tie) * np.sqrt(left * right)
        for table, weight in zip(counts, (left, right, tie), strict=True):
            total += table[i, j] * np.log(weight / (left + right + tie))
    return float(total)


def test_ties_and_order_effect_maximise_the_likelihood_of_the_papers() -> None:
    counts = simulated(1, 5, 800)
    found = fit(counts, order=True)
    start = np.zeros(7)
    oracle = minimize(lambda p: -likelihood(p, counts), start, method="BFGS", tol=1e-9)
    abilities = oracle.x[:5] - oracle.x[:5].mean()
    np.testing.assert_allclose(found.abilities, abilities, atol=1e-4)
    assert float(found.tie) == pytest.approx(oracle.x[5], abs=1e-4)
    assert float(found.order) == pytest.approx(oracle.x[6], abs=1e-4)
    at = np.concatenate([found.abilities, [found.tie, found.order]])
    assert float(found.log_likelihood) == pytest.approx(likelihood(at, counts))


def test_errors_are_those_of_the_observed_information() -> None:
    """The inverse of the likelihood's curvature, by finite differences, for contrasts."""
    counts = simulated(2, 4, 600)
    found = fit(counts, order=True)
    at = np.concatenate([found.abilities, [found.tie, found.order]])
    # Three contrasts to the first method, the tie parameter and the order effect.
    free = np.zeros((6, 5))
    free[1:, :] = np.eye(5)
    step = 1e-4
    curvature = np.empty((5, 5))
    for a in range(5):
        for b in range(5):
            corner = [
                sa * sb * likelihood(at + step * (sa * free[:, a] + sb * free[:, b]), counts)
                for sa in (1, -1)
                for sb in (1, -1)
            ]
            curvature[a, b] = -sum(corner) / (4 * step**2)
    errors = np.sqrt(np.diag(np.linalg.inv(curvature)))
    np.testing.assert_allclose(found.anchored(0).std_errors[1:], errors[:3], rtol=1e-3)
    assert float(found.tie_error) == pytest.approx(errors[3], rel=1e-3)
    assert float(found.order_error) == pytest.approx(errors[4], rel=1e-3)


def test_half_a_win_for_ties_on_request() -> None:
    counts = simulated(3, 4, 400, order=0)
    halves = Counts(counts.left + counts.tie / 2, counts.right + counts.tie / 2, 0 * counts.tie)
    found = fit(counts, ties=False)
    np.testing.assert_allclose(found.abilities, fit(halves).abilities, atol=1e-9)
    assert np.isnan(found.tie)


def test_many_data_sets_at_once_are_fitted_as_one_by_one() -> None:
    each = [simulated(seed, 4, 300) for seed in range(5)]
    stacked = Counts(*(np.stack(tables) for tables in zip(*each, strict=True)))
    together = fit_many(stacked, order=True)
    for i, counts in enumerate(each):
        one = fit(counts, order=True)
        np.testing.assert_allclose(together.abilities[i], one.abilities, atol=1e-9)
        np.testing.assert_allclose(together.std_errors[i], one.std_errors, atol=1e-9)


IMPOSSIBLE = {
    "no votes for method(s) {2}": [[0, 3, 0], [2, 0, 0], [0, 0, 0]],
    "never preferred: method(s) {2}": [[0, 3, 4], [2, 0, 5], [0, 0, 0]],
    "always preferred: method(s) {0}": [[0, 3, 4], [0, 0, 5], [0, 1, 0]],
    "never compared with each other: {0}, {1} | {2}, {3}": [
        [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0],
    ],
    "preferred in every vote to all others": [
        [0, 1, 2, 0], [1, 0, 0, 2], [0, 0, 0, 1], [0, 0, 1, 0],
    ],
}  # fmt: skip


@pytest.mark.parametrize("reason", IMPOSSIBLE)
def test_what_would_be_infinite_is_refused_by_name_or_regularised(reason: str) -> None:
    wins = IMPOSSIBLE[reason]
    with pytest.raises(NoEstimateError) as refused:
        fit(from_wins(wins))
    assert reason in str(refused.value)
    assert np.abs(fit(from_wins(wins), prior=1).abilities).max() < 4


def test_a_prior_is_so_many_more_votes_won_by_halves() -> None:
    _, wins = citations()
    more = wins + 5 * (1 - np.eye(4))
    expected = fit(from_wins(more)).abilities
    np.testing.assert_allclose(fit(from_wins(wins), prior=10).abilities, expected, atol=1e-9)


@pytest.mark.parametrize("wins", [[[0, 1]], [[1, 2], [2, 0]], [[0, -1], [1, 0]]])
def test_tables_that_are_no_counts_are_refused(wins: list[list[float]]) -> None:
    with pytest.raises(ValueError, match=r"square|diagonal|at least 0"):
        from_wins(wins)


def test_ties_alone_rank_nothing_and_one_side_alone_has_no_effect_size() -> None:
    with pytest.raises(NoEstimateError, match="every vote is a tie"):
        fit(from_wins(np.zeros((2, 2)), [[0, 9], [0, 0]]))
    left = np.array([[0.0, 5], [3, 0]])
    with pytest.raises(NoEstimateError, match="left side always won"):
        fit(Counts(left, 0 * left, 0 * left), order=True)


def test_nearly_unanimous_votes_are_fitted() -> None:
    found = fit(from_wins([[0, 100_000], [1, 0]]))
    assert found.abilities[0] - found.abilities[1] == pytest.approx(np.log(100_000))


def test_data_sets_that_are_alike_are_fitted_as_each_alone() -> None:
    """So many methods that they share an information matrix; one of them is unlike the rest."""
    rng = np.random.default_rng(0)
    k = 30
    wins = rng.poisson(20, (6, k, k)).astype(float) * (1 - np.eye(k))
    wins[5, :3] *= 8
    start = fit(from_wins(wins.mean(0))).abilities
    together = fit_many(from_wins(wins), start=start)
    assert together.converged.all()
    for table, abilities in zip(wins, together.abilities, strict=True):
        assert abilities == pytest.approx(fit(from_wins(table)).abilities, abs=1e-8)


def test_equal_abilities_share_a_rank_and_an_unknown_one_is_last() -> None:
    """Against a count by hand of the methods that are better."""
    abilities = np.array([[0.5, 0.5 - 1e-16, -1.0], [0.0, 0.0, 0.0], [np.nan, -0.4, 0.4]])
    assert ranks(abilities).tolist() == [[1, 1, 3], [1, 1, 1], [3, 2, 1]]
    assert ranks(abilities, "worst").tolist() == [[2, 2, 3], [3, 3, 3], [3, 2, 1]]
