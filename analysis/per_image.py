"""Abilities on each image (or group of images), shrunk towards those over all."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from analysis.bootstrap import Coded
from analysis.bradley_terry import Array, Counts, fit, fit_many

# Votes that each two methods get on each image on top of its own, divided as the overall abilities
# say: a cell has about ten votes of its own.
PRIOR_VOTES = 5.0


def abilities(votes: Coded, images: int, *, prior: float = 0.0) -> Array:
    """(images, methods), each row with mean zero. votes.cluster: the image of each vote; ties count
    as half a win for both; prior: of the overall fit. Raises NoEstimateError."""
    assert votes.cluster is not None
    overall = fit(votes.counts(), ties=False, prior=prior).abilities
    k = votes.methods
    place = votes.cluster * (3 * k**2) + votes.cells()
    flat = np.bincount(place, weights=votes.weight, minlength=images * 3 * k**2)
    left, right, tie = flat.reshape(images, 3, k, k).transpose(1, 0, 2, 3)
    wins = left + right.swapaxes(-1, -2) + (tie + tie.swapaxes(-1, -2)) / 2
    expected = PRIOR_VOTES * expit(overall[:, None] - overall[None, :]) * (1 - np.eye(k))
    wins = wins + expected
    return fit_many(Counts(wins, 0 * wins, 0 * wins)).abilities
