"""Newton's method for the maximum of the likelihood, for many data sets together.

`fit` describes the model. Its parameters are K abilities, log t (minus infinity: no ties) and g.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from analysis.bradley_terry.counts import Array

# Largest step of an ability, in natural logarithms, at which the iteration has converged.
_CONVERGED = 1e-10
_MAX_ITERATIONS = 200
# From this many methods on, similar data sets are first fitted with one information matrix.
_MANY_METHODS, _MAX_SHARED_ITERATIONS = 24, 30
# Longer steps overshoot if votes are nearly unanimous.
_LONGEST_STEP = 1.0
# Keeps logarithms of probabilities finite.
_TINY = 1e-300


def maximise_abilities(
    wins: Array, start: Array | None
) -> tuple[Array, Array, Array, NDArray[np.bool_]]:
    """Fit abilities to tables of wins (..., K, K), without ties and order effect.

    Returns abilities, covariance (NaN if `start`, (K,), is given), log-likelihood and whether each
    data set has converged.
    """
    if start is None:
        abilities, covariance, longest = _separately(wins, np.zeros(wins.shape[:-1]), True)
    else:
        abilities, longest = _together(wins, start + np.zeros(wins.shape[:-1]), start)
        covariance = np.full(wins.shape, np.nan)
        if not longest.max() <= _CONVERGED:
            abilities, _, longest = _separately(wins, abilities, False)
    share = _expected_share(abilities)
    likelihood = (wins * np.log(np.maximum(share, _TINY))).sum((-1, -2))
    return abilities, covariance, likelihood, np.asarray(longest <= _CONVERGED)


def _expected_share(abilities: Array) -> Array:
    return np.asarray(expit(abilities[..., :, None] - abilities[..., None, :]))


def _together(wins: Array, abilities: Array, start: Array) -> tuple[Array, Array]:
    """Use the mean information at `start`: a product per step instead of a solution per data set.

    Returns the last abilities and the length of each data set's last step; without an iteration
    (few methods, where this is not faster) infinity.
    """
    k = wins.shape[-1]
    longest = np.full(wins.shape[:-2], np.inf)
    if k < _MANY_METHODS:
        return abilities, longest
    votes = wins + wins.swapaxes(-1, -2)
    won = wins.sum(-1)
    share = _expected_share(start)
    mean = votes.reshape(-1, k, k).mean(0) * share * (1 - share)
    inverse = np.linalg.pinv(_constraint(mean)[..., 0, 0] - mean + np.diag(mean.sum(-1)))
    for _ in range(_MAX_SHARED_ITERATIONS):
        step = (won - (votes * _expected_share(abilities)).sum(-1)) @ inverse
        step -= step.mean(-1, keepdims=True)
        longest = np.abs(step).max(-1)
        if not longest.max() <= _LONGEST_STEP:
            break
        abilities = abilities + step
        if longest.max() <= _CONVERGED:
            break
    return abilities, longest


def _constraint(votes: Array) -> Array:
    """Return what is added to an information matrix, (..., 1, 1): the mean of abilities, which no
    vote determines, is observed about as precisely as the rest."""
    k = votes.shape[-1]
    return np.maximum(votes.sum((-1, -2), keepdims=True) / k, 1) / k


def _separately(wins: Array, abilities: Array, errors: bool) -> tuple[Array, Array, Array]:
    """Return abilities, covariance (NaN without `errors`) and the length of the last steps."""
    k = wins.shape[-1]
    votes = wins + wins.swapaxes(-1, -2)
    diagonal = np.arange(k)
    constraint = _constraint(votes)
    for _ in range(_MAX_ITERATIONS):
        share = _expected_share(abilities)
        # Not votes less expected votes, whose rounding hides the one loss beside 1e9 wins.
        surprise = wins * share.swapaxes(-1, -2)
        gradient = (surprise - surprise.swapaxes(-1, -2)).sum(-1)
        variance = votes * share * share.swapaxes(-1, -2)
        information = constraint - variance
        information[..., diagonal, diagonal] += variance.sum(-1)
        step = solved(information, gradient)
        step -= step.mean(-1, keepdims=True)
        longest = np.abs(step).max(-1)
        if not longest.max() <= _LONGEST_STEP:
            step *= np.minimum(1, _LONGEST_STEP / np.maximum(longest, _LONGEST_STEP))[..., None]
        abilities = abilities + step
        if longest.max() <= _CONVERGED:
            break
    variance_of_mean = 1 / (constraint * k**2)
    covariance = inverse(information) - variance_of_mean if errors else np.nan * information
    return abilities, covariance, longest


def solved(information: Array, gradient: Array) -> Array:
    """Return Newton's step; the shortest one where nearly unanimous votes are past rounding.

    Shapes are (..., n, n) and (..., n).
    """
    try:
        return np.asarray(np.linalg.solve(information, gradient[..., None])[..., 0])
    except np.linalg.LinAlgError:
        return np.asarray((inverse(information) @ gradient[..., None])[..., 0])


def inverse(information: Array) -> Array:
    """Return the inverse, or the pseudoinverse if there is none, (..., n, n)."""
    try:
        return np.asarray(np.linalg.inv(information))
    except np.linalg.LinAlgError:
        return np.asarray(np.linalg.pinv(information, hermitian=True), float)


def maximise_all(
    left: Array, right: Array, tie: Array, free: list[int]
) -> tuple[Array, Array, Array, NDArray[np.bool_]]:
    """Fit the parameters numbered `free`, of K + 2; the others stay as without ties or order.

    Returns parameters (..., K + 2), their covariance (0 where not free), log-likelihood and whether
    each data set has converged.
    """
    k = left.shape[-1]
    parameters = np.zeros((*left.shape[:-2], k + 2))
    parameters[..., k] = np.where(tie.any(axis=(-1, -2)), 0, -np.inf)
    active = np.ones(left.shape[:-2], bool)
    for _ in range(_MAX_ITERATIONS):
        at = parameters[active]
        gradient, information, _ = _derivatives(at, left[active], right[active], tie[active])
        step = np.zeros_like(at)
        step[..., free] = solved(information[..., free, :][..., free], gradient[..., free])
        step[..., :k] -= step[..., :k].mean(axis=-1, keepdims=True)
        longest = np.abs(step).max(axis=-1, keepdims=True)
        step *= np.minimum(1, _LONGEST_STEP / np.maximum(longest, _LONGEST_STEP))
        at = at + step
        parameters[active] = at
        active[active] = longest[..., 0] > _CONVERGED
        if not active.any():
            break
    _, information, likelihood = _derivatives(parameters, left, right, tie)
    covariance = np.zeros_like(information)
    rows, columns = np.ix_(free, free)
    covariance[..., rows, columns] = inverse(information[..., free, :][..., free])
    covariance[..., :k, :k] -= 1 / (_constraint(left + right + tie) * k**2)
    return parameters, covariance, likelihood, ~active


def _derivatives(
    parameters: Array, left: Array, right: Array, tie: Array
) -> tuple[Array, Array, Array]:
    """Return gradient (..., K + 2), information (..., K + 2, K + 2) and log-likelihood (...).

    The information includes the constraint that abilities have mean zero.
    """
    k = left.shape[-1]
    p_left, p_right, p_tie = probabilities(parameters)
    votes = left + right + tie
    # The left method scores 1 for a win and 1/2 for a tie.
    above, below = p_left + p_tie / 2, p_right + p_tie / 2
    middle = (p_right - p_left) / 2
    # What each outcome is above its mean: differences of large numbers would hide the few.
    residual = left * below + tie * middle - right * above
    variance = votes * (p_left * below**2 + p_tie * middle**2 + p_right * above**2)
    mixed = votes * p_tie * middle
    gradient = np.empty((*left.shape[:-2], k + 2))
    gradient[..., :k] = residual.sum(-1) - residual.sum(-2)
    gradient[..., k] = (tie * (p_left + p_right) - (left + right) * p_tie).sum((-1, -2))
    gradient[..., k + 1] = residual.sum((-1, -2))
    information = np.empty((*left.shape[:-2], k + 2, k + 2))
    information[..., :k, :k] = _constraint(votes) - variance - variance.swapaxes(-1, -2)
    diagonal = np.arange(k)
    information[..., diagonal, diagonal] += variance.sum(-1) + variance.sum(-2)
    for place, part in ((k, mixed), (k + 1, variance)):
        across = part.sum(-1) - part.sum(-2)
        information[..., :k, place] = information[..., place, :k] = across
    untied = ~tie.any(axis=(-1, -2))
    information[..., k, k] = (votes * p_tie * (p_left + p_right)).sum((-1, -2)) + untied
    information[..., k, k + 1] = information[..., k + 1, k] = mixed.sum((-1, -2))
    information[..., k + 1, k + 1] = variance.sum((-1, -2))
    likelihood = sum(
        np.where(count > 0, count * np.log(np.maximum(p, _TINY)), 0).sum((-1, -2))
        for count, p in ((left, p_left), (right, p_right), (tie, p_tie))
    )
    return gradient, information, np.asarray(likelihood)


def probabilities(parameters: Array) -> tuple[Array, Array, Array]:
    """Return the probabilities that left wins, right wins and neither does, each (..., K, K).

    They are indexed [left method, right method]; `parameters` are (..., K + 2).
    """
    abilities, log_tie = parameters[..., :-2], parameters[..., -2, None, None]
    order = parameters[..., -1, None, None]
    lead = abilities[..., :, None] - abilities[..., None, :] + order
    # Each divided by the geometric mean of both sides' strengths.
    strong, weak, even = np.exp(lead / 2), np.exp(-lead / 2), np.exp(log_tie)
    total = strong + weak + even
    return strong / total, weak / total, even / total
