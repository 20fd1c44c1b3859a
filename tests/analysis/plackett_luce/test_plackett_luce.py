"""The fit against the truth, the written-out likelihood, another model and another library."""

from __future__ import annotations

import itertools
import random

import choix
import numpy as np
import pytest
from scipy.optimize import minimize

from analysis import bradley_terry
from analysis.bradley_terry import Fit, NoEstimateError, from_wins, with_names
from analysis.plackett_luce import OrderArrays, arrays, bootstrap, fit, fit_many

Votes = list[tuple[int, ...]]


def simulated(abilities: np.ndarray, number: int, sizes: tuple[int, ...], seed: int = 0) -> Votes:
    """Orders of random methods, drawn place by place from the model's definition."""
    # Python's own generator: NumPy's takes ten times as long for single draws.
    rng = random.Random(seed)
    weights = np.exp(abilities).tolist()
    votes = []
    for _ in range(number):
        left = rng.sample(range(len(weights)), rng.choice(sizes))
        vote = []
        while left:
            [chosen] = rng.choices(left, [weights[method] for method in left])
            left.remove(chosen)
            vote.append(chosen)
        votes.append(tuple(vote))
    return votes


def counted(votes: Votes, methods: int, ordered: bool = True) -> OrderArrays:
    return arrays(votes, np.ones(len(votes)), None, methods, ordered=ordered)


def fitted(votes: Votes, methods: int, ordered: bool = True, prior: float = 0.0) -> Fit:
    data = counted(votes, methods, ordered)
    return fit(data.choices, data.counts(), prior)


def likelihood(abilities: np.ndarray, votes: Votes, ordered: bool) -> float:
    """Plackett 1975 and Luce 1959, written out vote by vote."""
    total = 0.0
    for vote in votes:
        for place in range(len(vote) - 1 if ordered else 1):
            offered = np.exp(abilities[list(vote[place:])])
            total += np.log(offered[0] / offered.sum())
    return float(total)


@pytest.mark.slow
def test_abilities_of_simulated_people_come_back() -> None:
    truth = np.array([1.2, 0.4, 0.0, -0.5, -1.1])
    votes = simulated(truth, 20_000, (3, 4, 5))
    for ordered in (True, False):
        found = fitted(votes, 5, ordered)
        assert np.abs(found.abilities - truth).max() < 4.5 * found.std_errors.max() < 0.12


@pytest.mark.parametrize("ordered", [True, False])
def test_estimate_and_errors_are_those_of_the_written_out_likelihood(ordered: bool) -> None:
    votes = simulated(np.array([0.8, 0.1, -0.2, -0.7]), 150, (2, 3, 4), seed=1)
    found = fitted(votes, 4, ordered)

    def negative(free: np.ndarray) -> float:
        return -likelihood(np.concatenate([[0], free]), votes, ordered)

    oracle = minimize(negative, np.zeros(3), method="BFGS", tol=1e-10).x
    np.testing.assert_allclose(found.abilities[1:] - found.abilities[0], oracle, atol=1e-4)
    assert float(found.log_likelihood) == pytest.approx(-negative(oracle), abs=1e-6)
    step = 1e-3 * np.eye(3)
    curvature = [
        [
            sum(s * t * negative(oracle + s * a + t * b) for s in (1, -1) for t in (1, -1))
            for b in step
        ]
        for a in step
    ]
    errors = np.sqrt(np.diag(np.linalg.inv(np.array(curvature) / 4e-6)))
    np.testing.assert_allclose(found.anchored(0).std_errors[1:], errors, rtol=1e-3)


@pytest.mark.parametrize("ordered", [True, False])
def test_abilities_are_the_maximum_that_choix_finds(ordered: bool) -> None:
    votes = simulated(np.linspace(2, -2, 7), 400, (2, 3, 5), seed=2)
    if ordered:
        oracle = choix.ilsr_rankings(7, votes, tol=1e-12)
    else:
        oracle = choix.ilsr_top1(7, [(vote[0], vote[1:]) for vote in votes], tol=1e-12)
    found = fitted(votes, 7, ordered).abilities
    np.testing.assert_allclose(found, oracle - oracle.mean(), atol=1e-9)


@pytest.mark.parametrize("prior", [0.0, 1.5])
def test_of_two_methods_it_is_bradley_terry(prior: float) -> None:
    votes = simulated(np.array([0.9, 0.2, -0.1, -0.8]), 200, (2,), seed=3)
    wins = np.zeros((4, 4))
    for better, worse in votes:
        wins[better, worse] += 1
    pairs = bradley_terry.fit(from_wins(wins), prior=prior)
    found = fitted(votes, 4, prior=prior)
    np.testing.assert_allclose(found.abilities, pairs.abilities, atol=1e-9)
    np.testing.assert_allclose(found.covariance, pairs.covariance, atol=1e-9)
    assert float(found.log_likelihood) == pytest.approx(float(pairs.log_likelihood))


