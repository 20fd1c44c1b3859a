"""Maximum-likelihood abilities from counted votes, with ties and an order effect.

With abilities a, for method i on the left and j on the right:

    P(left wins)  = exp(a_i + g) / D
    P(right wins) = exp(a_j) / D
    P(tie)        = t exp((a_i + a_j + g) / 2) / D

D makes the three sum to one; t is 0 without ties, g is 0 without an order effect. The likelihood is
concave in (a, log t, g), so that Newton's method finds its maximum.

References
----------
R. A. Bradley, M. E. Terry, Rank Analysis of Incomplete Block Designs: I. The Method of Paired
Comparisons, Biometrika 39 (3/4), 1952.
R. R. Davidson, On Extending the Bradley-Terry Model to Accommodate Ties in Paired Comparison
Experiments, Journal of the American Statistical Association 65 (329), 1970. (t)
R. R. Davidson, R. J. Beaver, On Extending the Bradley-Terry Model to Incorporate Within-Pair Order
Effects, Biometrics 33 (4), 1977. (g)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.bradley_terry.counts import Array, Counts
from analysis.bradley_terry.newton import maximise_abilities, maximise_all
from analysis.bradley_terry.unbounded import check_converged, no_estimate

# Abilities that agree to so many decimals are equal; those of methods with the same votes differ by
# rounding, about 1e-16.
_EQUAL_DIGITS = 9


@dataclass(frozen=True)
class Fit:
    """Estimates for each data set; standard errors are from the observed information."""

    abilities: Array  # (..., K), with mean zero unless `anchored`
    covariance: Array  # of the abilities under that constraint, (..., K, K)
    # Estimate and standard error of log t, (...); NaN without ties.
    tie: Array
    tie_error: Array
    # Estimate and standard error of g, (...); 0 if it is not estimated.
    order: Array
    order_error: Array
    log_likelihood: Array  # of the votes one by one, (...)
    converged: NDArray[np.bool_]  # whether Newton's method has converged, (...)

    @property
    def std_errors(self) -> Array:
        """Standard errors of the abilities under their constraint, (..., K)."""
        return _std_errors(self.covariance)

    def anchored(self, method: int) -> Fit:
        """Return the same fit with the ability of one method fixed at 0.

        Parameters
        ----------
        method
            Its index, 0 to K - 1.

        Returns
        -------
        Fit
            Of one data set.
        """
        shift = np.eye(self.abilities.shape[-1])
        shift[:, method] -= 1
        return replace(
            self,
            abilities=self.abilities - self.abilities[..., method, None],
            covariance=shift @ self.covariance @ shift.T,
        )


def fit(counts: Counts, *, ties: bool = True, order: bool = False, prior: float = 0.0) -> Fit:
    """Fit one data set.

    Parameters
    ----------
    counts
        Tables (K, K).
    ties
        Whether to model ties; otherwise a tie counts as half a win for both methods.
    order
        Whether to estimate the effect g of the side.
    prior
        Number of votes to add for each pair of methods, half of them won by each.

    Returns
    -------
    Fit
        The estimates that maximise the likelihood.

    Raises
    ------
    NoEstimateError
        If a parameter would be infinite, or the iteration does not converge.
    """
    reason = no_estimate(counts, ties=ties, order=order)
    if reason and (prior == 0 or not reason.prior_helps):
        raise reason
    result = fit_many(counts, ties=ties, order=order, prior=prior)
    check_converged(result.converged)
    return result


def fit_many(
    counts: Counts,
    *,
    ties: bool = True,
    order: bool = False,
    prior: ArrayLike = 0.0,
    start: Array | None = None,
) -> Fit:
    """Fit many data sets together, without a check that their estimates exist.

    Parameters
    ----------
    counts
        Tables (..., K, K).
    ties, order
        As for `fit`.
    prior
        As for `fit`: one for all data sets, or one for each, (...).
    start
        Abilities (K,) near which the estimates are expected, which makes the fit faster. The
        covariance is then NaN if there are no ties and no order effect.

    Returns
    -------
    Fit
        Only the data sets whose `converged` is True have an estimate.
    """
    left, right, tie = (np.asarray(part, float) for part in counts)
    if not ties:
        left, right, tie = left + tie / 2, right + tie / 2, np.zeros_like(tie)
    k = left.shape[-1]
    extra = np.asarray(prior, float)[..., None, None] / 4 * (1 - np.eye(k))
    left, right = left + extra, right + extra
    with_ties = bool(tie.any())
    if not order and not with_ties:
        wins = left + right.swapaxes(-1, -2)
        abilities, covariance, likelihood, converged = maximise_abilities(wins, start)
        zero = np.zeros(wins.shape[:-2])
        absent = np.full(wins.shape[:-2], np.nan)
        return Fit(abilities, covariance, absent, absent, zero, zero, likelihood, converged)
    free = [*range(k), *([k] if with_ties else []), *([k + 1] if order else [])]
    parameters, covariance, likelihood, converged = maximise_all(left, right, tie, free)
    errors = _std_errors(covariance)
    tied = np.isfinite(parameters[..., k])
    return Fit(
        abilities=parameters[..., :k],
        covariance=covariance[..., :k, :k],
        tie=np.where(tied, parameters[..., k], np.nan),
        tie_error=np.where(tied, errors[..., k], np.nan),
        order=parameters[..., k + 1],
        order_error=errors[..., k + 1],
        log_likelihood=likelihood,
        converged=converged,
    )


def _std_errors(covariance: Array) -> Array:
    return np.sqrt(np.diagonal(covariance, axis1=-2, axis2=-1).clip(0))


def ranks(abilities: Array, among_equals: Literal["best", "worst"] = "best") -> NDArray[np.intp]:
    """Return ranks along the last axis, 1 for the highest ability.

    Parameters
    ----------
    abilities
        Abilities, (..., K); NaN ranks last.
    among_equals
        Equal abilities share a rank: the best of the places that they take, or the worst.

    Returns
    -------
    ndarray
        int (..., K), 1 to K.
    """
    rounded = np.nan_to_num(np.round(abilities, _EQUAL_DIGITS), nan=-np.inf)
    return np.apply_along_axis(_places, -1, rounded, among_equals == "best").astype(np.intp)


def _places(abilities: Array, best: bool) -> NDArray[np.intp]:
    above = np.searchsorted(np.sort(abilities), abilities, side="right" if best else "left")
    return len(abilities) + best - above
