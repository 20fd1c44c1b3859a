"""Abilities on each image (or group of images), shrunk towards those of all votes."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from scipy.special import expit

from analysis import plackett_luce
from analysis.bradley_terry import Array, VoteArrays, fit, fit_many, from_wins, ranks
from analysis.votes.files import numbered
from analysis.votes.order_arrays import order_arrays
from analysis.votes.votes import Votes, vote_arrays
from methods.errors import InputError

Cell = Literal["image", "group"]

# Votes to add for each pair of methods on each image, divided as the overall abilities predict; an
# image has about ten votes of its own.
PRIOR_VOTES = 5.0


class AbilityOnPart(NamedTuple):
    """A method's shrunk ability and rank on one image or group, and the votes on it there."""

    part: str
    method: str
    ability: float
    rank: int
    votes: float


def ranked(votes: Votes, by: Cell, *, prior: float = 0.0) -> list[AbilityOnPart]:
    """Rank methods on each image or group, in alphabetical order; `prior` is as for `fit`.

    Raises InputError if the column is missing, NoEstimateError if there is no overall ranking.
    """
    if not votes.has(by):
        raise InputError(
            f"{votes.source}: no column {by!r}; --column {by}=NAME says what it is called"
        )
    among_two = votes.form == "pairs"
    names, methods, table, shown = (_by_pairs if among_two else _by_choices)(votes, by, prior)
    return [
        AbilityOnPart(
            name,
            methods[method],
            float(table[i, method]),
            int(places[method]),
            float(shown[i, method]),
        )
        for i, name in enumerate(names)
        for places in [ranks(table[i])]
        for method in np.argsort(places, kind="stable")
    ]


_Parts = tuple[list[str], list[str], Array, Array]


def _by_pairs(votes: Votes, by: Cell, prior: float) -> _Parts:
    """Return names of parts and of methods, abilities and how many votes showed which method."""
    data, methods = vote_arrays(votes, by)
    shown = np.zeros((data.n_clusters, len(methods)))
    for side in (data.left, data.right):
        np.add.at(shown, (data.owner, side), data.weight)
    names = numbered(votes.without_checks[by])[1]
    return names, methods, abilities(data, prior=prior), shown


def _by_choices(votes: Votes, by: Cell, prior: float) -> _Parts:
    """Return the same from votes among several methods."""
    data, methods, names = order_arrays(votes, by)
    overall = plackett_luce.fit(data.choices, data.counts(), prior).abilities
    counts = data.by_cluster().toarray()
    pairs = np.broadcast_to(_predicted(overall), (len(names), *2 * overall.shape))
    fits = plackett_luce.fit_many(data.choices, counts, pairs=pairs, start=overall)
    shown = np.zeros((len(names), len(methods)))
    for part, vote, weight in zip(data.owner, data.vote, data.weight, strict=True):
        shown[part, list(data.distinct[vote])] += weight
    return names, methods, fits.abilities, shown


def abilities(votes: VoteArrays, *, prior: float = 0.0) -> Array:
    """Return shrunk abilities on each cluster, (clusters, K), with mean zero; ties are halved.

    Raises NoEstimateError if there is no overall ranking.
    """
    overall = fit(votes.counts(), ties=False, prior=prior).abilities
    return shrunk(wins_by_cluster(votes), overall)


def wins_by_cluster(votes: VoteArrays) -> Array:
    """Return how often i was preferred to j in each cluster, (clusters, K, K); ties are halved."""
    return np.concatenate([part.wins + part.ties / 2 for _, part in votes.counts_by_cluster()])


def shrunk(wins: Array, overall: Array) -> Array:
    """Fit abilities to wins (..., K, K), each shrunk towards its overall ones (..., K)."""
    return fit_many(from_wins(wins + _predicted(overall))).abilities


def _predicted(overall: Array) -> Array:
    """Return the added votes of each pair as overall abilities (..., K) divide them."""
    lead = overall[..., :, None] - overall[..., None, :]
    return np.asarray(PRIOR_VOTES * expit(lead) * (1 - np.eye(overall.shape[-1])))
