"""Abilities on each image (or group of images), shrunk towards those over all."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from scipy.special import expit

from analysis.bradley_terry.bootstrap import Coded
from analysis.bradley_terry.fit import Array, Counts, fit, fit_many
from analysis.ranking.ranking import coded
from analysis.votes.votes import Votes, numbered
from methods.errors import InputError

Cell = Literal["image", "group"]

# Votes that each two methods get on each image on top of its own, divided as the overall abilities
# say: a cell has about ten votes of its own.
PRIOR_VOTES = 5.0


def abilities(votes: Coded, images: int, *, prior: float = 0.0) -> Array:
    """(images, methods), each row with mean zero. votes.cluster: the image of each vote; ties count
    as half a win for both; prior: of the overall fit. Raises NoEstimateError."""
    overall = fit(votes.counts(), ties=False, prior=prior).abilities
    return shrunk(tables(votes, images), overall)


def tables(votes: Coded, images: int) -> Array:
    """(images, methods, methods): on each image, at [i, j] how often i was preferred to j."""
    assert votes.cluster is not None
    k = votes.methods
    place = votes.cluster * (3 * k**2) + votes.cells()
    flat = np.bincount(place, weights=votes.weight, minlength=images * 3 * k**2)
    counts = Counts(*flat.reshape(images, 3, k, k).transpose(1, 0, 2, 3))
    return counts.wins + counts.ties / 2


def shrunk(wins: Array, overall: Array) -> Array:
    """Abilities of tables (..., methods, methods), each towards its overall ones (..., methods)."""
    lead = overall[..., :, None] - overall[..., None, :]
    wins = wins + PRIOR_VOTES * expit(lead) * (1 - np.eye(wins.shape[-1]))
    nothing = np.zeros_like(wins)
    return fit_many(Counts(wins, nothing, nothing)).abilities


class Part(NamedTuple):
    """A method on one image or group: its shrunk ability, its rank there, and the votes on it."""

    part: str
    method: str
    ability: float
    rank: int
    votes: float


def ranked(votes: Votes, by: Cell, *, prior: float = 0.0) -> list[Part]:
    """Parts in alphabetical order, in each the best method first. Raises InputError without the
    column, NoEstimateError where there is no overall ranking."""
    if not votes.has(by):
        raise InputError(
            f"{votes.source}: no column {by!r}; --column {by}=NAME says what it is called"
        )
    data, methods = coded(votes, by)
    assert data.cluster is not None
    names = numbered(votes.asked[by])[1]
    table = abilities(data, len(names), prior=prior)
    shown = np.zeros((len(names), len(methods)))
    for side in (data.left, data.right):
        np.add.at(shown, (data.cluster, side), data.weight)
    return [
        Part(name, methods[method], float(table[i, method]), place, float(shown[i, method]))
        for i, name in enumerate(names)
        for place, method in enumerate(np.argsort(-table[i], kind="stable"), 1)
    ]