def test_one_other_order_beside_a_billion() -> None:
    """The first of three against the last: 1e9 : 1, as of pairs."""
    data = arrays([(0, 1), (1, 0)], np.array([1e9, 1]), None, 2, ordered=True)
    found = fit(data.choices, data.counts())
    assert found.abilities[0] - found.abilities[1] == pytest.approx(np.log(1e9), abs=1e-9)


NO_ESTIMATE = {
    "never preferred: method(s) c": [(0, 1, 2), (1, 0, 2)],
    "always preferred: method(s) a": [(0, 1, 2), (0, 2, 1)],
    "never compared with each other: a, b | c, d": [(0, 1), (1, 0), (2, 3), (3, 2)],
    "preferred in every vote to all others": [(0, 1, 2, 3), (1, 0, 3, 2)],
}


@pytest.mark.parametrize("reason", NO_ESTIMATE)
def test_without_a_finite_estimate_the_reason_is_named(reason: str) -> None:
    votes = NO_ESTIMATE[reason]
    methods = 1 + max(max(vote) for vote in votes)
    with pytest.raises(NoEstimateError) as caught:
        fitted(votes, methods)
    assert with_names(str(caught.value), "abcd").startswith(reason)
    assert np.isfinite(fitted(votes, methods, prior=1).abilities).all()


def hardly_moves(votes: Votes, ordered: bool) -> bool:
    """Whether the best abilities stay when a pull towards zero becomes 1000 times weaker."""

    def pulled(free: np.ndarray, pull: float) -> float:
        return pull * (free**2).sum() - likelihood(np.concatenate([[0], free]), votes, ordered)

    strong, weak = (minimize(pulled, np.zeros(2), (pull,)).x for pull in (1e-3, 1e-6))
    return bool(np.abs(strong - weak).max() < 1)


def has_estimate(votes: Votes, ordered: bool) -> bool:
    try:
        return bool(np.isfinite(fitted(votes, 3, ordered).abilities).all())
    except NoEstimateError:
        return False


@pytest.mark.slow
def test_it_exists_exactly_where_an_optimiser_does_not_run_away() -> None:
    rng = np.random.default_rng(4)
    orders = list(itertools.permutations(range(3)))
    cases = [
        ([orders[i] for i in rng.integers(0, 6, rng.integers(1, 4))], ordered)
        for _ in range(25)
        for ordered in (True, False)
    ]
    exists = [has_estimate(*case) for case in cases]
    assert exists == [hardly_moves(*case) for case in cases]
    assert 5 < sum(exists) < 45


@pytest.mark.slow
def test_the_bootstrap_spreads_as_independent_studies_do() -> None:
    truth = np.array([0.7, 0.0, -0.7])
    studies = [fitted(simulated(truth, 150, (3,), seed), 3).abilities for seed in range(200)]
    found = bootstrap(counted(simulated(truth, 150, (3,), seed=999), 3), 600, 0, 0.0)
    assert found.clusters == 150 and found.unbounded == 0
    np.testing.assert_allclose(found.abilities.std(axis=0), np.std(studies, axis=0), rtol=0.2)


def test_a_row_of_weight_seven_is_seven_rows() -> None:
    votes = simulated(np.zeros(3), 12, (3,), seed=5)
    weighed = arrays(votes, np.full(12, 7.0), None, 3, ordered=True)
    repeated = counted([vote for vote in votes for _ in range(7)], 3)
    assert bootstrap(weighed, 100, 0, 0.0).clusters == 84
    spread = bootstrap(weighed, 300, 0, 0.0).abilities
    np.testing.assert_allclose(spread, bootstrap(repeated, 300, 0, 0.0).abilities, atol=1e-9)


def test_all_votes_of_a_cluster_are_drawn_together() -> None:
    """Two people, each with a hundred equal votes: a resample has all of one, or both."""
    votes = [(0, 1, 2)] * 100 + [(2, 1, 0)] * 100
    owner = np.repeat(np.array([0, 1], np.int32), 100)
    found = bootstrap(arrays(votes, np.ones(200), owner, 3, ordered=True), 200, 0, 0.0)
    assert found.clusters == 2 and 70 < found.unbounded < 130
    assert len(np.unique(found.abilities[:, 0].round(6))) == 3


def test_many_methods_are_fitted_as_one_by_one() -> None:
    """Another algorithm is used where an information matrix for each data set is costly."""
    votes = simulated(np.linspace(1, -1, 30), 3000, (4,), seed=6)
    data = counted(votes, 30)
    counts = (
        np.random.default_rng(0).multinomial(
            3000, np.full(len(data.distinct), 1 / len(data.distinct)), 5
        )
        @ data.made
    )
    whole = fit(data.choices, data.counts()).abilities
    assert data.choices.others.size * 30 > 100_000
    together = fit_many(data.choices, counts, start=whole).abilities
    for one, own in zip(together, counts, strict=True):
        np.testing.assert_allclose(one, fit(data.choices, own).abilities, atol=1e-8)
