"""Maximum-likelihood abilities from counted choices, by Newton's method.

The likelihood is concave. It has a finite maximum if and only if every method can be reached from
every other one along "was chosen where the other was offered", which is Ford's condition on the
implied pairs.

References
----------
D. R. Hunter, MM Algorithms for Generalized Bradley-Terry Models, The Annals of Statistics 32 (1),
2004. (existence)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analysis.bradley_terry import Array, Fit, no_estimate
from analysis.bradley_terry.newton import inverse, solved
from analysis.bradley_terry.unbounded import check_converged
from analysis.plackett_luce.choices import Choices, with_pairs

# As of `analysis.bradley_terry.newton`: the last step of an ability, and the longest.
_CONVERGED, _LONGEST_STEP, _MAX_ITERATIONS = 1e-10, 1.0, 200
# Products for an information matrix from which on similar data sets are first fitted with one.
_COSTLY, _MAX_SHARED_ITERATIONS = 100_000, 30


def fit(choices: Choices, counts: Array, prior: float = 0.0) -> Fit:
    """Fit one data set: D distinct choices, and how often each was made, (D,).

    `prior` is the number of votes to add for each pair of methods, half of them won by each. Raises
    NoEstimateError if an ability would be infinite, or the iteration does not converge.
    """
    reason = no_estimate(choices.implied(counts), ties=False, order=False)
    if reason and prior == 0:
        raise reason
    result = fit_many(choices, counts[None], prior=np.array([prior]), errors=True)
    check_converged(result.converged)
    return Fit(**{name: value[0] for name, value in vars(result).items()})


def fit_many(
    choices: Choices,
    counts: Array,
    *,
    prior: Array | None = None,
    pairs: Array | None = None,
    start: Array | None = None,
    errors: bool = False,
) -> Fit:
    """Fit n data sets (n, D) together, without a check that their estimates exist.

    Only those whose `converged` is True have one. There are no ties and no order effect.

    Parameters
    ----------
    prior
        As for `fit`, one for each data set, (n,).
    pairs
        Further choices between two: how often i was preferred to j, (n, K, K).
    start
        Abilities (K,) near which the estimates are expected, which makes the fit faster.
    errors
        Whether to compute the covariance, which is otherwise NaN.
    """
    n, k = len(counts), choices.others.shape[1]
    if prior is not None and prior.any():
        added = np.broadcast_to(prior[:, None, None] / 2, (n, k, k))
        pairs = added if pairs is None else pairs + added
    if pairs is not None:
        choices = with_pairs(choices)
        counts = np.concatenate([counts, pairs[:, ~np.eye(k, dtype=bool)]], axis=1)
    abilities = np.zeros((n, k)) + (0 if start is None else start)
    converged = np.zeros(n, bool)
    if start is not None and choices.others.size * k > _COSTLY:
        converged = _approach(choices, counts, abilities)
    if len(left := np.flatnonzero(~converged)):
        abilities[left], converged[left] = _maximised(choices, counts[left], abilities[left])
    covariance = np.full((n, k, k), np.nan)
    if errors:
        _, information = _derivatives(choices, counts, abilities)
        covariance = inverse(information) - 1 / (_constraint(counts, k) * k**2)
    absent, zero = np.full(n, np.nan), np.zeros(n)
    return Fit(
        abilities=abilities,
        covariance=covariance,
        tie=absent,
        tie_error=absent,
        order=zero,
        order_error=zero,
        log_likelihood=_log_likelihood(choices, counts, abilities),
        converged=converged,
    )


def _approach(choices: Choices, counts: Array, abilities: Array) -> NDArray[np.bool_]:
    """Improve equal abilities (n, K) in place by the mean information there.

    Each step is a product instead of an information matrix for each data set. Returns which data
    sets have converged, (n,).
    """
    mean = counts.mean(0, keepdims=True)
    shared = inverse(_derivatives(choices, mean, abilities[:1])[1][0])
    converged = np.zeros(len(counts), bool)
    for _ in range(_MAX_SHARED_ITERATIONS):
        step = _gradient(choices, counts, abilities)[0] @ shared
        step -= step.mean(-1, keepdims=True)
        longest = np.abs(step).max(-1)
        if not longest.max() <= _LONGEST_STEP:
            break
        abilities += step
        converged = longest <= _CONVERGED
        if converged.all():
            break
    return converged


def _maximised(
    choices: Choices, counts: Array, abilities: Array
) -> tuple[Array, NDArray[np.bool_]]:
    """Return improved abilities (n, K), and which data sets have converged, (n,)."""
    left = np.arange(len(counts))
    for _ in range(_MAX_ITERATIONS):
        gradient, information = _derivatives(choices, counts[left], abilities[left])
        step = solved(information, gradient)
        step -= step.mean(-1, keepdims=True)
        longest = np.abs(step).max(-1)
        step *= np.minimum(1, _LONGEST_STEP / np.maximum(longest, _LONGEST_STEP))[:, None]
        abilities[left] += step
        left = left[~(longest <= _CONVERGED)]
        if not len(left):
            break
    converged = np.ones(len(counts), bool)
    converged[left] = False
    return abilities, converged


def _constraint(counts: Array, k: int) -> Array:
    """Return what is added to an information matrix, (n, 1, 1), as for Bradley and Terry's."""
    return np.asarray(np.maximum(counts.sum(-1) / k, 1) / k)[:, None, None]


def _derivatives(choices: Choices, counts: Array, abilities: Array) -> tuple[Array, Array]:
    """Return gradient (n, K) and information (n, K, K) with the constraint of mean zero."""
    k = choices.others.shape[1]
    gradient, strength, total = _gradient(choices, counts, abilities)
    offered, weight = choices.others + np.eye(k)[choices.chosen], counts / total**2
    together = np.array([(offered.T * each) @ offered for each in weight])
    information = -together * strength[:, :, None] * strength[:, None, :]
    diagonal = np.arange(k)
    information[:, diagonal, diagonal] = 0
    information[:, diagonal, diagonal] = -information.sum(-1)
    return gradient, information + _constraint(counts, k)


def _gradient(choices: Choices, counts: Array, abilities: Array) -> tuple[Array, Array, Array]:
    """Return gradient (n, K), exp(a) of each method, and of all in a choice (see `_strengths`)."""
    strength, rest, total = _strengths(choices, abilities)
    # Sums of what each choice is above its mean: differences of large numbers would hide the few.
    gradient = (counts * rest / total) @ np.eye(choices.others.shape[1])[choices.chosen]
    return gradient - strength * ((counts / total) @ choices.others), strength, total


def _strengths(choices: Choices, abilities: Array) -> tuple[Array, Array, Array]:
    """Return exp(a) of each method, (n, K), of all others in a choice, and of all in it, (n, D)."""
    strength = np.exp(abilities - abilities.max(-1, keepdims=True))
    rest = strength @ choices.others.T
    return strength, rest, rest + strength[:, choices.chosen]


def _log_likelihood(choices: Choices, counts: Array, abilities: Array) -> Array:
    strength, _, total = _strengths(choices, abilities)
    share = np.log(strength[:, choices.chosen] / total)
    return np.asarray(np.where(counts > 0, counts * share, 0).sum(-1))
