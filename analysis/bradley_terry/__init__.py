"""The Bradley-Terry model: counts, fit, existence of the estimate, bootstrap, small samples.

Conventions, for every function of this package:

- K methods have the numbers 0 to K - 1. In a vote one method is on the left and one on the right;
  the left one wins, the right one wins, or neither does (a tie).
- `Counts` holds three tables (..., K, K) of votes, indexed [left method, right method]. Leading
  axes, here "...", are independent data sets, which are fitted together.
- Abilities are natural logarithms with mean zero: of the votes that are no ties, i wins a share of
  1 / (1 + exp(a_j - a_i)) against j.
- Votes of one participant (or on one image) are not independent. They form a cluster, and the
  bootstrap draws clusters. Numbers that the votes do not determine are NaN.

This package only depends on NumPy, SciPy and (to resample single votes) Numba.
"""

from analysis.bradley_terry.bootstrap import (
    WEAK_PRIOR,
    Resamples,
    bootstrap,
    bootstrap_clusters,
    fit_resamples,
    resample_clusters,
)
from analysis.bradley_terry.counts import Array, Counts, VoteArrays, from_wins
from analysis.bradley_terry.existence import has_estimate, side_effect
from analysis.bradley_terry.fit import Fit, fit, fit_many, ranks
from analysis.bradley_terry.newton import probabilities
from analysis.bradley_terry.small_samples import MIN_CLUSTERS
from analysis.bradley_terry.unbounded import (
    NoEstimateError,
    bounded_by_prior,
    bounded_groups,
    no_estimate,
    with_names,
)

__all__ = [
    "MIN_CLUSTERS",
    "WEAK_PRIOR",
    "Array",
    "Counts",
    "Fit",
    "NoEstimateError",
    "Resamples",
    "VoteArrays",
    "bootstrap",
    "bootstrap_clusters",
    "bounded_by_prior",
    "bounded_groups",
    "fit",
    "fit_many",
    "fit_resamples",
    "from_wins",
    "has_estimate",
    "no_estimate",
    "probabilities",
    "ranks",
    "resample_clusters",
    "side_effect",
    "with_names",
]
