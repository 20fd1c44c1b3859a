"""Distances between sets of features against independent formulas, and cases worked by hand.

The same features were also given to torch-fidelity's own functions, see docs/metrics.md.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import sqrtm
from scipy.optimize import minimize

from analysis.sets.distances import (
    Features,
    _decisions,
    discriminated,
    frechet_distance,
    kernel_distance,
    kernel_sums,
)


def samples(n: int = 60, d: int = 5, seed: int = 0) -> tuple[Features, Features]:
    """References, and results that resemble their own reference."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, d)) @ rng.normal(size=(d, d))
    return x, 0.8 * x + 0.5 * rng.normal(size=(n, d)) + 0.2


def naive(x: Features, y: Features, groups: list[int], same: bool) -> float:
    """The mean over pairs, one after the other."""

    def k(a: Features, b: Features) -> float:
        return (sum(a * b) / len(a) + 1) ** 3

    def mean(a: Features, b: Features, within: bool) -> float:
        values = [
            k(a[i], b[j])
            for i in range(len(a))
            for j in range(len(b))
            if (same and not (within and i == j)) or groups[i] != groups[j]
        ]
        return sum(values) / len(values)

    return mean(x, x, True) + mean(y, y, True) - 2 * mean(x, y, False)


def test_frechet_distance_is_the_formula_with_matrix_roots() -> None:
    x, y = samples()
    a, b = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    shift = np.square(x.mean(axis=0) - y.mean(axis=0)).sum()
    expected = shift + np.trace(a + b - 2 * sqrtm(a @ b).real)
    assert frechet_distance(x, y) == pytest.approx(expected, rel=1e-9)


def test_frechet_distance_by_hand() -> None:
    x = np.array([[-1.0], [0.0], [1.0]])
    # Standard deviations 1 and 3, means 0 and 2: 2² + (3 - 1)².
    assert frechet_distance(x, 3 * x + 2) == pytest.approx(8)
    assert frechet_distance(x, x) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("same", [True, False])
@pytest.mark.parametrize("masks", [1, 3])
def test_kernel_distance_is_the_mean_over_pairs(same: bool, masks: int) -> None:
    x, y = samples(12, 4)
    # Photographs with several masks, which need not stand together.
    groups = [number % (12 // masks) for number in range(12)]
    sums = kernel_sums(x, y, np.array(groups))
    found = kernel_distance(sums, same_photograph=same)
    assert found == pytest.approx(naive(x, y, groups, same), rel=1e-9)


def test_photographs_drawn_twice_are_not_compared_with_themselves() -> None:
    x, y = samples(6, 4)
    drawn = [0, 0, 1, 3, 3, 3]
    expected = naive(x[drawn], y[drawn], drawn, same=False)
    sums = kernel_sums(x, y, np.arange(6))
    weights = np.bincount(drawn, minlength=6)
    assert kernel_distance(sums, weights, same_photograph=False) == pytest.approx(expected)


def test_without_pairs_of_the_same_photograph_it_is_unbiased() -> None:
    """Results of the same distribution as the references, but like their own reference: 0."""
    rng = np.random.default_rng(1)
    found: dict[bool, list[float]] = {True: [], False: []}
    for _ in range(300):
        x = rng.normal(size=(20, 3))
        y = 0.8 * x + 0.6 * rng.normal(size=(20, 3))
        sums = kernel_sums(x, y, np.arange(20))
        for same, values in found.items():
            values.append(kernel_distance(sums, same_photograph=same))
    error = {same: np.std(values) / np.sqrt(300) for same, values in found.items()}
    assert abs(np.mean(found[False])) < 4 * error[False]
    assert np.mean(found[True]) < -10 * error[True]


def test_the_machine_minimises_its_loss() -> None:
    x, y = samples(40, 5)
    z = np.column_stack([np.concatenate([x, y]), np.ones(80)])
    side = np.repeat([1, -1], 40)

    def loss(w: Features) -> float:
        return w @ w / 2 + np.square(np.maximum(0, 1 - side * (z @ w))).sum()

    w = minimize(loss, np.zeros(6), method="Powell", options={"xtol": 1e-9, "ftol": 1e-14}).x
    assert _decisions(np.concatenate([x, y]), 40) == pytest.approx(z @ w, abs=1e-4)


def test_shares_that_the_machine_takes_for_the_other() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(size=(50, 2))
    apart = discriminated(x, x + 100)
    assert apart.wrong.mean() == apart.fooled.mean() == 0
    # A permutation of the references is told from them by nothing.
    assert discriminated(x, x[::-1]).wrong.mean() == 0.5
    # One photograph of four is on the side of the results with its reference, and vice versa.
    x = np.array([[1.0], [1.0], [1.0], [-1.0]])
    mixed = discriminated(x, -x)
    assert mixed.wrong.tolist() == [0, 0, 0, 1] and mixed.fooled.tolist() == [0, 0, 0, 1]
