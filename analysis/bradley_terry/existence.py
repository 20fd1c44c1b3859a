"""Whether the likelihood has a finite maximum, decided exactly.

None exists if some direction (d, s, h) of (abilities, log t, g), other than adding one number to
all abilities, never lowers the likelihood of any vote. With lead = d_i - d_j + h for i on the left
and j on the right, that is for each vote

    the left one won:   lead >= 0 and lead >= 2 s
    the right one won: -lead >= 0 and -lead >= 2 s
    a tie:             |lead| <= 2 s

Without ties s does not exist; without an order effect h is 0, and this is Ford's condition.

References
----------
L. R. Ford, Solution of a Ranking Problem from Binary Comparisons, American Mathematical Monthly 64
(8), 1957.
L. Gyarmati, C. Mihálykó, É. Orbán-Mihálykó, Conditions for the existence of maximum likelihood
estimates in paired comparison models with ties, arXiv:2502.13617, 2025.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from analysis.bradley_terry.counts import Array, Counts
from analysis.bradley_terry.directions import has_direction

_Bools = NDArray[np.bool_]
# Of coefficients that are small whole numbers, far above the solver's rounding.
_TOLERANCE = 1e-6


def has_estimate(counts: Counts, *, ties: bool = True, order: bool = False) -> _Bools:
    """Return which data sets (..., K, K) have a finite estimate without a prior, (...).

    `ties` and `order` are as for `fit`.
    """
    left, right, tie = _occurred(counts, ties)
    won = left | right.swapaxes(-1, -2)
    if not order:
        left, right = won, np.zeros_like(won)
        tie = np.triu(tie | tie.swapaxes(-1, -2))
    # Enough votes decide most data sets without a search.
    certain = _connected(won)
    if order:
        for side in (left, right):
            certain &= (side & side.swapaxes(-1, -2)).any(axis=(-1, -2))
    possible = _connected(won | tie | tie.swapaxes(-1, -2))
    k = won.shape[-1]
    outcomes = np.stack([left, right, tie], axis=-3).reshape(-1, 3, k, k)
    result = certain.reshape(-1)
    open_cases = np.flatnonzero((possible & ~certain).reshape(-1))
    if len(open_cases):
        distinct, which = np.unique(outcomes[open_cases], axis=0, return_inverse=True)
        result[open_cases] = ~has_direction(distinct, order)[which.reshape(-1)]
    return result.reshape(certain.shape)


def side_effect(counts: Counts, *, ties: bool) -> Literal["bounded", "unbounded", "confounded"]:
    """Return what the votes of one data set (K, K) say of an order effect g.

    "confounded": other abilities explain the votes as well for any g, because sides never change.
    "unbounded": the votes bound g on one side only or not at all, or a prior does.
    """
    conditions = _conditions(_occurred(counts, ties))
    if _rank(conditions) == _rank(conditions[:, :-1]):
        return "confounded"
    effect = np.zeros(conditions.shape[1])
    effect[-1] = 1
    moves = any(_largest(conditions, sign * effect) > _TOLERANCE for sign in (1, -1))
    return "unbounded" if moves else "bounded"


def _occurred(counts: Counts, ties: bool) -> tuple[_Bools, _Bools, _Bools]:
    """Return where the left one won, the right one, and neither, each (..., K, K)."""
    left, right, tie = (np.asarray(part) > 0 for part in counts)
    return (left, right, tie) if ties else (left | tie, right | tie, np.zeros_like(tie))


def _connected(edges: _Bools) -> _Bools:
    """Return whether each node of (..., K, K) can be reached from each other one."""
    k = edges.shape[-1]
    reach = edges | np.eye(k, dtype=bool)
    for _ in range(max(1, int(np.ceil(np.log2(k))))):
        reach = (reach.astype(np.float32) @ reach.astype(np.float32)) > 0
    return np.asarray(reach.all(axis=(-1, -2)))


def _largest(conditions: Array, objective: Array) -> float:
    """Return the largest value of objective x where conditions x >= 0 and |x| <= 1."""
    # SciPy's solvers take half a second to import; most rankings need none.
    from scipy.optimize import linprog

    zero = np.zeros(len(conditions))
    return float(-linprog(-objective, A_ub=-conditions, b_ub=zero, bounds=(-1, 1)).fun)


def _conditions(outcomes: tuple[_Bools, _Bools, _Bools]) -> Array:
    """Return A of the conditions A x >= 0 on a direction x, given outcomes (K, K).

    Its columns are d_1 ... d_(K-1) (d_0 is 0), s if there are ties, and h.
    """
    k = len(outcomes[2])
    with_ties = bool(outcomes[2].any())
    rows = []
    for part, sign in zip(outcomes, (1.0, -1.0, 0.0), strict=True):
        first, second = np.nonzero(part)
        lead = np.zeros((len(first), k + 2))
        places = np.arange(len(first))
        lead[places, first] += 1
        lead[places, second] -= 1
        lead[:, k + 1] = 1
        apart = np.zeros(k + 2)
        apart[k] = 2
        if sign:
            rows += [sign * lead, sign * lead - apart] if with_ties else [sign * lead]
        else:
            rows += [apart - lead, apart + lead]
    kept = [*range(1, k), *([k] if with_ties else []), k + 1]
    return np.concatenate(rows)[:, kept]


def _rank(conditions: Array) -> int:
    return int(np.linalg.matrix_rank(conditions.T @ conditions))
