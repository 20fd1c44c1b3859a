"""The ranking while votes come in, for the owner's page and for adaptive designs.

The fit is that of `analysis.bradley_terry`; intervals resample participants, as `analysis rank`
does.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np
from sqlalchemy import Connection

from analysis.bradley_terry import (
    WEAK_PRIOR,
    Array,
    Counts,
    Fit,
    NoEstimateError,
    fit,
    fit_resamples,
    ranks,
    resample_clusters,
)
from survey.results.participants import Participant
from survey.storage import store

_RESAMPLES = 200
_MIN_PARTICIPANTS = 5


def vote_counts(connection: Connection, methods: Sequence[str]) -> Counts:
    """Return the votes of all participants who are not yet excluded."""
    table = np.zeros((3, len(methods), len(methods)))
    index = {method: i for i, method in enumerate(methods)}
    for left, right, choice, times in store.count_votes(connection):
        if left in index and right in index:
            table[store.CHOICES.index(choice), index[left], index[right]] += times
    return Counts(*table)


def methods_with_votes(valid: Sequence[Participant], methods: Sequence[str]) -> list[str]:
    """Return the study's methods, then those removed from it after there were votes on them."""
    voted = {method for one in valid for vote in one.votes for method in (vote.left, vote.right)}
    return [*methods, *sorted(voted - set(methods))]


def votes_by_participant(valid: Sequence[Participant], methods: Sequence[str]) -> Array:
    """Return votes by participant, choice, left and right method: (participants, 3, K, K)."""
    index = {method: i for i, method in enumerate(methods)}
    tables = np.zeros((len(valid), 3, len(methods), len(methods)))
    for table, participant in zip(tables, valid, strict=True):
        for vote in participant.votes:
            table[store.CHOICES.index(vote.choice), index[vote.left], index[vote.right]] += 1
    return tables


def votes_of_pairs(votes: Array) -> list[list[int | None]]:
    """Return how often each two methods were compared, None on the diagonal."""
    total = votes.sum((0, 1))
    return [
        [None if i == j else int(times) for j, times in enumerate(row)]
        for i, row in enumerate(total + total.T)
    ]


def ranking(votes: Array, methods: Sequence[str]) -> tuple[list[dict[str, Any]], str]:
    """Rank methods by `votes_by_participant`, best first; say how, or why that is impossible.

    A row has the method's ability with its 95 % interval, rank, wins, losses and ties.
    """
    if len(votes) < _MIN_PARTICIPANTS:
        return [], (
            f"The ranking begins with {_MIN_PARTICIPANTS} valid participants; now {len(votes)}."
        )
    total = Counts(*votes.sum(0))
    try:
        estimate, note = _fit(total)
    except NoEstimateError as error:
        return [], f"No ranking yet: {error}."
    _, resampled = resample_clusters(votes, _RESAMPLES, np.random.default_rng(0))
    fits, bounded = fit_resamples(Counts(*resampled.swapaxes(0, 1)))
    low, high = np.quantile(fits.abilities, [0.025, 0.975], axis=0)
    if not bounded.all():
        note += (
            f" {int((~bounded).sum())} of the resamples have no finite ranking, and got "
            f"{WEAK_PRIOR:g} votes for each two methods."
        )
    rank_of = ranks(estimate.abilities)
    order = np.argsort(rank_of, kind="stable")
    rows = [
        {
            "method": methods[i],
            "ability": float(estimate.abilities[i]),
            "ci_low": float(low[i]),
            "ci_high": float(high[i]),
            "rank": int(rank_of[i]),
            "wins": float(total.wins[i].sum()),
            "losses": float(total.wins[:, i].sum()),
            "ties": float(total.ties[i].sum()),
        }
        for i in order
    ]
    return rows, note


def _fit(votes: Counts) -> tuple[Fit, str]:
    note = (
        f"Bradley-Terry on valid votes; 95 % intervals from {_RESAMPLES} resamples of participants."
    )
    with suppress(NoEstimateError):
        return fit(votes), note
    return fit(votes, prior=WEAK_PRIOR), (
        f"{note} There are too few votes for a finite ranking, so {WEAK_PRIOR:g} votes are added "
        "for each two methods."
    )
