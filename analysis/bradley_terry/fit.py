"""Bradley-Terry abilities from counted votes: with ties (Davidson) and an order effect.

For methods i on the left and j on the right, with abilities a (natural logarithms):

    P(left wins)  = exp(a_i + g) / D        R. A. Bradley, M. E. Terry, Rank Analysis of Incomplete
    P(right wins) = exp(a_j) / D            Block Designs, Biometrika 1952
    P(tie)        = t exp((a_i + a_j + g) / 2) / D
                                            R. R. Davidson, On Extending the Bradley-Terry Model to
                                            Accommodate Ties, JASA 1970; order effect g: R. R.
                                            Davidson, R. J. Beaver, Biometrics 1977

D makes the three sum to one. Without ties t = 0, without an order effect g = 0. The likelihood is
concave in (a, log t, g), so that Newton's method finds its maximum, for any number of data sets at
once. Imports of this project only the counts: the survey ranks with it while votes come in.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from analysis.bradley_terry.counts import (
    Array,
    Counts,
    NoEstimateError,
    check_finite,
    finite,
    from_wins,
)

__all__ = ["Array", "Counts", "Fit", "NoEstimateError", "finite", "fit", "fit_many", "from_wins"]

# Of abilities, in natural logarithms.
CONVERGED = 1e-10
MOST_STEPS = 200
# From so many methods on, data sets that are alike are first fitted with the same information.
MANY, SHARED_STEPS = 24, 30
# A longer Newton step overshoots where votes are nearly unanimous.
LONGEST_STEP = 1.0


@dataclass(frozen=True)
class Fit:
    """abilities: (..., K) with mean zero; covariance: of the abilities, (..., K, K), from the
    observed information, under that constraint; tie: log t, NaN without ties; order: g, 0 where it
    is not estimated; tie_error, order_error: their standard errors; log_likelihood: of the votes
    one by one; converged: (...)."""

    abilities: Array
    covariance: Array
    tie: Array
    tie_error: Array
    order: Array
    order_error: Array
    log_likelihood: Array
    converged: NDArray[np.bool_]

    @property
    def std_errors(self) -> Array:
        """(..., K), of the abilities under their constraint."""
        return np.sqrt(np.diagonal(self.covariance, axis1=-2, axis2=-1).clip(0))

    def anchored(self, method: int) -> Fit:
        """The same with one ability fixed at 0."""
        k = self.abilities.shape[-1]
        shift = np.eye(k)
        shift[:, method] -= 1
        return replace(
            self,
            abilities=self.abilities - self.abilities[..., method, None],
            covariance=shift @ self.covariance @ shift.T,
        )


def fit(counts: Counts, *, ties: bool = True, order: bool = False, prior: float = 0.0) -> Fit:
    """Maximum-likelihood abilities.

    ties: tied votes by Davidson's model, else each as half a win for both; order: estimate the
    effect of the side; prior: each two methods are taken to have been compared so many times more,
    and won half of it each. Raises NoEstimateError where `prior` is 0 and an ability, the tie
    parameter or the order effect would be infinite."""
    decided = bool(counts.left.any() or counts.right.any())
    # First what no prior mends, lest it be advised.
    if ties and counts.tie.any() and not decided:
        raise NoEstimateError("every vote is a tie: nothing ranks the methods", remedy="")
    if (
        order
        and decided
        and not counts.tie.any()
        and not (counts.left.any() and counts.right.any())
    ):
        side = "left" if counts.left.any() else "right"
        raise NoEstimateError(
            f"the {side} side always won: its effect would be infinite", remedy="no order"
        )
    if prior == 0:
        check_finite(counts)
    found = fit_many(counts, ties=ties, order=order, prior=prior)
    if not found.converged.all():
        raise NoEstimateError(
            "the fit does not converge: the votes are nearly unanimous; a prior bounds them"
        )
    return found


def fit_many(
    counts: Counts,
    *,
    ties: bool = True,
    order: bool = False,
    prior: ArrayLike = 0.0,
    start: Array | None = None,
) -> Fit:
    """As `fit` for counts with leading axes, a prior for each if wanted, without its checks: look
    at `converged`. start: abilities (K,) to begin with, where the answers are thought to be near;
    then errors are NaN where nothing but abilities is estimated."""
    left, right, tie = (np.asarray(part, float) for part in counts)
    if not ties:
        left, right, tie = left + tie / 2, right + tie / 2, np.zeros_like(tie)
    k = left.shape[-1]
    extra = np.asarray(prior, float)[..., None, None] / 4 * (1 - np.eye(k))
    left, right = left + extra, right + extra
    with_ties = bool(tie.any())
    if not order and not with_ties:
        wins = left + right.swapaxes(-1, -2)
        return _plain(wins) if start is None else _near(wins, start)
    free = list(range(k)) + [k] * with_ties + [k + 1] * order
    return _newton(left, right, tie, free)


def _near(wins: Array, start: Array) -> Fit:
    """Abilities of many data sets that are alike, such as bootstrap draws."""
    if wins.shape[-1] < MANY:
        return _plain(wins, start + np.zeros(wins.shape[:-1]), errors=False)
    abilities, longest = _with_shared_information(wins, start)
    if longest.max() <= CONVERGED:
        return _found(wins, abilities, np.full(wins.shape, np.nan), longest)
    return _plain(wins, abilities, errors=False)


def _with_shared_information(wins: Array, start: Array) -> tuple[Array, Array]:
    """Newton's method with the mean information for all: a multiplication instead of an elimination
    for each data set and step. The last, and the length of the longest step of each."""
    k = wins.shape[-1]
    abilities = start + np.zeros(wins.shape[:-1])
    votes = wins + wins.swapaxes(-1, -2)
    won = wins.sum(-1)
    share = expit(start[:, None] - start[None, :])
    mean = votes.reshape(-1, k, k).mean(0) * share * (1 - share)
    inverse = np.linalg.pinv(1 / k - mean + np.diag(mean.sum(-1)))
    for _ in range(SHARED_STEPS):
        share = expit(abilities[..., :, None] - abilities[..., None, :])
        step = (won - (votes * share).sum(-1)) @ inverse
        longest = np.abs(step).max(-1)
        if not longest.max() <= LONGEST_STEP:
            break
        abilities = abilities + step - step.mean(-1, keepdims=True)
        if longest.max() <= CONVERGED:
            break
    return abilities, longest


def _plain(wins: Array, start: Array | None = None, *, errors: bool = True) -> Fit:
    """Newton's method for abilities alone, which is what most votes need. start: as wins without
    its last axis."""
    k = wins.shape[-1]
    votes = wins + wins.swapaxes(-1, -2)
    won = wins.sum(-1)
    diagonal = np.arange(k)
    abilities = np.zeros(wins.shape[:-1]) if start is None else start
    for _ in range(MOST_STEPS):
        share = expit(abilities[..., :, None] - abilities[..., None, :])
        expected = votes * share
        off = won - expected.sum(-1)
        information = 1 / k - expected * (1 - share)
        information[..., diagonal, diagonal] += (expected * (1 - share)).sum(-1)
        step = np.linalg.solve(information, off[..., None])[..., 0]
        longest = np.abs(step).max(-1)
        if not longest.max() <= LONGEST_STEP:
            step *= np.minimum(1, LONGEST_STEP / np.maximum(longest, LONGEST_STEP))[..., None]
        abilities = abilities + step - step.mean(-1, keepdims=True)
        if longest.max() <= CONVERGED:
            break
    # The constraint stands in the information as one more observation of the mean.
    covariance = (np.linalg.inv(information) if errors else np.nan * information) - 1 / k
    return _found(wins, abilities, covariance, longest)


def _found(wins: Array, abilities: Array, covariance: Array, longest: Array) -> Fit:
    """longest: step of each data set in the last round."""
    share = expit(abilities[..., :, None] - abilities[..., None, :])
    nothing = np.zeros(wins.shape[:-2])
    return Fit(
        abilities=abilities,
        covariance=covariance,
        tie=nothing + np.nan,
        tie_error=nothing + np.nan,
        order=nothing,
        order_error=nothing,
        log_likelihood=(wins * np.log(np.maximum(share, 1e-300))).sum((-1, -2)),
        converged=np.asarray(longest <= CONVERGED),
    )


def _newton(left: Array, right: Array, tie: Array, free: list[int]) -> Fit:
    """free: parameters to estimate, of K abilities, log t, g."""
    k = left.shape[-1]
    shape = left.shape[:-2]
    parameters = np.zeros((*shape, k + 2))
    # Without ties t = 0, and there is nothing to estimate.
    parameters[..., k] = np.where(tie.any(axis=(-1, -2)), 0, -np.inf)
    todo = np.ones(shape, bool)
    for _ in range(MOST_STEPS):
        at = parameters[todo]
        gradient, information, _ = _derivatives(at, left[todo], right[todo], tie[todo])
        step = np.zeros_like(at)
        step[..., free] = np.linalg.solve(
            information[..., free, :][..., free], gradient[..., free, None]
        )[..., 0]
        longest = np.abs(step).max(axis=-1, keepdims=True)
        step *= np.minimum(1, LONGEST_STEP / np.maximum(longest, LONGEST_STEP))
        at = at + step
        at[..., :k] -= at[..., :k].mean(axis=-1, keepdims=True)
        parameters[todo] = at
        todo[todo] = longest[..., 0] > CONVERGED
        if not todo.any():
            break
    return _result(parameters, left, right, tie, free, ~todo)


def _result(
    parameters: Array, left: Array, right: Array, tie: Array, free: list[int],
    converged: NDArray[np.bool_],
) -> Fit:  # fmt: skip
    k = left.shape[-1]
    _, information, likelihood = _derivatives(parameters, left, right, tie)
    covariance = np.zeros_like(information)
    places = np.ix_(free, free)
    covariance[..., places[0], places[1]] = np.linalg.inv(information[..., free, :][..., free])
    # The constraint stands in the information as one more observation of the mean.
    covariance[..., :k, :k] -= 1 / k
    errors = np.sqrt(np.diagonal(covariance, axis1=-2, axis2=-1).clip(0))
    with_ties = np.isfinite(parameters[..., k])
    return Fit(
        abilities=parameters[..., :k],
        covariance=covariance[..., :k, :k],
        tie=np.where(with_ties, parameters[..., k], np.nan),
        tie_error=np.where(with_ties, errors[..., k], np.nan),
        order=parameters[..., k + 1],
        order_error=errors[..., k + 1],
        log_likelihood=likelihood,
        converged=converged,
    )


def _derivatives(
    parameters: Array, left: Array, right: Array, tie: Array
) -> tuple[Array, Array, Array]:
    """Gradient (..., K + 2) and information (..., K + 2, K + 2) of the log-likelihood (...), with
    the mean of the abilities held at zero."""
    k = left.shape[-1]
    p_left, p_right, p_tie = probabilities(parameters)
    votes = left + right + tie
    mean = p_left + p_tie / 2
    # What the left method scores: 1 for a win, 1/2 for a tie.
    off = left + tie / 2 - votes * mean
    score = votes * (p_left + p_tie / 4 - mean**2)
    mixed = votes * p_tie * (0.5 - mean)
    gradient = np.empty((*left.shape[:-2], k + 2))
    gradient[..., :k] = off.sum(-1) - off.sum(-2)
    gradient[..., k] = (tie - votes * p_tie).sum((-1, -2))
    gradient[..., k + 1] = off.sum((-1, -2))
    information = np.empty((*left.shape[:-2], k + 2, k + 2))
    information[..., :k, :k] = 1 / k - score - score.swapaxes(-1, -2)
    diagonal = np.arange(k)
    information[..., diagonal, diagonal] += score.sum(-1) + score.sum(-2)
    for place, part in ((k, mixed), (k + 1, score)):
        across = part.sum(-1) - part.sum(-2)
        information[..., :k, place] = information[..., place, :k] = across
    untied = ~tie.any(axis=(-1, -2))
    information[..., k, k] = (votes * p_tie * (1 - p_tie)).sum((-1, -2)) + untied
    information[..., k, k + 1] = information[..., k + 1, k] = mixed.sum((-1, -2))
    information[..., k + 1, k + 1] = score.sum((-1, -2))
    likelihood = sum(
        np.where(count > 0, count * np.log(np.maximum(p, 1e-300)), 0).sum((-1, -2))
        for count, p in ((left, p_left), (right, p_right), (tie, p_tie))
    )
    return gradient, information, np.asarray(likelihood)


def probabilities(parameters: Array) -> tuple[Array, Array, Array]:
    """Of left, right and tie for every ordered pair, each (..., K, K).

    parameters: (..., K + 2), abilities, log t (minus infinity: no ties) and g."""
    abilities, log_tie = parameters[..., :-2], parameters[..., -2, None, None]
    order = parameters[..., -1, None, None]
    lead = abilities[..., :, None] - abilities[..., None, :] + order
    # Over the square root of both sides' strengths.
    strong, weak, even = np.exp(lead / 2), np.exp(-lead / 2), np.exp(log_tie)
    total = strong + weak + even
    return strong / total, weak / total, even / total
